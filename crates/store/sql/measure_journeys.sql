-- $1 tenant, $2 subjects, $3 whether the JSON is looked at, $4 the names of the events that are wanted; null: all, $5 until when they
-- were received, $6 the names of the events that are wanted with their JSON, as exposures are; null: all. Looked up subject by subject,
-- whatever the planner knows of a table just filled.
SELECT e.subject, e.occurred_at, e.event_id, e.name, e.channel, e.stage, e.value, e.currency, e.experiment, e.arm,
  CASE WHEN e.looks THEN e.data END AS data, CASE WHEN e.looks THEN e.dictionary_id END AS dictionary_id,
  CASE WHEN e.looks THEN e.packed END AS packed,
  NOT e.looks AND (e.data IS NOT NULL OR e.packed IS NOT NULL) AS bare
FROM unnest($2::text[]) AS s (subject)
CROSS JOIN LATERAL (
  SELECT *, $3 AND ($6::text[] IS NULL OR j.experiment IS NOT NULL OR j.name = ANY ($6::text[])) AS looks
  FROM event j
  WHERE j.tenant_id = $1 AND j.subject = s.subject AND ($4::text[] IS NULL OR j.name = ANY ($4::text[]))
    AND j.received_at <= $5
  OFFSET 0) AS e
