SELECT tenant_id, name, currency, time_zone FROM tenant
WHERE $1::uuid IS NULL OR tenant_id > $1
ORDER BY tenant_id
LIMIT $2
