COPY (
    SELECT coalesce(p.person, e.subject), e.event_id, e.name, (extract(epoch FROM e.occurred_at) * 1000000)::bigint,
        coalesce(e.value, 0), coalesce(e.experiment, ''), coalesce(e.arm, '')
    FROM bench.event e
    LEFT JOIN bench.person p ON p.subject = e.subject
    WHERE e.tenant_id = '{tenant}'
) TO STDOUT (FORMAT csv)
