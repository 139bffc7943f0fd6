-- Only the holder of the version's row writes its tally, so the sums replace the stored ones.
insert into tally (tenant_id, definition_id, dimension, value, arm, day, entered)
select $1, k.definition_id, k.dimension, k.value, k.arm, k.day, k.entered
from unnest($2::bigint[], $3::smallint[], $4::text[], $5::smallint[], $6::date[], $7::bytea[])
  as k (definition_id, dimension, value, arm, day, entered)
on conflict (tenant_id, definition_id, dimension, value, arm, day) do update set entered = excluded.entered
