-- The times between the steps of a funnel stand by 32 under a key, so versions that keep a funnel are measured anew. What
-- archived experiments keep learns nothing any more; their funnels have no times.
DO $$
DECLARE
    kept record;
BEGIN
    FOR kept IN
        SELECT d.tenant_id, d.experiment, (array_agg(d.body ORDER BY d.definition_id DESC))[1] AS body
        FROM definition d
        JOIN experiment e ON e.tenant_id = d.tenant_id AND e.experiment = d.experiment
        WHERE d.state <> 'retired' AND NOT e.archived
            AND d.body #> '{experiment,lenses}' @> '[{"kind": {"type": "funnel"}}]'
        GROUP BY d.tenant_id, d.experiment
    LOOP
        UPDATE definition SET state = 'retired', position = NULL
        WHERE tenant_id = kept.tenant_id AND experiment = kept.experiment AND state <> 'retired';
        INSERT INTO definition (tenant_id, experiment, state, body, revision, position, done, total, created_at)
        VALUES (kept.tenant_id, kept.experiment, 'building', kept.body, 1, NULL, 0,
            (SELECT count(*) FROM exposure x
             WHERE x.tenant_id = kept.tenant_id AND x.experiment = kept.experiment), now());
    END LOOP;
END $$;
