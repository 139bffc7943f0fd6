-- The sums that one more metric brings to an experiment, straight from the events, for everyone alone.
-- $1 tenant, $2 experiment, $3 its start, $4 the window in seconds
WITH exposed AS (
    SELECT DISTINCT ON (coalesce(p.person, e.subject))
        coalesce(p.person, e.subject) AS person, e.arm, e.occurred_at AS exposed_at
    FROM bench.event e
    LEFT JOIN bench.person p ON p.subject = e.subject
    WHERE e.tenant_id = $1 AND e.experiment = $2 AND e.occurred_at >= $3
    ORDER BY coalesce(p.person, e.subject), e.occurred_at, e.event_id
), fact AS (
    SELECT coalesce(p.person, e.subject) AS person, e.occurred_at,
        CASE e.name WHEN 'Order Completed' THEN e.value ELSE -abs(e.value) END AS value
    FROM bench.event e
    LEFT JOIN bench.person p ON p.subject = e.subject
    WHERE e.tenant_id = $1 AND e.name IN ('Order Completed', 'Order Refunded')
        AND e.properties ->> 'campaign' = 'spring-newsletter-2'
), amount AS (
    SELECT x.person, x.arm, coalesce(sum(f.value), 0) AS y
    FROM exposed x
    LEFT JOIN fact f ON f.person = x.person AND f.occurred_at >= x.exposed_at
        AND f.occurred_at < x.exposed_at + $4 * interval '1 second'
    GROUP BY x.person, x.arm
)
SELECT arm, count(*) AS persons, sum(y)::text AS y, sum(y * y)::text AS yy FROM amount GROUP BY arm
