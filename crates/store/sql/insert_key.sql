INSERT INTO api_key (tenant_id, key_hash, key_id, scopes, label, prefix, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (key_hash) DO NOTHING
