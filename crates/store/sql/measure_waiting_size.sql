-- How many new events wait in the queue, looking at $2 at most.
SELECT count(*) FROM (SELECT unnest(t.event_ids) FROM touched t WHERE t.tenant_id = $1 LIMIT $2) AS q
