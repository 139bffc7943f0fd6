UPDATE definition SET state = 'retired' WHERE tenant_id = $1 AND definition_id = $2
