select max(touched_id) as last from touched where tenant_id = $1
