delete from checkpoint where tenant_id = $1 and person = any($2)
