INSERT INTO experiment (tenant_id, experiment, body, archived, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT (tenant_id, experiment) DO UPDATE
SET body = excluded.body, archived = excluded.archived, updated_at = excluded.updated_at
