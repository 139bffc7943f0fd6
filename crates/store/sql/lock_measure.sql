SELECT generation FROM measure_state WHERE tenant_id = $1 FOR UPDATE
