-- Events that did not arrive when they happened, counted by the day on which they happened: late data changes days that were
-- closed, and a clock that is ahead mixes up what came before an exposure and what after it.
DO $$
BEGIN
    CREATE TABLE arrival (
        tenant_id uuid NOT NULL,
        day date NOT NULL,
        writer smallint NOT NULL,
        late bigint NOT NULL,
        ahead bigint NOT NULL,
        CONSTRAINT arrival_pk PRIMARY KEY (tenant_id, day, writer),
        CONSTRAINT arrival_counts_valid CHECK (late >= 0 AND ahead >= 0)
    ) WITH (fillfactor = 50);
    COMMENT ON TABLE arrival IS 'Distributed. Counts of new events that arrived late or from a clock that was ahead; days without any have no row.';
    COMMENT ON COLUMN arrival.tenant_id IS 'Whose events.';
    COMMENT ON COLUMN arrival.day IS 'The local day of the tenant on which they happened.';
    COMMENT ON COLUMN arrival.writer IS 'Which of the writers side by side counted: a row that all of them change would have each wait for the commits of the others.';
    COMMENT ON COLUMN arrival.late IS 'Events that were received more than 24 hours after they happened.';
    COMMENT ON COLUMN arrival.ahead IS 'Events that were dated more than 5 minutes after they were received.';
    ALTER TABLE arrival ENABLE ROW LEVEL SECURITY;
    CREATE POLICY arrival_own ON arrival TO journeylift_app
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
    REVOKE ALL ON arrival FROM PUBLIC;
    GRANT SELECT, INSERT, UPDATE ON arrival TO journeylift_app;
    ALTER TABLE arrival OWNER TO journeylift_owner;
END $$;
