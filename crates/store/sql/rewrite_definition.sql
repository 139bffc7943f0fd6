UPDATE definition SET body = $3, revision = revision + 1 WHERE tenant_id = $1 AND definition_id = $2
