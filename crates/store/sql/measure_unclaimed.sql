-- The events that wait in the queue, of the rows that hold any received until $2.
SELECT w.event_id
FROM touched t
CROSS JOIN LATERAL unnest(t.event_ids) AS w (event_id)
WHERE t.tenant_id = $1 AND t.first_received_at <= $2 AND w.event_id IS NOT NULL
