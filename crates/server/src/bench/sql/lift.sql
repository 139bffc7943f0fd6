-- The sums behind a lift answer of twelve metrics, straight from the events: exposures joined to what the exposed did.
-- $1 tenant, $2 experiment, $3 its start, $4 its arms, $5 the window in seconds, $6 the end of the last matured day,
-- $7 and $8 from when to when after the exposure a view is a return, in seconds, $9 the cap of the capped revenue
WITH exposed AS (
    SELECT DISTINCT ON (coalesce(p.person, e.subject))
        coalesce(p.person, e.subject) AS person, e.arm, e.occurred_at AS exposed_at
    FROM bench.event e
    LEFT JOIN bench.person p ON p.subject = e.subject
    WHERE e.tenant_id = $1 AND e.experiment = $2 AND e.arm = ANY ($4) AND e.occurred_at >= $3
    ORDER BY coalesce(p.person, e.subject), e.occurred_at, e.event_id
), acted AS (
    SELECT coalesce(p.person, e.subject) AS person, e.name, e.occurred_at, e.value,
        e.name = 'Product Viewed' AND e.properties ->> 'category' = 'boots' AS boots
    FROM bench.event e
    LEFT JOIN bench.person p ON p.subject = e.subject
    WHERE e.tenant_id = $1
        AND e.name IN ('Order Completed', 'Order Refunded', 'Product Viewed', 'Page Viewed', 'Email Opened')
), measured AS (
    SELECT x.person, x.arm, x.exposed_at + $5 * interval '1 second' < $6 AS matured,
        x.exposed_at + $8 * interval '1 second' < $6 AS returned_matured,
        count(*) FILTER (WHERE a.name = 'Order Completed') AS orders,
        coalesce(sum(CASE a.name WHEN 'Order Completed' THEN a.value WHEN 'Order Refunded' THEN -abs(a.value) END), 0) AS revenue,
        count(*) FILTER (WHERE a.name = 'Product Viewed') AS views,
        count(*) FILTER (WHERE a.boots) AS boots,
        count(*) FILTER (WHERE a.name = 'Page Viewed') AS pages,
        count(*) FILTER (WHERE a.name = 'Email Opened') AS opens,
        count(*) FILTER (WHERE a.name = 'Product Viewed' AND a.occurred_at >= x.exposed_at + $7 * interval '1 second'
            AND a.occurred_at < x.exposed_at + $8 * interval '1 second') AS returns
    FROM exposed x
    LEFT JOIN acted a ON a.person = x.person AND a.occurred_at >= x.exposed_at
        AND a.occurred_at < x.exposed_at + $5 * interval '1 second'
    GROUP BY x.person, x.arm, x.exposed_at
), scored AS (
    SELECT *, least(revenue, $9) AS capped, views * 1000000 + orders * 5000000 + opens * 500000 AS score FROM measured
)
SELECT arm, matured, returned_matured, count(*) AS persons,
    sum(least(orders, 1))::text AS buyers, sum(orders)::text AS orders, sum(orders * orders)::text AS orders_squared,
    sum(revenue)::text AS revenue, sum(revenue * revenue)::text AS revenue_squared,
    sum(revenue * orders)::text AS revenue_orders,
    sum(capped)::text AS capped, sum(capped * capped)::text AS capped_squared,
    sum(views)::text AS views, sum(views * views)::text AS views_squared, sum(least(views, 1))::text AS viewers,
    sum(boots)::text AS boots, sum(boots * boots)::text AS boots_squared,
    sum(pages)::text AS pages, sum(pages * pages)::text AS pages_squared,
    sum(opens)::text AS opens, sum(opens * opens)::text AS opens_squared, sum(least(opens, 1))::text AS openers,
    sum(least(returns, 1))::text AS returned,
    sum(score)::text AS score, sum(score::numeric * score)::text AS score_squared
FROM scored
GROUP BY arm, matured, returned_matured
