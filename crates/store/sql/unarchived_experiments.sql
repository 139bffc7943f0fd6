SELECT body FROM experiment WHERE tenant_id = $1 AND NOT archived
