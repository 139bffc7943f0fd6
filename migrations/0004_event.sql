-- Events, as they were accepted. They are never rewritten; retention alone deletes them.
DO $$
BEGIN
    CREATE TABLE event (
        tenant_id uuid NOT NULL,
        event_id uuid NOT NULL,
        subject text COLLATE "C" NOT NULL,
        occurred_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        name text COLLATE "C" NOT NULL,
        channel text COLLATE "C",
        stage text COLLATE "C",
        value bigint,
        currency text COLLATE "C",
        experiment text COLLATE "C",
        arm text COLLATE "C",
        digest bigint NOT NULL,
        data jsonb,
        CONSTRAINT event_pk PRIMARY KEY (tenant_id, event_id),
        CONSTRAINT event_subject_valid CHECK (
            char_length(subject) BETWEEN 3 AND 257 AND subject ~ '^[ua]:[^\u0001-\u001f\u007f-\u009f]+$'
            AND subject = rtrim(subject)),
        CONSTRAINT event_name_valid CHECK (
            char_length(name) BETWEEN 1 AND 255 AND name = btrim(name) AND name !~ '[\u0001-\u001f\u007f-\u009f]'),
        CONSTRAINT event_stage_valid CHECK (
            char_length(stage) BETWEEN 1 AND 255 AND stage = btrim(stage) AND stage !~ '[\u0001-\u001f\u007f-\u009f]'),
        CONSTRAINT event_experiment_valid CHECK (
            char_length(experiment) BETWEEN 1 AND 255 AND experiment = btrim(experiment)
            AND experiment !~ '[\u0001-\u001f\u007f-\u009f]'),
        CONSTRAINT event_arm_valid CHECK (
            char_length(arm) BETWEEN 1 AND 255 AND arm = btrim(arm) AND arm !~ '[\u0001-\u001f\u007f-\u009f]'),
        CONSTRAINT event_exposure_whole CHECK ((experiment IS NULL) = (arm IS NULL)),
        CONSTRAINT event_channel_valid CHECK (
            channel IN ('web', 'email', 'app', 'push', 'sms', 'social', 'ads', 'in_store', 'support', 'other')),
        CONSTRAINT event_value_valid CHECK (value BETWEEN -1000000000000000 AND 1000000000000000),
        CONSTRAINT event_currency_valid CHECK (currency ~ '^[A-Z]{3}$'),
        CONSTRAINT event_occurred_at_valid CHECK (
            occurred_at >= '1900-01-01 00:00:00+00' AND occurred_at < '10000-01-01 00:00:00+00'),
        CONSTRAINT event_received_at_valid CHECK (
            received_at >= '1900-01-01 00:00:00+00' AND received_at < '10000-01-01 00:00:00+00'),
        CONSTRAINT event_data_object CHECK (jsonb_typeof(data) = 'object'),
        -- Properties, context and traits stand at level 1 and are nested at most 16 deep.
        CONSTRAINT event_data_depth CHECK (NOT data @? 'strict $.**{18 to last}')
    ) WITH (autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.02);
    CREATE INDEX event_journey ON event (tenant_id, subject, occurred_at, event_id);
    COMMENT ON TABLE event IS 'Distributed. Events as they were accepted.';
    COMMENT ON COLUMN event.tenant_id IS 'Whose event.';
    COMMENT ON COLUMN event.event_id IS 'Counts once within the tenant: a lower-case hyphenated UUID as it was sent, any other text as its UUIDv5.';
    COMMENT ON COLUMN event.subject IS 'The identity as it was sent: u: and the user id if present, else a: and the anonymous id.';
    COMMENT ON COLUMN event.occurred_at IS 'When it happened; where that was not sent, when the first committed try was received.';
    COMMENT ON COLUMN event.received_at IS 'When the first committed try was received.';
    COMMENT ON COLUMN event.name IS 'What happened, 1 to 255 characters.';
    COMMENT ON COLUMN event.channel IS 'Where it happened.';
    COMMENT ON COLUMN event.stage IS 'The lifecycle stage that was sent.';
    COMMENT ON COLUMN event.value IS 'In units of 1e-6, within 1e9; negative for refunds and corrections.';
    COMMENT ON COLUMN event.currency IS 'ISO 4217 currency of the value; null: the tenant''s.';
    COMMENT ON COLUMN event.experiment IS 'The experiment that an exposure names; null: no exposure.';
    COMMENT ON COLUMN event.arm IS 'The arm that an exposure names; null: no exposure.';
    COMMENT ON COLUMN event.digest IS 'First 64 bits of the SHA-256 of what another body under the same id must not change.';
    COMMENT ON COLUMN event.data IS 'Properties, context and traits as they were sent, without the empty ones; null: none.';
    ALTER TABLE event ENABLE ROW LEVEL SECURITY;
    CREATE POLICY event_own ON event TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    CREATE POLICY event_maintenance ON event TO journeylift_maintenance USING (true);
    REVOKE ALL ON event FROM PUBLIC;
    GRANT SELECT, INSERT ON event TO journeylift_app;
    GRANT SELECT, DELETE ON event TO journeylift_maintenance;
    ALTER TABLE event OWNER TO journeylift_owner;
END $$;
