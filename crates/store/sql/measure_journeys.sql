-- $1 tenant, $2 subjects, $3 whether the JSON is looked at, $4 the names of the events that are wanted; null: all, $5 until when they
-- were received. Looked up subject by subject, whatever the planner knows of a table just filled.
SELECT e.subject, e.occurred_at, e.event_id, e.name, e.channel, e.stage, e.value, e.currency, e.experiment, e.arm,
  CASE WHEN $3 THEN e.data END AS data, CASE WHEN $3 THEN e.dictionary_id END AS dictionary_id,
  CASE WHEN $3 THEN e.packed END AS packed
FROM unnest($2::text[]) AS s (subject)
CROSS JOIN LATERAL (
  SELECT *
  FROM event j
  WHERE j.tenant_id = $1 AND j.subject = s.subject AND ($4::text[] IS NULL OR j.name = ANY ($4::text[]))
    AND j.received_at <= $5
  OFFSET 0) AS e
