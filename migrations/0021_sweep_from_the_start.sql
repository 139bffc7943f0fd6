-- Versions that were retired before kept how far they had been built, which says nothing of how far they are swept.
UPDATE definition SET position = NULL WHERE state = 'retired';
