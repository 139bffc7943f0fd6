UPDATE definition SET state = 'retired' WHERE tenant_id = $1 AND experiment = $2 AND state <> 'retired'
