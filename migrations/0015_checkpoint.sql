-- How far a long journey is folded, so that events in order need not load it again.
DO $$
BEGIN
    CREATE TABLE checkpoint (
        tenant_id uuid NOT NULL,
        person text COLLATE "C" NOT NULL,
        subjects integer NOT NULL,
        events bigint NOT NULL,
        last_at timestamptz NOT NULL,
        last_id uuid NOT NULL,
        CONSTRAINT checkpoint_pk PRIMARY KEY (tenant_id, person),
        CONSTRAINT checkpoint_person_valid CHECK (char_length(person) BETWEEN 3 AND 257),
        CONSTRAINT checkpoint_subjects_valid CHECK (subjects >= 1),
        CONSTRAINT checkpoint_events_valid CHECK (events >= 0)
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE checkpoint IS 'Distributed. How far the journeys of persons with many events are folded.';
    COMMENT ON COLUMN checkpoint.tenant_id IS 'Whose person.';
    COMMENT ON COLUMN checkpoint.person IS 'The smallest subject of the component.';
    COMMENT ON COLUMN checkpoint.subjects IS 'How many subjects the component had; with more of them the checkpoint no longer holds.';
    COMMENT ON COLUMN checkpoint.events IS 'The events folded so far.';
    COMMENT ON COLUMN checkpoint.last_at IS 'With last_id the position of the last event folded.';
    COMMENT ON COLUMN checkpoint.last_id IS 'See last_at.';
    ALTER TABLE checkpoint ENABLE ROW LEVEL SECURITY;
    CREATE POLICY checkpoint_own ON checkpoint TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    REVOKE ALL ON checkpoint FROM PUBLIC;
    GRANT SELECT, INSERT, UPDATE, DELETE ON checkpoint TO journeylift_app;
    ALTER TABLE checkpoint OWNER TO journeylift_owner;
END $$;
