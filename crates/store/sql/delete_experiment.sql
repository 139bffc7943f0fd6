DELETE FROM experiment WHERE tenant_id = $1 AND experiment = $2
