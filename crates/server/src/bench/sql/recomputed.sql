-- All events once more, from scratch: what each person amounts to in each experiment. Nothing of the service's own sums
-- goes into it. The names in braces are put in by the caller, who has no other way to make tables of parameters.
DROP TABLE IF EXISTS bench.fact, bench.exposed, bench.known, bench.amount;
CREATE TABLE bench.fact AS
SELECT coalesce(p.person, e.subject) AS person, e.event_id, e.occurred_at, e.name, e.value, e.experiment, e.arm,
    -- Sorts by time, and by id within one instant; what follows is found by its place.
    to_char(e.occurred_at, 'YYYYMMDDHH24MISSUS') || e.event_id AS stamp,
    e.properties ->> 'device' AS device, e.properties ->> 'category' AS category, e.properties ->> 'brand' AS brand,
    e.properties ->> 'campaign' AS campaign, e.properties ->> 'locale' AS locale
FROM bench.event e
LEFT JOIN bench.person p ON p.subject = e.subject
WHERE e.tenant_id = '{tenant}';
ANALYZE bench.fact;
CREATE TABLE bench.exposed AS
SELECT DISTINCT ON (experiment, person) experiment, person, arm, occurred_at AS exposed_at
FROM bench.fact
WHERE experiment IS NOT NULL AND occurred_at >= '{starts_at}'
ORDER BY experiment, person, occurred_at, event_id;
ANALYZE bench.exposed;
-- The last value of each dimension that was known at the exposure.
CREATE TABLE bench.known AS
SELECT x.experiment, x.person,
    substr(max(f.stamp || f.device COLLATE "C") FILTER (WHERE f.device <> ''), 57) AS device,
    substr(max(f.stamp || f.category COLLATE "C") FILTER (WHERE f.category <> ''), 57) AS category,
    substr(max(f.stamp || f.brand COLLATE "C") FILTER (WHERE f.brand <> ''), 57) AS brand,
    substr(max(f.stamp || f.campaign COLLATE "C") FILTER (WHERE f.campaign <> ''), 57) AS campaign,
    substr(max(f.stamp || f.locale COLLATE "C") FILTER (WHERE f.locale <> ''), 57) AS locale
FROM bench.exposed x
JOIN bench.fact f ON f.person = x.person AND f.occurred_at <= x.exposed_at
GROUP BY x.experiment, x.person;
CREATE TABLE bench.amount AS
SELECT x.experiment, x.person, x.arm,
    x.exposed_at + {window} * interval '1 second' < '{matured_until}' AS matured,
    x.exposed_at + {return_to} * interval '1 second' < '{matured_until}' AS returned_matured,
    count(*) FILTER (WHERE f.name = 'Order Completed') AS orders,
    coalesce(sum(CASE f.name WHEN 'Order Completed' THEN f.value WHEN 'Order Refunded' THEN -abs(f.value) END), 0) AS revenue,
    count(*) FILTER (WHERE f.name = 'Product Viewed') AS views,
    count(*) FILTER (WHERE f.name = 'Product Viewed' AND f.category = 'boots') AS boots,
    count(*) FILTER (WHERE f.name = 'Page Viewed') AS pages,
    count(*) FILTER (WHERE f.name = 'Email Opened') AS opens,
    count(*) FILTER (WHERE f.name = 'Product Viewed' AND f.occurred_at >= x.exposed_at + {return_from} * interval '1 second'
        AND f.occurred_at < x.exposed_at + {return_to} * interval '1 second') AS returns
FROM bench.exposed x
LEFT JOIN bench.fact f ON f.person = x.person AND f.occurred_at >= x.exposed_at
    AND f.occurred_at < x.exposed_at + {window} * interval '1 second'
GROUP BY x.experiment, x.person, x.arm, x.exposed_at;
