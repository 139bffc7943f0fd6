-- $1 tenant, $2 subjects, $3 whether the JSON is looked at, $4 and $5 the position after which events are wanted
SELECT e.subject, e.occurred_at, e.event_id, e.name, e.channel, e.stage, e.value, e.currency, e.experiment, e.arm,
  CASE WHEN $3 THEN e.data END AS data
FROM unnest($2::text[], $4::timestamptz[], $5::uuid[]) AS s (subject, last_at, last_id)
CROSS JOIN LATERAL (
  SELECT *
  FROM event j
  WHERE j.tenant_id = $1 AND j.subject = s.subject AND (j.occurred_at, j.event_id) > (s.last_at, s.last_id)
  OFFSET 0) AS e
