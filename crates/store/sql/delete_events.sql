DELETE FROM event WHERE tenant_id = $1 AND event_id = ANY ($2::uuid[]) AND occurred_at < $3 RETURNING event_id, subject
