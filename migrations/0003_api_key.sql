-- Keys: only their hashes are kept. A small table that is read by hash before the tenant is known.
DO $$
BEGIN
    CREATE TABLE api_key (
        key_hash bytea NOT NULL,
        key_id uuid NOT NULL,
        tenant_id uuid NOT NULL,
        scopes text[] COLLATE "C" NOT NULL,
        label text COLLATE "C",
        prefix text COLLATE "C" NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz,
        revoked_at timestamptz,
        CONSTRAINT api_key_pk PRIMARY KEY (key_hash),
        CONSTRAINT api_key_id_unique UNIQUE (tenant_id, key_id),
        CONSTRAINT api_key_hash_valid CHECK (octet_length(key_hash) = 32),
        CONSTRAINT api_key_scopes_valid CHECK (
            cardinality(scopes) BETWEEN 1 AND 3 AND scopes <@ ARRAY['ingest', 'read', 'admin'] COLLATE "C"),
        CONSTRAINT api_key_label_valid CHECK (
            char_length(label) BETWEEN 1 AND 255 AND label = btrim(label) AND label !~ '[\u0001-\u001f\u007f-\u009f]'),
        CONSTRAINT api_key_prefix_valid CHECK (prefix ~ '^jl_[0-9a-f]{6}$')
    );
    COMMENT ON TABLE api_key IS 'Reference. Hashes of the keys and what they may do.';
    COMMENT ON COLUMN api_key.key_hash IS 'SHA-256 of the key; the key itself is shown once and never stored.';
    COMMENT ON COLUMN api_key.key_id IS 'UUIDv7 by which people speak of the key.';
    COMMENT ON COLUMN api_key.tenant_id IS 'The tenant whose data the key opens. No foreign key: a reference table has none to a distributed one.';
    COMMENT ON COLUMN api_key.scopes IS 'What the key may do: ingest, read, admin.';
    COMMENT ON COLUMN api_key.label IS 'For people.';
    COMMENT ON COLUMN api_key.prefix IS 'The first characters of the key, so that people recognise it.';
    COMMENT ON COLUMN api_key.created_at IS 'When the key was made.';
    COMMENT ON COLUMN api_key.expires_at IS 'From then on the key is refused; null: never.';
    COMMENT ON COLUMN api_key.revoked_at IS 'When the key was revoked; null: it was not.';
    ALTER TABLE api_key ENABLE ROW LEVEL SECURITY;
    CREATE POLICY api_key_own ON api_key TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
            OR key_hash = decode(nullif(current_setting('app.key_hash', true), ''), 'hex'))
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    CREATE POLICY api_key_maintenance ON api_key TO journeylift_maintenance USING (true) WITH CHECK (true);
    REVOKE ALL ON api_key FROM PUBLIC;
    GRANT SELECT, INSERT ON api_key TO journeylift_app;
    GRANT UPDATE (revoked_at) ON api_key TO journeylift_app;
    GRANT SELECT, INSERT ON api_key TO journeylift_maintenance;
    GRANT UPDATE (revoked_at) ON api_key TO journeylift_maintenance;
    ALTER TABLE api_key OWNER TO journeylift_owner;
END $$;
