-- What slices changed of tallies, a row per version and dimension: a slice of live traffic touches thousands of rows of `tally` by a
-- little each, and to write them all anew was most of what a small slice cost.
DO $$
BEGIN
    CREATE TABLE tally_change (
        tenant_id uuid NOT NULL,
        definition_id bigint NOT NULL,
        dimension smallint NOT NULL,
        change_id bigint GENERATED ALWAYS AS IDENTITY,
        rows bytea NOT NULL,
        CONSTRAINT tally_change_pk PRIMARY KEY (tenant_id, definition_id, dimension, change_id)
    ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0);
    -- The numbers are short already.
    ALTER TABLE tally_change ALTER COLUMN rows SET STORAGE EXTERNAL;
    COMMENT ON TABLE tally_change IS 'Distributed. Changes of tallies that are not entered into tally yet: the sums of a version are those of tally and of its changes together.';
    COMMENT ON COLUMN tally_change.tenant_id IS 'Whose experiment.';
    COMMENT ON COLUMN tally_change.definition_id IS 'The version.';
    COMMENT ON COLUMN tally_change.dimension IS 'As in tally.';
    COMMENT ON COLUMN tally_change.change_id IS 'Tells the changes apart; their order does not matter.';
    COMMENT ON COLUMN tally_change.rows IS 'What is to be added to the rows of the dimension, as metrics::tally writes it.';
    ALTER TABLE tally_change ENABLE ROW LEVEL SECURITY;
    CREATE POLICY tally_change_own ON tally_change TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    REVOKE ALL ON tally_change FROM PUBLIC;
    GRANT SELECT, INSERT, DELETE ON tally_change TO journeylift_app;
    ALTER TABLE tally_change OWNER TO journeylift_owner;
    -- A service that knows nothing of changes must not take these sums for all there is: it fails.
    ALTER TABLE tally RENAME COLUMN sums TO entered;
    COMMENT ON COLUMN tally.entered IS
        'Counts, live and matured sums of all metrics, of everyone and of what crossovers take away, in the form of metrics::tally; without what is noted in tally_change.';
END $$;
