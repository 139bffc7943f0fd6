-- How many rows wait in the queue, and how many events they name, looking at $2 rows at most.
SELECT count(*) AS subjects, coalesce(sum(cardinality(q.event_ids)), 0)::bigint AS events
FROM (SELECT t.event_ids FROM touched t WHERE t.tenant_id = $1 LIMIT $2) AS q
