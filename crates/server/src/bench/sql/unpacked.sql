-- The JSON of packed events, which SQL can't unpack.
CREATE TABLE bench.unpacked (event_id uuid PRIMARY KEY, data jsonb NOT NULL);
CREATE OR REPLACE VIEW bench.event AS
SELECT e.tenant_id, e.event_id, e.subject, e.occurred_at, e.name, e.value, e.experiment, e.arm,
    coalesce(e.data, u.data) -> 'properties' AS properties
FROM event e
LEFT JOIN bench.unpacked u ON u.event_id = e.event_id;
