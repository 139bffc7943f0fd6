-- What waits in the queue.
SELECT t.subjects, t.event_ids, t.whole, t.exposed FROM touched t WHERE t.tenant_id = $1
