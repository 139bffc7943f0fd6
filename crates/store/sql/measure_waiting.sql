-- What waits in the queue.
SELECT t.subjects, t.event_ids, t.whole, t.exposed, t.first_exposure FROM touched t WHERE t.tenant_id = $1
