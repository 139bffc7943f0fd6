update definition set state = 'retired', position = null where tenant_id = $1 and experiment = $2 and state = 'active'
