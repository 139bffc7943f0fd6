UPDATE measure_state SET generation = generation + 1 WHERE tenant_id = $1
