-- The retention looks for old events by the day on which they happened. All events of a day share an entry of the index,
-- which adds some bytes for each, and new ones are written at its end. Writers wait while it is built.
DO $$
BEGIN
    CREATE INDEX event_day ON event (tenant_id, ((occurred_at AT TIME ZONE 'UTC')::date));
END $$;
