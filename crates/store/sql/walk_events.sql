SELECT event_id, occurred_at FROM event WHERE tenant_id = $1 AND event_id > $2 ORDER BY event_id LIMIT $3
