SELECT coalesce(sum(a.late), 0)::bigint AS late, coalesce(sum(a.ahead), 0)::bigint AS ahead
FROM arrival a
WHERE a.tenant_id = $1 AND a.day BETWEEN $2 AND $3
