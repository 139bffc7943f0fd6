UPDATE api_key SET revoked_at = coalesce(revoked_at, $3) WHERE tenant_id = $1 AND key_id = $2
