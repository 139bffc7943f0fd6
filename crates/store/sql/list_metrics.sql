SELECT body FROM metric
WHERE tenant_id = $1 AND ($2::text IS NULL OR metric > $2 COLLATE "C")
ORDER BY metric
LIMIT $3
