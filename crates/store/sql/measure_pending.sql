-- Counted among the first 5 000 events of the queue: a longer one need not be known to the last subject.
SELECT count(DISTINCT q.subject) AS pending
FROM (SELECT unnest(t.subjects) AS subject FROM touched t WHERE t.tenant_id = $1 LIMIT 5000) AS q
