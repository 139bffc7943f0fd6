SELECT definition_id, state, body FROM definition
WHERE tenant_id = $1 AND experiment = $2 AND state IN ('active', 'building')
