-- What waits in the queue, up to $2 rows.
SELECT t.subject, t.event_ids, t.whole, t.exposed FROM touched t WHERE t.tenant_id = $1 LIMIT $2
