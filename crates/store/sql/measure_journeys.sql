-- $1 tenant, $2 subjects, $3 whether the JSON is looked at, $4 whether events that still wait in the queue are named,
-- $5 the names of the events that are wanted; null: all.
-- Those come first, without a name. One statement sees queue and events at one moment, so that each event is either
-- folded now or claimed later. Looked up subject by subject, whatever the planner knows of a table just filled.
SELECT s.subject, NULL::timestamptz AS occurred_at, w.event_id, NULL::text AS name, NULL::text AS channel,
  NULL::text AS stage, NULL::bigint AS value, NULL::text AS currency, NULL::text AS experiment, NULL::text AS arm,
  NULL::jsonb AS data
FROM unnest($2::text[]) AS s (subject)
CROSS JOIN LATERAL (
  SELECT unnest(t.event_ids) AS event_id FROM touched t WHERE $4 AND t.tenant_id = $1 AND t.subject = s.subject
  OFFSET 0) AS w
UNION ALL
SELECT e.subject, e.occurred_at, e.event_id, e.name, e.channel, e.stage, e.value, e.currency, e.experiment, e.arm,
  CASE WHEN $3 THEN e.data END
FROM unnest($2::text[]) AS s (subject)
CROSS JOIN LATERAL (
  SELECT *
  FROM event j
  WHERE j.tenant_id = $1 AND j.subject = s.subject AND ($5::text[] IS NULL OR j.name = ANY ($5::text[]))
  OFFSET 0) AS e
