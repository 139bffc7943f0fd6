INSERT INTO exposure (tenant_id, experiment, subject)
SELECT $1, u.experiment, u.subject FROM unnest($2::text[], $3::text[]) AS u (experiment, subject)
ON CONFLICT (tenant_id, experiment, subject) DO NOTHING
RETURNING experiment, subject
