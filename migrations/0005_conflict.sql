-- Other bodies that were sent under the id of a stored event: the first one wins, and these are counted.
DO $$
BEGIN
    CREATE TABLE conflict (
        tenant_id uuid NOT NULL,
        event_id uuid NOT NULL,
        digest bigint NOT NULL,
        CONSTRAINT conflict_pk PRIMARY KEY (tenant_id, event_id, digest)
    );
    COMMENT ON TABLE conflict IS 'Distributed. Other bodies sent under a stored event id.';
    COMMENT ON COLUMN conflict.tenant_id IS 'Whose event.';
    COMMENT ON COLUMN conflict.event_id IS 'The id that was sent with several bodies.';
    COMMENT ON COLUMN conflict.digest IS 'The digest of the body that was not kept.';
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
