-- $1 tenant, $2 ids, $3 whether the JSON is looked at, $4 of the events of which names; null: of all. Looked up id by id, whatever the
-- planner knows of the table.
SELECT e.subject, e.occurred_at, e.event_id, e.name, e.channel, e.stage, e.value, e.currency, e.experiment, e.arm,
  CASE WHEN $3 AND ($4::text[] IS NULL OR e.name = ANY ($4::text[])) THEN e.data END AS data
FROM unnest($2::uuid[]) AS u (event_id)
CROSS JOIN LATERAL (
  SELECT * FROM event j WHERE j.tenant_id = $1 AND j.event_id = u.event_id OFFSET 0) AS e
