select definition_id, position from definition where tenant_id = $1 and state = 'retired' order by definition_id limit 1
