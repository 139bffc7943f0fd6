-- How the tallies of everyone moved, slice by slice and cause by cause: what was told at some moment can be told again, and why it
-- changed since.
DO $$
BEGIN
    CREATE TABLE tally_journal (
        tenant_id uuid NOT NULL,
        definition_id bigint NOT NULL,
        at timestamptz NOT NULL,
        entry_id bigint GENERATED ALWAYS AS IDENTITY,
        moves bytea NOT NULL,
        CONSTRAINT tally_journal_pk PRIMARY KEY (tenant_id, definition_id, at, entry_id)
    );
    COMMENT ON TABLE tally_journal IS 'Distributed. Moves of the rows of everyone of each version, kept for 35 days; entries of an hour are merged once it is over.';
    COMMENT ON COLUMN tally_journal.tenant_id IS 'Whose experiment.';
    COMMENT ON COLUMN tally_journal.definition_id IS 'The version.';
    COMMENT ON COLUMN tally_journal.at IS 'When the slice was measured; of merged entries the hour.';
    COMMENT ON COLUMN tally_journal.entry_id IS 'Tells entries of one instant apart.';
    COMMENT ON COLUMN tally_journal.moves IS 'The moves by cause, arm and day, as metrics::journal writes them; empty: answers came from the version from here on.';
    ALTER TABLE tally_journal ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tally_journal_own ON tally_journal TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    REVOKE ALL ON tally_journal FROM PUBLIC;
    GRANT SELECT, INSERT, DELETE ON tally_journal TO journeylift_app;
    ALTER TABLE tally_journal OWNER TO journeylift_owner;
END $$;
