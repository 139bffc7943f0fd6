-- Tenants: isolated customers of the service.
DO $$
BEGIN
    CREATE TABLE tenant (
        tenant_id uuid NOT NULL,
        name text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        time_zone text COLLATE "C" NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT tenant_pk PRIMARY KEY (tenant_id),
        CONSTRAINT tenant_name_valid CHECK (
            char_length(name) BETWEEN 1 AND 255 AND name = btrim(name) AND name !~ '[\u0001-\u001f\u007f-\u009f]'),
        CONSTRAINT tenant_currency_valid CHECK (currency ~ '^[A-Z]{3}$'),
        CONSTRAINT tenant_time_zone_valid CHECK (time_zone ~ '^[A-Za-z0-9_+/-]{1,64}$')
    );
    COMMENT ON TABLE tenant IS 'Distributed. Isolated customers of the service.';
    COMMENT ON COLUMN tenant.tenant_id IS 'UUIDv7 that the service made.';
    COMMENT ON COLUMN tenant.name IS 'The name that people see, 1 to 255 characters.';
    COMMENT ON COLUMN tenant.currency IS 'ISO 4217; money metrics count amounts in it. Never changes.';
    COMMENT ON COLUMN tenant.time_zone IS 'IANA name; days are cut in it, by the service. Never changes.';
    COMMENT ON COLUMN tenant.created_at IS 'When the tenant was made.';
    ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tenant_own ON tenant TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    CREATE POLICY tenant_maintenance ON tenant TO journeylift_maintenance USING (true) WITH CHECK (true);
    REVOKE ALL ON tenant FROM PUBLIC;
    GRANT SELECT ON tenant TO journeylift_app;
    GRANT SELECT, INSERT ON tenant TO journeylift_maintenance;
    ALTER TABLE tenant OWNER TO journeylift_owner;
END $$;
