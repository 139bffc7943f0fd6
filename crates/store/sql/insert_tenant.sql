INSERT INTO tenant (tenant_id, name, currency, time_zone, created_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id) DO NOTHING
