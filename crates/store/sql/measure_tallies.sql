select t.definition_id, t.dimension, t.value, t.arm, t.day,
  t.counts, t.live::text as live, t.matured::text as matured,
  t.crossed_counts, t.crossed_live::text as crossed_live, t.crossed_matured::text as crossed_matured
from unnest($2::bigint[], $3::smallint[], $4::text[], $5::smallint[], $6::date[])
  as k (definition_id, dimension, value, arm, day)
join tally t
  on t.tenant_id = $1
  and t.definition_id = k.definition_id
  and t.dimension = k.dimension
  and t.value = k.value
  and t.arm = k.arm
  and t.day = k.day
where t.tenant_id = $1
