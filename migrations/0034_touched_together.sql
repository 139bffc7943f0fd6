-- A row of the queue names many new events: a row a subject was a fifth of what Postgres did for an event, what left the queue
-- had to be walked past, and who claims takes thousands at once anyway. What waits already is measured whole.
-- A service that knows rows of one subject fails.
DO $$
BEGIN
    DROP INDEX touched_subject;
    ALTER TABLE touched DROP CONSTRAINT touched_subject_valid;
    ALTER TABLE touched
        ALTER COLUMN subject TYPE text[] COLLATE "C" USING ARRAY[subject],
        ALTER COLUMN event_ids TYPE uuid[] USING ARRAY[NULL]::uuid[],
        ALTER COLUMN whole TYPE boolean[] USING ARRAY[true],
        ALTER COLUMN exposed TYPE boolean[] USING ARRAY[false];
    ALTER TABLE touched RENAME COLUMN subject TO subjects;
    ALTER TABLE touched
        ADD CONSTRAINT touched_names_anything CHECK (cardinality(subjects) > 0),
        ADD CONSTRAINT touched_even CHECK (cardinality(event_ids) = cardinality(subjects)
            AND cardinality(whole) = cardinality(subjects) AND cardinality(exposed) = cardinality(subjects));
    -- Rows of a few kilobytes stay where they are and as they are: they live for milliseconds.
    ALTER TABLE touched SET (toast_tuple_target = 8160,
        autovacuum_vacuum_threshold = 500, autovacuum_vacuum_insert_threshold = 2000, autovacuum_analyze_threshold = 2000);
    COMMENT ON TABLE touched IS 'Distributed. New events that are not measured yet; some of a write batch to a row.';
    COMMENT ON COLUMN touched.subjects IS 'The subject of each of the row''s new events.';
    COMMENT ON COLUMN touched.event_ids IS 'The new events; null: none, the subject''s whole journey is to be measured.';
    COMMENT ON COLUMN touched.whole IS 'For each: whether the subject''s whole journey is to be measured: a link is new, or events are gone.';
    COMMENT ON COLUMN touched.exposed IS 'For each: whether it is an exposure.';
END $$;
