INSERT INTO bench.checked (tenant_id, event_id, subject, occurred_at, received_at, name, channel, value, experiment, arm,
    digest, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::jsonb)
ON CONFLICT (tenant_id, event_id) DO NOTHING
