-- Persons whose fold fails: they never block the tenant, and answers report them as pending with the reason.
DO $$
BEGIN
    CREATE TABLE set_aside (
        tenant_id uuid NOT NULL,
        person text COLLATE "C" NOT NULL,
        reason text NOT NULL,
        since timestamptz NOT NULL,
        CONSTRAINT set_aside_pk PRIMARY KEY (tenant_id, person),
        CONSTRAINT set_aside_person_valid CHECK (char_length(person) BETWEEN 3 AND 257),
        CONSTRAINT set_aside_reason_valid CHECK (char_length(reason) BETWEEN 1 AND 2000)
    );
    COMMENT ON TABLE set_aside IS 'Distributed. Persons that can''t be measured, with the reason.';
    COMMENT ON COLUMN set_aside.tenant_id IS 'Whose person.';
    COMMENT ON COLUMN set_aside.person IS 'The smallest subject of the component.';
    COMMENT ON COLUMN set_aside.reason IS 'Why the fold failed.';
    COMMENT ON COLUMN set_aside.since IS 'When it failed first.';
    ALTER TABLE set_aside ENABLE ROW LEVEL SECURITY;
    CREATE POLICY set_aside_own ON set_aside TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    REVOKE ALL ON set_aside FROM PUBLIC;
    GRANT SELECT, INSERT, UPDATE, DELETE ON set_aside TO journeylift_app;
    ALTER TABLE set_aside OWNER TO journeylift_owner;
END $$;
