UPDATE definition SET state = 'retired', position = NULL WHERE tenant_id = $1 AND experiment = $2 AND state <> 'retired'
