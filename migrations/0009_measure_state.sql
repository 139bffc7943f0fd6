-- One row per tenant whose row lock is the tenant's measure lock. It is not the tenant's own row: a lock there would
-- make every insert with a foreign key to the tenant wait.
DO $$
BEGIN
    CREATE TABLE measure_state (
        tenant_id uuid NOT NULL,
        generation bigint NOT NULL,
        CONSTRAINT measure_state_pk PRIMARY KEY (tenant_id),
        CONSTRAINT measure_state_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id),
        CONSTRAINT measure_state_generation_valid CHECK (generation >= 0)
    ) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
    COMMENT ON TABLE measure_state IS 'Distributed. The measure lock of each tenant.';
    COMMENT ON COLUMN measure_state.tenant_id IS 'Whose lock.';
    COMMENT ON COLUMN measure_state.generation IS 'Grows with every commit that changes tallies or definitions.';
    ALTER TABLE measure_state ENABLE ROW LEVEL SECURITY;
    CREATE POLICY measure_state_own ON measure_state TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    CREATE POLICY measure_state_maintenance ON measure_state TO journeylift_maintenance
        USING (true) WITH CHECK (true);
    REVOKE ALL ON measure_state FROM PUBLIC;
    GRANT SELECT, UPDATE ON measure_state TO journeylift_app;
    GRANT SELECT, INSERT, UPDATE ON measure_state TO journeylift_maintenance;
    ALTER TABLE measure_state OWNER TO journeylift_owner;
END $$;
