delete from tally
where tenant_id = $1 and definition_id = $2
  and (dimension, value, arm, day) in (
    select dimension, value, arm, day from tally
    where tenant_id = $1 and definition_id = $2
    order by dimension, value, arm, day
    limit $3)
