-- The retention looks for old events by when they happened. Events lie in the table about as they happened, so that the
-- first and the last time of every 32 pages is all that is to be known of them: some bytes for hundreds of events, and
-- next to nothing to write with each. What is deleted leaves its range as wide as it was, also for what takes its place:
-- then a look reads more pages, at most all of them in the order in which they lie, until the index is built anew.
-- Writers wait while the table is gone through once.
DO $$
BEGIN
    CREATE INDEX event_time ON event USING brin (tenant_id, occurred_at)
        WITH (pages_per_range = 32, autosummarize = on);
END $$;
