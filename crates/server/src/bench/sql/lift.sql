-- The sums behind a lift answer, straight from the events: exposures joined to what the exposed did.
-- $1 tenant, $2 experiment, $3 its start, $4 its arms, $5 the window in seconds, $6 the end of the last matured day
WITH exposed AS (
    SELECT DISTINCT ON (coalesce(p.person, e.subject))
        coalesce(p.person, e.subject) AS person, e.arm, e.occurred_at AS exposed_at
    FROM event e
    LEFT JOIN bench.person p ON p.subject = e.subject
    WHERE e.tenant_id = $1 AND e.experiment = $2 AND e.arm = ANY ($4) AND e.occurred_at >= $3
    ORDER BY coalesce(p.person, e.subject), e.occurred_at, e.event_id
), acted AS (
    SELECT coalesce(p.person, e.subject) AS person, e.name, e.occurred_at, e.value
    FROM event e
    LEFT JOIN bench.person p ON p.subject = e.subject
    WHERE e.tenant_id = $1 AND e.name IN ('Order Completed', 'Order Refunded', 'Product Viewed')
), measured AS (
    SELECT x.person, x.arm, x.exposed_at + $5 * interval '1 second' < $6 AS matured,
        count(*) FILTER (WHERE a.name = 'Order Completed') AS orders,
        coalesce(sum(CASE a.name WHEN 'Order Completed' THEN a.value WHEN 'Order Refunded' THEN -abs(a.value) END), 0) AS revenue,
        count(*) FILTER (WHERE a.name = 'Product Viewed') AS views
    FROM exposed x
    LEFT JOIN acted a ON a.person = x.person AND a.occurred_at >= x.exposed_at
        AND a.occurred_at < x.exposed_at + $5 * interval '1 second'
    GROUP BY x.person, x.arm, x.exposed_at
)
SELECT ''::text AS device, arm, matured, count(*) AS persons, sum(least(orders, 1))::text AS buyers,
    sum(orders)::text AS orders, sum(orders * orders)::text AS orders_squared,
    sum(revenue)::text AS revenue, sum(revenue * revenue)::text AS revenue_squared, sum(revenue * orders)::text AS revenue_orders,
    sum(views)::text AS views, sum(views * views)::text AS views_squared
FROM measured
GROUP BY arm, matured
