delete from tally
where tenant_id = $1
  and (definition_id, dimension, value, arm, day) in (
    select k.definition_id, k.dimension, k.value, k.arm, k.day
    from unnest($2::bigint[], $3::smallint[], $4::text[], $5::smallint[], $6::date[])
      as k (definition_id, dimension, value, arm, day))
