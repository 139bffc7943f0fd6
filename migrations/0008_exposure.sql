-- Which subjects an experiment's exposures name: finds the persons of an experiment that is defined after its events.
DO $$
BEGIN
    CREATE TABLE exposure (
        tenant_id uuid NOT NULL,
        experiment text COLLATE "C" NOT NULL,
        subject text COLLATE "C" NOT NULL,
        CONSTRAINT exposure_pk PRIMARY KEY (tenant_id, experiment, subject),
        CONSTRAINT exposure_experiment_valid CHECK (
            char_length(experiment) BETWEEN 1 AND 255 AND experiment = btrim(experiment)
            AND experiment !~ '[\u0001-\u001f\u007f-\u009f]'),
        CONSTRAINT exposure_subject_valid CHECK (char_length(subject) BETWEEN 3 AND 257)
    );
    COMMENT ON TABLE exposure IS 'Distributed. The subjects that exposures to an experiment name, whether it is defined or not.';
    COMMENT ON COLUMN exposure.tenant_id IS 'Whose subject.';
    COMMENT ON COLUMN exposure.experiment IS 'The experiment''s key as exposures name it.';
    COMMENT ON COLUMN exposure.subject IS 'A subject with at least one exposure.';
    ALTER TABLE exposure ENABLE ROW LEVEL SECURITY;
    CREATE POLICY exposure_own ON exposure TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    REVOKE ALL ON exposure FROM PUBLIC;
    GRANT SELECT, INSERT ON exposure TO journeylift_app;
    ALTER TABLE exposure OWNER TO journeylift_owner;
END $$;
