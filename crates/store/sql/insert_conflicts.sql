INSERT INTO conflict (tenant_id, event_id, digest)
SELECT $1, u.event_id, u.digest
FROM unnest($2::uuid[], $3::bigint[]) AS u (event_id, digest)
JOIN event e ON e.tenant_id = $1 AND e.event_id = u.event_id
WHERE e.digest <> u.digest
ORDER BY u.event_id, u.digest
ON CONFLICT (tenant_id, event_id, digest) DO NOTHING
