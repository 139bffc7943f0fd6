INSERT INTO measure_state (tenant_id, generation) VALUES ($1, 0) ON CONFLICT (tenant_id) DO NOTHING
