select person, subjects, events, last_at, last_id from checkpoint where tenant_id = $1 and person = any($2)
