SELECT key_id, scopes, label, prefix, created_at, expires_at, revoked_at
FROM api_key
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR key_id > $2)
ORDER BY key_id
LIMIT $3
