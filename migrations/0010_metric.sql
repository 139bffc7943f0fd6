-- Metrics: definitions of KPIs. Amounts inside the body are whole millionths.
DO $$
BEGIN
    CREATE TABLE metric (
        tenant_id uuid NOT NULL,
        metric text COLLATE "C" NOT NULL,
        body jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT metric_pk PRIMARY KEY (tenant_id, metric),
        CONSTRAINT metric_tenant_fk FOREIGN KEY (tenant_id) REFERENCES tenant (tenant_id),
        CONSTRAINT metric_key_valid CHECK (
            char_length(metric) BETWEEN 1 AND 255 AND metric = btrim(metric)
            AND metric !~ '[\u0001-\u001f\u007f-\u009f]'),
        CONSTRAINT metric_body_key CHECK ((body ->> 'key') IS NOT DISTINCT FROM metric),
        CONSTRAINT metric_body_kind CHECK (
            coalesce(body #>> '{kind,type}', '')
                IN ('conversion', 'count', 'sum', 'ratio', 'retention', 'score', 'clv')),
        CONSTRAINT metric_body_goal CHECK (coalesce(body ->> 'goal', '') IN ('increase', 'decrease')),
        CONSTRAINT metric_body_window CHECK ((body ->> 'window_days')::bigint BETWEEN 1 AND 3650),
        CONSTRAINT metric_body_cap CHECK (
            (body ->> 'cap')::bigint BETWEEN 1 AND 1000000000000000
            AND (body ->> 'cap' IS NULL OR body #>> '{kind,type}' NOT IN ('conversion', 'retention'))),
        CONSTRAINT metric_body_retention CHECK (
            body #>> '{kind,type}' <> 'retention'
            OR ((body #>> '{kind,from_day}')::bigint BETWEEN 0 AND 3650
                AND (body #>> '{kind,to_day}' IS NULL
                    OR ((body #>> '{kind,to_day}')::bigint BETWEEN 1 AND 3650
                        AND (body #>> '{kind,to_day}')::bigint > (body #>> '{kind,from_day}')::bigint
                        AND coalesce((body ->> 'window_days')::bigint >= (body #>> '{kind,to_day}')::bigint, true))))),
        CONSTRAINT metric_body_parts CHECK (
            body #>> '{kind,type}' <> 'score' OR jsonb_array_length(body #> '{kind,parts}') BETWEEN 1 AND 50),
        CONSTRAINT metric_body_lifespan CHECK (
            body #>> '{kind,type}' <> 'clv' OR (body #>> '{kind,lifespan_days}')::bigint BETWEEN 1 AND 3650),
        CONSTRAINT metric_body_unit CHECK (char_length(body ->> 'unit') BETWEEN 1 AND 255),
        CONSTRAINT metric_body_description CHECK (char_length(body ->> 'description') <= 2000)
    );
    COMMENT ON TABLE metric IS 'Distributed. Definitions of KPIs, as they stand now.';
    COMMENT ON COLUMN metric.tenant_id IS 'Whose metric.';
    COMMENT ON COLUMN metric.metric IS 'The key within the tenant, 1 to 255 characters.';
    COMMENT ON COLUMN metric.body IS 'The definition; amounts are whole millionths.';
    COMMENT ON COLUMN metric.created_at IS 'When it was first defined.';
    COMMENT ON COLUMN metric.updated_at IS 'When it last changed.';
    ALTER TABLE metric ENABLE ROW LEVEL SECURITY;
    CREATE POLICY metric_own ON metric TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    REVOKE ALL ON metric FROM PUBLIC;
    GRANT SELECT, INSERT, UPDATE, DELETE ON metric TO journeylift_app;
    ALTER TABLE metric OWNER TO journeylift_owner;
END $$;
