select person, reason from set_aside where tenant_id = $1 order by person limit 100
