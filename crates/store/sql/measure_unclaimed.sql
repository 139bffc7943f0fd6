-- Which rows wait in the queue.
SELECT touched_id FROM touched WHERE tenant_id = $1
