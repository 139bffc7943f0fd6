-- A row of the queue names many new events: a row a subject was a fifth of what Postgres did for an event, what left the queue
-- had to be walked past, and who claims takes thousands at once anyway. What waits already is measured whole.
-- Which events of a person still wait is told by when they were received: after all that was ever claimed, or else by the few rows
-- of that time. The table of events is gone through once for it, and writers and readers wait meanwhile.
-- A service that knows rows of one subject fails.
DO $$
BEGIN
    -- In the order in which slices take them.
    ALTER TABLE measure_state ADD COLUMN claimed_until timestamptz;
    COMMENT ON COLUMN measure_state.claimed_until IS
        'No event that ever left the queue was received after this; null: none ever left it.';

    DROP INDEX touched_subject;
    ALTER TABLE touched DROP CONSTRAINT touched_subject_valid;
    ALTER TABLE touched
        ALTER COLUMN subject TYPE text[] COLLATE "C" USING ARRAY[subject],
        ALTER COLUMN event_ids TYPE uuid[] USING ARRAY[NULL]::uuid[],
        ALTER COLUMN whole TYPE boolean[] USING ARRAY[true],
        ALTER COLUMN exposed TYPE boolean[] USING ARRAY[false],
        ADD COLUMN first_received_at timestamptz,
        ADD COLUMN last_received_at timestamptz;
    ALTER TABLE touched RENAME COLUMN subject TO subjects;
    ALTER TABLE touched
        ADD CONSTRAINT touched_names_anything CHECK (cardinality(subjects) > 0),
        ADD CONSTRAINT touched_even CHECK (cardinality(event_ids) = cardinality(subjects)
            AND cardinality(whole) = cardinality(subjects) AND cardinality(exposed) = cardinality(subjects)),
        ADD CONSTRAINT touched_known CHECK (array_position(subjects, NULL) IS NULL
            AND array_position(whole, NULL) IS NULL AND array_position(exposed, NULL) IS NULL),
        -- Rows that name events say when they were received: what still waits is told by it.
        ADD CONSTRAINT touched_received_valid CHECK (CASE
            WHEN first_received_at IS NULL OR last_received_at IS NULL THEN first_received_at IS NULL
                AND last_received_at IS NULL AND cardinality(array_remove(event_ids, NULL)) = 0
            ELSE first_received_at <= last_received_at END),
        -- Numbers that a session keeps for later would have rows claimed long before others that were received before them.
        ALTER COLUMN touched_id SET CACHE 1;
    CREATE INDEX touched_received ON touched (tenant_id, first_received_at);
    -- Rows of a few kilobytes stay where they are and as they are: they live for milliseconds.
    ALTER TABLE touched SET (toast_tuple_target = 8160,
        autovacuum_vacuum_threshold = 500, autovacuum_vacuum_insert_threshold = 2000, autovacuum_analyze_threshold = 2000);
    COMMENT ON TABLE touched IS 'Distributed. New events that are not measured yet; some of a write batch to a row.';
    COMMENT ON COLUMN touched.subjects IS 'The subject of each of the row''s new events.';
    COMMENT ON COLUMN touched.event_ids IS 'The new events; null: none, the subject''s whole journey is to be measured.';
    COMMENT ON COLUMN touched.whole IS 'For each: whether the subject''s whole journey is to be measured: a link is new, or events are gone.';
    COMMENT ON COLUMN touched.exposed IS 'For each: whether it is an exposure.';
    COMMENT ON COLUMN touched.first_received_at IS 'When the first of the new events was received; null: the row names none.';
    COMMENT ON COLUMN touched.last_received_at IS 'When the last of them was.';

    UPDATE measure_state m SET claimed_until = r.until
    FROM (SELECT tenant_id, max(received_at) AS until FROM event GROUP BY tenant_id) AS r
    WHERE r.tenant_id = m.tenant_id;
END $$;
