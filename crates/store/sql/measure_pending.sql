select count(distinct subject) as pending from touched where tenant_id = $1
