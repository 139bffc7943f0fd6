-- Arrays of arrays travel as texts. Only the holder of the measure lock writes tallies, so the sums replace the stored ones.
insert into tally (tenant_id, definition_id, dimension, value, arm, day,
  counts, live, matured, crossed_counts, crossed_live, crossed_matured)
select $1, k.definition_id, k.dimension, k.value, k.arm, k.day,
  k.counts::bigint[], k.live::numeric[], k.matured::numeric[],
  k.crossed_counts::bigint[], k.crossed_live::numeric[], k.crossed_matured::numeric[]
from unnest($2::bigint[], $3::smallint[], $4::text[], $5::smallint[], $6::date[],
    $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
  as k (definition_id, dimension, value, arm, day, counts, live, matured, crossed_counts, crossed_live, crossed_matured)
on conflict (tenant_id, definition_id, dimension, value, arm, day) do update
set counts = excluded.counts, live = excluded.live, matured = excluded.matured,
  crossed_counts = excluded.crossed_counts, crossed_live = excluded.crossed_live,
  crossed_matured = excluded.crossed_matured
