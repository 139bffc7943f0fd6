-- $1 tenant, $2 ids, $3 whether the JSON is looked at, $4 of the events of which names; null: of all. Looked up id by id, whatever the
-- planner knows of the table.
SELECT e.subject, e.occurred_at, e.event_id, e.name, e.channel, e.stage, e.value, e.currency, e.experiment, e.arm,
  CASE WHEN e.looks THEN e.data END AS data, CASE WHEN e.looks THEN e.dictionary_id END AS dictionary_id,
  CASE WHEN e.looks THEN e.packed END AS packed
FROM unnest($2::uuid[]) AS u (event_id)
CROSS JOIN LATERAL (
  SELECT *, $3 AND ($4::text[] IS NULL OR j.name = ANY ($4::text[])) AS looks
  FROM event j
  WHERE j.tenant_id = $1 AND j.event_id = u.event_id
  OFFSET 0) AS e
