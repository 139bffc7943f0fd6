SELECT key_id, tenant_id, scopes, expires_at, revoked_at FROM api_key WHERE key_hash = $1
