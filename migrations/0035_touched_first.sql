-- The queue says of an exposure whether it is the first of its subject to its experiment: then the measurement needs the whole journey,
-- and need not read the new events by themselves to find that out. Rows without it are measured as before.
DO $$
BEGIN
    ALTER TABLE touched ADD COLUMN first_exposure boolean[];
    ALTER TABLE touched ADD CONSTRAINT touched_first_even CHECK (cardinality(first_exposure) = cardinality(subjects)
        AND array_position(first_exposure, NULL) IS NULL);
    COMMENT ON COLUMN touched.first_exposure IS
        'For each: whether it is the first stored exposure of the subject to the experiment; without the list it is not known.';
END $$;
