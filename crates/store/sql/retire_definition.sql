UPDATE definition SET state = 'retired', position = NULL WHERE tenant_id = $1 AND definition_id = $2
