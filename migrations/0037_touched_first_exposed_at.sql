-- The queue says when the first exposures of subjects to experiments happened: then the measurement need not read what happened long
-- before. Rows without it are measured as before.
DO $$
BEGIN
    ALTER TABLE touched ADD COLUMN first_exposed_at timestamptz[];
    ALTER TABLE touched ADD CONSTRAINT touched_first_exposed_even CHECK (cardinality(first_exposed_at) = cardinality(subjects));
    COMMENT ON COLUMN touched.first_exposed_at IS
        'For each: when it happened, where it is the first stored exposure of the subject to the experiment; without the list it is not known.';
    COMMENT ON COLUMN touched.first_exposure IS
        'Not read any more, and written by earlier versions alone: first_exposed_at says it.';
END $$;
