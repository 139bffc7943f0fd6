-- What the service is measured against.
CREATE SCHEMA bench;
-- The service's own table: columns, checks, primary key and index.
CREATE TABLE bench.checked (LIKE event INCLUDING ALL);
-- The table that one makes in an afternoon: the event as it was sent, a primary key, an index by person.
CREATE TABLE bench.plain (event_id uuid PRIMARY KEY, person text NOT NULL, occurred_at timestamptz NOT NULL,
    event jsonb NOT NULL);
CREATE INDEX ON bench.plain (person, occurred_at);
-- The events as the SQL reads them: the only place that knows how the service stores them.
CREATE VIEW bench.event AS
SELECT tenant_id, event_id, subject, occurred_at, name, value, experiment, arm, data -> 'properties' AS properties
FROM event;
-- The person of every subject that is linked to another one.
CREATE TABLE bench.person (subject text COLLATE "C" PRIMARY KEY, person text COLLATE "C" NOT NULL);
