-- $1 tenant, $2 subjects, $3 whether the JSON is looked at, $4 the names of the events that are wanted; null: all, $5 until when they
-- were received; of each subject only what happened from $6 on or was received from $7 on; null or no entry: everything. Looked up
-- subject by subject, whatever the planner knows of a table just filled.
SELECT e.subject, e.occurred_at, e.event_id, e.name, e.channel, e.stage, e.value, e.currency, e.experiment, e.arm,
  CASE WHEN $3 THEN e.data END AS data, CASE WHEN $3 THEN e.dictionary_id END AS dictionary_id,
  CASE WHEN $3 THEN e.packed END AS packed
FROM unnest($2::text[], $6::timestamptz[], $7::timestamptz[]) AS s (subject, occurred_from, received_from)
CROSS JOIN LATERAL (
  SELECT *
  FROM event j
  WHERE j.tenant_id = $1 AND j.subject = s.subject AND ($4::text[] IS NULL OR j.name = ANY ($4::text[]))
    AND j.received_at <= $5
    AND (s.occurred_from IS NULL OR j.occurred_at >= s.occurred_from OR j.received_at >= s.received_from)
  OFFSET 0) AS e
