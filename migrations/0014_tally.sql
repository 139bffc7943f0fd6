-- Sums per arm and day: what answers are made of. A row holds all metrics as arrays.
DO $$
BEGIN
    CREATE TABLE tally (
        tenant_id uuid NOT NULL,
        definition_id bigint NOT NULL,
        dimension smallint NOT NULL,
        value text COLLATE "C" NOT NULL,
        arm smallint NOT NULL,
        day date NOT NULL,
        counts bigint[] NOT NULL,
        live numeric[] NOT NULL,
        matured numeric[] NOT NULL,
        crossed_counts bigint[] NOT NULL,
        crossed_live numeric[] NOT NULL,
        crossed_matured numeric[] NOT NULL,
        CONSTRAINT tally_pk PRIMARY KEY (tenant_id, definition_id, dimension, value, arm, day),
        CONSTRAINT tally_dimension_valid CHECK (dimension BETWEEN 0 AND 20),
        CONSTRAINT tally_arm_valid CHECK (arm BETWEEN -1 AND 49)
    ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);
    COMMENT ON TABLE tally IS 'Distributed. Sums over persons per version, dimension value, arm and day; all metrics of the version in arrays.';
    COMMENT ON COLUMN tally.tenant_id IS 'Whose experiment.';
    COMMENT ON COLUMN tally.definition_id IS 'The version.';
    COMMENT ON COLUMN tally.dimension IS '0: everyone; i + 1: the i-th dimension of the version.';
    COMMENT ON COLUMN tally.value IS 'The dimension''s value at first exposure; empty: none, or everyone.';
    COMMENT ON COLUMN tally.arm IS 'The index of the arm in the version; -1: no arm.';
    COMMENT ON COLUMN tally.day IS 'The local day of the tenant that the entries are dated with.';
    COMMENT ON COLUMN tally.counts IS 'Counts of persons, in the order of metrics::tally.';
    COMMENT ON COLUMN tally.live IS 'Sums of the live reading, in units of 1e-6 and their products.';
    COMMENT ON COLUMN tally.matured IS 'Sums of the matured reading.';
    COMMENT ON COLUMN tally.crossed_counts IS 'What crossovers take away from counts where they are excluded.';
    COMMENT ON COLUMN tally.crossed_live IS 'What crossovers take away from live where they are excluded.';
    COMMENT ON COLUMN tally.crossed_matured IS 'What crossovers take away from matured where they are excluded.';
    ALTER TABLE tally ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tally_own ON tally TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    REVOKE ALL ON tally FROM PUBLIC;
    GRANT SELECT, INSERT, UPDATE, DELETE ON tally TO journeylift_app;
    ALTER TABLE tally OWNER TO journeylift_owner;
END $$;
