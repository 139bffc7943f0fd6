update definition set position = $3, done = $4 where tenant_id = $1 and definition_id = $2
