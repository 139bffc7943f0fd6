-- Experiments: comparisons of arms, as people defined them last. Amounts inside the body are whole millionths.
DO $$
BEGIN
    CREATE TABLE experiment (
        tenant_id uuid NOT NULL,
        experiment text COLLATE "C" NOT NULL,
        body jsonb NOT NULL,
        archived boolean NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT experiment_pk PRIMARY KEY (tenant_id, experiment),
        CONSTRAINT experiment_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id),
        CONSTRAINT experiment_key_valid CHECK (
            char_length(experiment) BETWEEN 1 AND 255 AND experiment = btrim(experiment)
            AND experiment !~ '[\u0001-\u001f\u007f-\u009f]'),
        CONSTRAINT experiment_body_key CHECK ((body ->> 'key') IS NOT DISTINCT FROM experiment),
        CONSTRAINT experiment_body_archived CHECK ((body ->> 'archived')::boolean IS NOT DISTINCT FROM archived),
        CONSTRAINT experiment_body_name CHECK (char_length(body ->> 'name') BETWEEN 1 AND 255),
        CONSTRAINT experiment_body_owner CHECK (char_length(body ->> 'owner') BETWEEN 1 AND 255),
        CONSTRAINT experiment_body_hypothesis CHECK (char_length(body ->> 'hypothesis') <= 2000),
        CONSTRAINT experiment_body_tactic CHECK (
            body ->> 'tactic' IN ('onboarding', 'content', 'recommendation', 'offer', 'pricing', 'channel', 'support',
                'behavioral', 'contextual', 'predictive')),
        CONSTRAINT experiment_body_crossovers CHECK (coalesce(body ->> 'crossovers', '') IN ('first', 'exclude')),
        CONSTRAINT experiment_body_arms CHECK (coalesce(jsonb_array_length(body -> 'arms'), 0) BETWEEN 1 AND 50),
        CONSTRAINT experiment_body_control CHECK (
            body @? '$ ? (exists (@.arms[*] ? (@.key == $.control)))'),
        CONSTRAINT experiment_body_weights CHECK (
            NOT body @? '$.arms[*].weight ? (@ <= 0 || @ > 1000000000000000)'),
        CONSTRAINT experiment_body_costs CHECK (
            NOT body @? '$.arms[*].cost.* ? (@ < 0 || @ > 1000000000000000)'),
        CONSTRAINT experiment_body_times CHECK (
            (body ->> 'starts_at')::timestamptz < (body ->> 'ends_at')::timestamptz),
        CONSTRAINT experiment_body_window CHECK ((body ->> 'window_days')::bigint BETWEEN 1 AND 3650),
        CONSTRAINT experiment_body_metrics CHECK (coalesce(jsonb_array_length(body -> 'metrics'), 101) <= 100),
        CONSTRAINT experiment_body_roles CHECK (
            NOT body @? '$.metrics[*].role ? (@ != "primary" && @ != "secondary" && @ != "guardrail")'),
        CONSTRAINT experiment_body_harm CHECK (
            NOT body @? '$.metrics[*] ? (@.max_harm <= 0 || @.max_harm >= 1000000
                || (@.max_harm > 0 && @.role != "guardrail"))'),
        CONSTRAINT experiment_body_dimensions CHECK (coalesce(jsonb_array_length(body -> 'dimensions'), 21) <= 20)
    );
    COMMENT ON TABLE experiment IS 'Distributed. Experiments, as they are defined now.';
    COMMENT ON COLUMN experiment.tenant_id IS 'Whose experiment.';
    COMMENT ON COLUMN experiment.experiment IS 'The key that exposures name, 1 to 255 characters.';
    COMMENT ON COLUMN experiment.body IS 'The definition with arms, metric uses and dimensions; amounts are whole millionths.';
    COMMENT ON COLUMN experiment.archived IS 'Whether its tallies are frozen; the same as in the body.';
    COMMENT ON COLUMN experiment.created_at IS 'When it was first defined.';
    COMMENT ON COLUMN experiment.updated_at IS 'When it last changed.';
    ALTER TABLE experiment ENABLE ROW LEVEL SECURITY;
    CREATE POLICY experiment_own ON experiment TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    CREATE POLICY experiment_maintenance ON experiment FOR SELECT TO journeylift_maintenance USING (true);
    REVOKE ALL ON experiment FROM PUBLIC;
    GRANT SELECT, INSERT, UPDATE, DELETE ON experiment TO journeylift_app;
    GRANT SELECT ON experiment TO journeylift_maintenance;
    ALTER TABLE experiment OWNER TO journeylift_owner;
END $$;
