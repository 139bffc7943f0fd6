update definition set state = 'active' where tenant_id = $1 and definition_id = $2 and state = 'building'
