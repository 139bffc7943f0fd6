delete from contribution
where tenant_id = $1 and definition_id = $2
  and person in (select person from contribution where tenant_id = $1 and definition_id = $2 order by person limit $3)
