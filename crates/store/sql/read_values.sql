select count(distinct value) as values from tally where tenant_id = $1 and definition_id = $2 and dimension = $3
