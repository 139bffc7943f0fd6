-- What the service is measured against: tables of the shape of the service's own.
CREATE SCHEMA bench;
-- The columns, the primary key and the index.
CREATE TABLE bench.plain (LIKE event);
ALTER TABLE bench.plain ADD PRIMARY KEY (tenant_id, event_id);
CREATE INDEX ON bench.plain (tenant_id, subject, occurred_at, event_id);
-- The same with the checks, which stand behind every validation.
CREATE TABLE bench.checked (LIKE event INCLUDING ALL);
-- The person of every subject that is linked to another one.
CREATE TABLE bench.person (subject text COLLATE "C" PRIMARY KEY, person text COLLATE "C" NOT NULL);
