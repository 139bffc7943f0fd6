-- What waits in the queue.
SELECT t.subjects, t.event_ids, t.whole, t.exposed, t.first_exposed_at, t.first_received_at
FROM touched t WHERE t.tenant_id = $1
