-- The JSON of an event is two thirds of its row and mostly repeats that of others: packed with a dictionary of the tenant's own it
-- takes a fifth. Who wants to look into it by SQL keeps it as it is, which stays the default; a row has one form or the other.
DO $$
BEGIN
    CREATE TABLE dictionary (
        tenant_id uuid NOT NULL,
        dictionary_id integer NOT NULL,
        made_at timestamptz NOT NULL,
        share smallint NOT NULL,
        body bytea NOT NULL,
        CONSTRAINT dictionary_pk PRIMARY KEY (tenant_id, dictionary_id),
        CONSTRAINT dictionary_share_valid CHECK (share BETWEEN 1 AND 1000),
        CONSTRAINT dictionary_body_valid CHECK (octet_length(body) BETWEEN 8 AND 131072)
    );
    COMMENT ON TABLE dictionary IS 'Distributed. What the JSON of many events of a tenant has in common: no value, and no beginning or end of one, that fewer than twenty subjects of its samples had, and no two values of one event together.';
    COMMENT ON COLUMN dictionary.tenant_id IS 'Whose events.';
    COMMENT ON COLUMN dictionary.dictionary_id IS 'The first 32 bits of the SHA-256 of its body: no other dictionary is ever taken for it, whatever was restored from where.';
    COMMENT ON COLUMN dictionary.made_at IS 'When it was made; new events are packed with the last one that an instance knows of.';
    COMMENT ON COLUMN dictionary.share IS 'Thousandths of their bytes that other events than its samples took when packed with it, when it was made.';
    COMMENT ON COLUMN dictionary.body IS 'A dictionary of Zstandard (RFC 8878, section 5).';
    ALTER TABLE dictionary ENABLE ROW LEVEL SECURITY;
    CREATE POLICY dictionary_own ON dictionary TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    CREATE POLICY dictionary_maintenance ON dictionary FOR SELECT TO journeylift_maintenance USING (true);
    REVOKE ALL ON dictionary FROM PUBLIC;
    GRANT SELECT, INSERT ON dictionary TO journeylift_app;
    GRANT SELECT ON dictionary TO journeylift_maintenance;
    ALTER TABLE dictionary OWNER TO journeylift_owner;

    ALTER TABLE event ADD COLUMN dictionary_id integer, ADD COLUMN packed bytea;
    -- It is short already.
    ALTER TABLE event ALTER COLUMN packed SET STORAGE EXTERNAL;
    -- Holds for all rows that are there, which have neither: the table need not be gone through.
    ALTER TABLE event ADD CONSTRAINT event_data_once CHECK (
        CASE WHEN packed IS NULL THEN dictionary_id IS NULL
        ELSE dictionary_id IS NOT NULL AND data IS NULL AND octet_length(packed) > 0 END) NOT VALID;
    COMMENT ON COLUMN event.dictionary_id IS 'With which dictionary the data is packed; null: with none.';
    COMMENT ON COLUMN event.packed IS 'Properties, context and traits as a frame of Zstandard, in place of data; null: they stand there.';
    COMMENT ON COLUMN event.data IS 'Properties, context and traits as they were sent, without the empty ones; null: none, or they are packed.';

    -- A service that knows nothing of packed events would measure them as if nothing had been sent with them: it measures nothing, and
    -- goes on taking events.
    ALTER TABLE measure_state RENAME COLUMN claimed_until TO claimed_through;
END $$;
