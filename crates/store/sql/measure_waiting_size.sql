-- How many new events wait in the queue, looking at $2 rows at most.
SELECT coalesce(sum(q.size), 0)::bigint AS events
FROM (SELECT cardinality(t.event_ids) AS size FROM touched t WHERE t.tenant_id = $1 LIMIT $2) AS q
