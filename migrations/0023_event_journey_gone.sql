-- The index on subjects takes its place.
DROP INDEX IF EXISTS event_journey;
