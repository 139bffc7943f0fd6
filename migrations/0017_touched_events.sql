-- The queue names the events themselves, so that each is measured exactly once and late ones reload no journey.
-- Rows that wait already name none: their subjects are measured whole.
DO $$
BEGIN
    ALTER TABLE touched
        ADD COLUMN event_ids uuid[] NOT NULL DEFAULT '{}',
        ADD COLUMN whole boolean NOT NULL DEFAULT true,
        ADD COLUMN exposed boolean NOT NULL DEFAULT true,
        DROP COLUMN first_at,
        DROP COLUMN first_id;
    ALTER TABLE touched
        ALTER COLUMN event_ids DROP DEFAULT,
        ALTER COLUMN whole DROP DEFAULT,
        ALTER COLUMN exposed DROP DEFAULT;
    CREATE INDEX touched_subject ON touched (tenant_id, subject);
    COMMENT ON COLUMN touched.event_ids IS 'The new events of the subject.';
    COMMENT ON COLUMN touched.whole IS 'The whole journey is to be measured: a link is new, or events are gone.';
    COMMENT ON COLUMN touched.exposed IS 'An exposure is among the new events.';
    DROP TABLE checkpoint;
END $$;
