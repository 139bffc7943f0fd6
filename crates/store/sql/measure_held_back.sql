select person from set_aside where tenant_id = $1 and person = any($2)
