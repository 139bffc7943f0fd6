-- The recomputed sums, by experiment, arm and the dimension whose name the caller puts in.
WITH scored AS (
    SELECT a.*, {value} AS dimension_value, least(revenue, {cap}) AS capped,
        views * 1000000 + orders * 5000000 + opens * 500000 AS score
    FROM bench.amount a
    LEFT JOIN bench.known k ON k.experiment = a.experiment AND k.person = a.person
)
SELECT experiment, dimension_value, arm, matured, returned_matured, count(*) AS persons,
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
GROUP BY experiment, dimension_value, arm, matured, returned_matured
