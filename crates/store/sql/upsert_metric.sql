INSERT INTO metric (tenant_id, metric, body, created_at, updated_at)
VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (tenant_id, metric) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at
