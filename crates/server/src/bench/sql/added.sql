-- The sums that one more metric brings to an experiment, straight from the events, for everyone and by each of its five
-- dimensions and the day of the exposure: what a warehouse-native tool would run once to fill its tables.
-- $1 tenant, $2 experiment, $3 its start, $4 the window in seconds
WITH exposed AS (
    SELECT DISTINCT ON (coalesce(p.person, e.subject))
        coalesce(p.person, e.subject) AS person, e.arm, e.occurred_at AS exposed_at
    FROM bench.event e
    LEFT JOIN bench.person p ON p.subject = e.subject
    WHERE e.tenant_id = $1 AND e.experiment = $2 AND e.occurred_at >= $3
    ORDER BY coalesce(p.person, e.subject), e.occurred_at, e.event_id
), fact AS (
    SELECT coalesce(p.person, e.subject) AS person, e.occurred_at, e.name, e.value,
        to_char(e.occurred_at, 'YYYYMMDDHH24MISSUS') || e.event_id AS stamp, e.properties
    FROM bench.event e
    LEFT JOIN bench.person p ON p.subject = e.subject
    WHERE e.tenant_id = $1
), amount AS (
    SELECT x.person, x.arm, x.exposed_at,
        coalesce(sum(CASE f.name WHEN 'Order Completed' THEN f.value WHEN 'Order Refunded' THEN -abs(f.value) END)
            FILTER (WHERE f.occurred_at >= x.exposed_at
                AND f.occurred_at < x.exposed_at + $4 * interval '1 second'
                AND f.properties ->> 'campaign' = 'spring-newsletter-2'), 0) AS y,
        substr(max(f.stamp || (f.properties ->> 'device') COLLATE "C")
            FILTER (WHERE f.occurred_at <= x.exposed_at), 57) AS device,
        substr(max(f.stamp || (f.properties ->> 'category') COLLATE "C")
            FILTER (WHERE f.occurred_at <= x.exposed_at), 57) AS category,
        substr(max(f.stamp || (f.properties ->> 'brand') COLLATE "C")
            FILTER (WHERE f.occurred_at <= x.exposed_at), 57) AS brand,
        substr(max(f.stamp || (f.properties ->> 'campaign') COLLATE "C")
            FILTER (WHERE f.occurred_at <= x.exposed_at), 57) AS campaign,
        substr(max(f.stamp || (f.properties ->> 'locale') COLLATE "C")
            FILTER (WHERE f.occurred_at <= x.exposed_at), 57) AS locale
    FROM exposed x
    JOIN fact f ON f.person = x.person
    GROUP BY x.person, x.arm, x.exposed_at
)
SELECT arm, exposed_at::date AS day, device, category, brand, campaign, locale, count(*) AS persons, sum(y)::text AS y,
    sum(y * y)::text AS yy
FROM amount
GROUP BY GROUPING SETS ((arm, exposed_at::date), (arm, exposed_at::date, device), (arm, exposed_at::date, category),
    (arm, exposed_at::date, brand), (arm, exposed_at::date, campaign), (arm, exposed_at::date, locale))
