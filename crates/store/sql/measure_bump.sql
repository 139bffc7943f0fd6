update measure_state set generation = $2 where tenant_id = $1
