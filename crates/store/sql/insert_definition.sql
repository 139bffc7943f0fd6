INSERT INTO definition (tenant_id, experiment, state, body, revision, position, done, total, created_at)
SELECT $1, $2, $3, $4, 1, NULL, 0,
    (SELECT count(*) FROM exposure x WHERE x.tenant_id = $1 AND x.experiment = $2 AND $3 = 'building'), $5
RETURNING definition_id
