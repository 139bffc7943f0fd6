update definition set position = $3 where tenant_id = $1 and definition_id = $2
