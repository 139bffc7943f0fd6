-- $1 tenant, $2 subjects, $3 whether the JSON is looked at, $4 the names of the events that are wanted; null: all, $5 events that are
-- left out, looked up in a table that is made of them once. Looked up subject by subject, whatever the planner knows of a table just
-- filled.
WITH left_out (event_id) AS MATERIALIZED (SELECT unnest($5::uuid[]))
SELECT e.subject, e.occurred_at, e.event_id, e.name, e.channel, e.stage, e.value, e.currency, e.experiment, e.arm,
  CASE WHEN $3 THEN e.data END AS data
FROM unnest($2::text[]) AS s (subject)
CROSS JOIN LATERAL (
  SELECT *
  FROM event j
  WHERE j.tenant_id = $1 AND j.subject = s.subject AND ($4::text[] IS NULL OR j.name = ANY ($4::text[]))
    AND j.event_id NOT IN (SELECT l.event_id FROM left_out l)
  OFFSET 0) AS e
