-- The queue from the writer to the measurement: the subjects that new events touched.
DO $$
BEGIN
    CREATE TABLE touched (
        tenant_id uuid NOT NULL,
        touched_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 100),
        subject text COLLATE "C" NOT NULL,
        first_at timestamptz NOT NULL,
        first_id uuid NOT NULL,
        CONSTRAINT touched_pk PRIMARY KEY (tenant_id, touched_id),
        CONSTRAINT touched_subject_valid CHECK (char_length(subject) BETWEEN 3 AND 257)
    ) WITH (
        -- A queue: rows live for milliseconds, so dead ones are swept by count and not by share.
        autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000,
        autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
    COMMENT ON TABLE touched IS 'Distributed. Subjects with new events that are not measured yet; a row per subject and write batch.';
    COMMENT ON COLUMN touched.tenant_id IS 'Whose subject.';
    COMMENT ON COLUMN touched.touched_id IS 'Distinguishes rows; says nothing about the order of commits.';
    COMMENT ON COLUMN touched.subject IS 'The subject whose events are new.';
    COMMENT ON COLUMN touched.first_at IS 'With first_id the smallest (occurred_at, event_id) of the batch''s new events of the subject.';
    COMMENT ON COLUMN touched.first_id IS 'See first_at.';
    ALTER TABLE touched ENABLE ROW LEVEL SECURITY;
    CREATE POLICY touched_own ON touched TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    CREATE POLICY touched_maintenance ON touched TO journeylift_maintenance USING (true) WITH CHECK (true);
    REVOKE ALL ON touched FROM PUBLIC;
    GRANT SELECT, INSERT, DELETE ON touched TO journeylift_app;
    GRANT SELECT, INSERT ON touched TO journeylift_maintenance;
    ALTER TABLE touched OWNER TO journeylift_owner;
END $$;
