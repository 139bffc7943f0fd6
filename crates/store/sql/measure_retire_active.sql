update definition set state = 'retired' where tenant_id = $1 and experiment = $2 and state = 'active'
