-- What each person adds to an experiment's tallies. Taking away is always subtracting this row.
DO $$
BEGIN
    CREATE TABLE contribution (
        tenant_id uuid NOT NULL,
        definition_id bigint NOT NULL,
        person text COLLATE "C" NOT NULL,
        body bytea NOT NULL,
        CONSTRAINT contribution_pk PRIMARY KEY (tenant_id, definition_id, person),
        CONSTRAINT contribution_person_valid CHECK (char_length(person) BETWEEN 3 AND 257),
        CONSTRAINT contribution_body_valid CHECK (octet_length(body) > 0)
    ) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);
    COMMENT ON TABLE contribution IS 'Distributed. One row per person and version.';
    COMMENT ON COLUMN contribution.tenant_id IS 'Whose person.';
    COMMENT ON COLUMN contribution.definition_id IS 'The version that it was folded under.';
    COMMENT ON COLUMN contribution.person IS 'The smallest subject of the component.';
    COMMENT ON COLUMN contribution.body IS 'The contribution in the compact form of metrics::contribution.';
    ALTER TABLE contribution ENABLE ROW LEVEL SECURITY;
    CREATE POLICY contribution_own ON contribution TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    REVOKE ALL ON contribution FROM PUBLIC;
    GRANT SELECT, INSERT, UPDATE, DELETE ON contribution TO journeylift_app;
    ALTER TABLE contribution OWNER TO journeylift_owner;
END $$;
