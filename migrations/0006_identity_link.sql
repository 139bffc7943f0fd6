-- Links between subjects: a set of edges that only grows. Persons are its components.
DO $$
BEGIN
    CREATE TABLE identity_link (
        tenant_id uuid NOT NULL,
        subject text COLLATE "C" NOT NULL,
        other text COLLATE "C" NOT NULL,
        CONSTRAINT identity_link_pk PRIMARY KEY (tenant_id, subject, other),
        CONSTRAINT identity_link_subject_valid CHECK (
            char_length(subject) BETWEEN 3 AND 257 AND subject ~ '^[ua]:[^\u0001-\u001f\u007f-\u009f]+$'),
        CONSTRAINT identity_link_other_valid CHECK (
            char_length(other) BETWEEN 3 AND 257 AND other ~ '^[ua]:[^\u0001-\u001f\u007f-\u009f]+$'),
        CONSTRAINT identity_link_two_ends CHECK (subject <> other)
    );
    COMMENT ON TABLE identity_link IS 'Distributed. Subjects that are one person; each link is stored in both directions.';
    COMMENT ON COLUMN identity_link.tenant_id IS 'Whose subjects.';
    COMMENT ON COLUMN identity_link.subject IS 'One end.';
    COMMENT ON COLUMN identity_link.other IS 'The other end.';
    ALTER TABLE identity_link ENABLE ROW LEVEL SECURITY;
    CREATE POLICY identity_link_own ON identity_link TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    REVOKE ALL ON identity_link FROM PUBLIC;
    GRANT SELECT, INSERT ON identity_link TO journeylift_app;
    ALTER TABLE identity_link OWNER TO journeylift_owner;
END $$;
