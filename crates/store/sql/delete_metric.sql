DELETE FROM metric WHERE tenant_id = $1 AND metric = $2
