-- Events under whose id other bodies were sent: the first body wins, and these ids are counted.
DO $$
BEGIN
    CREATE TABLE conflict (
        tenant_id uuid NOT NULL,
        event_id uuid NOT NULL,
        occurred_at timestamptz NOT NULL,
        CONSTRAINT conflict_pk PRIMARY KEY (tenant_id, event_id)
    );
    CREATE INDEX conflict_time ON conflict (tenant_id, occurred_at);
    COMMENT ON TABLE conflict IS 'Distributed. Stored events under whose id another body was sent as well.';
    COMMENT ON COLUMN conflict.tenant_id IS 'Whose event.';
    COMMENT ON COLUMN conflict.event_id IS 'The id that was sent with several bodies.';
    COMMENT ON COLUMN conflict.occurred_at IS 'When the stored event happened, so that the count obeys as_of.';
    ALTER TABLE conflict ENABLE ROW LEVEL SECURITY;
    CREATE POLICY conflict_own ON conflict TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    CREATE POLICY conflict_maintenance ON conflict TO journeylift_maintenance USING (true);
    REVOKE ALL ON conflict FROM PUBLIC;
    GRANT SELECT, INSERT ON conflict TO journeylift_app;
    GRANT SELECT, DELETE ON conflict TO journeylift_maintenance;
    ALTER TABLE conflict OWNER TO journeylift_owner;
END $$;
