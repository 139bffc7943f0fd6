INSERT INTO conflict (tenant_id, event_id, occurred_at)
SELECT DISTINCT $1, e.event_id, e.occurred_at
FROM unnest($2::uuid[], $3::bigint[]) AS u (event_id, digest)
JOIN event e ON e.tenant_id = $1 AND e.event_id = u.event_id
WHERE e.digest <> u.digest
ORDER BY e.event_id
ON CONFLICT (tenant_id, event_id) DO NOTHING
