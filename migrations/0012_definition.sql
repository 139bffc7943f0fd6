-- Versions of experiments: what is measured (active), being measured beside it (building), or swept away (retired).
DO $$
BEGIN
    CREATE TABLE definition (
        tenant_id uuid NOT NULL,
        definition_id bigint GENERATED ALWAYS AS IDENTITY,
        experiment text COLLATE "C" NOT NULL,
        state text COLLATE "C" NOT NULL,
        body jsonb NOT NULL,
        revision bigint NOT NULL,
        position text COLLATE "C",
        done bigint NOT NULL,
        total bigint NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT definition_pk PRIMARY KEY (tenant_id, definition_id),
        CONSTRAINT definition_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id),
        CONSTRAINT definition_state_valid CHECK (state IN ('building', 'active', 'retired')),
        CONSTRAINT definition_revision_valid CHECK (revision >= 1),
        CONSTRAINT definition_progress_valid CHECK (done >= 0 AND total >= 0),
        CONSTRAINT definition_experiment_valid CHECK (char_length(experiment) BETWEEN 1 AND 255),
        CONSTRAINT definition_body_key CHECK ((body #>> '{experiment,key}') IS NOT DISTINCT FROM experiment),
        CONSTRAINT definition_body_metrics CHECK (
            jsonb_array_length(body -> 'metrics') IS NOT DISTINCT FROM jsonb_array_length(body #> '{experiment,metrics}'))
    ) WITH (fillfactor = 70);
    CREATE UNIQUE INDEX definition_one_active ON definition (tenant_id, experiment) WHERE state = 'active';
    CREATE UNIQUE INDEX definition_one_building ON definition (tenant_id, experiment) WHERE state = 'building';
    COMMENT ON TABLE definition IS 'Distributed. Versions of experiments with their metrics resolved.';
    COMMENT ON COLUMN definition.tenant_id IS 'Whose experiment.';
    COMMENT ON COLUMN definition.definition_id IS 'Tells the versions apart; contributions and tallies carry it.';
    COMMENT ON COLUMN definition.experiment IS 'The experiment''s key.';
    COMMENT ON COLUMN definition.state IS 'active: answers come from it; building: being measured; retired: its rows are being swept.';
    COMMENT ON COLUMN definition.body IS 'The experiment and its metrics as this version measures them.';
    COMMENT ON COLUMN definition.revision IS 'Counts the changes of the body that did not change what is measured.';
    COMMENT ON COLUMN definition.position IS 'The last subject that a building version has measured; null: none yet.';
    COMMENT ON COLUMN definition.done IS 'Subjects measured so far.';
    COMMENT ON COLUMN definition.total IS 'Subjects that were there to measure when building began.';
    COMMENT ON COLUMN definition.created_at IS 'When the version was made.';
    ALTER TABLE definition ENABLE ROW LEVEL SECURITY;
    CREATE POLICY definition_own ON definition TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    CREATE POLICY definition_maintenance ON definition FOR SELECT TO journeylift_maintenance USING (true);
    REVOKE ALL ON definition FROM PUBLIC;
    GRANT SELECT, INSERT, UPDATE, DELETE ON definition TO journeylift_app;
    GRANT SELECT ON definition TO journeylift_maintenance;
    ALTER TABLE definition OWNER TO journeylift_owner;
END $$;
