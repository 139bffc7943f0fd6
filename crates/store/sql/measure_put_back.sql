-- What is left of a row that was taken apart keeps its place in the queue.
INSERT INTO touched (tenant_id, touched_id, subjects, event_ids, whole, exposed, first_exposed_at, first_received_at, last_received_at)
OVERRIDING SYSTEM VALUE
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
