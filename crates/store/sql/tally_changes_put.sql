insert into tally_change (tenant_id, definition_id, dimension, rows)
select $1, k.definition_id, k.dimension, k.rows
from unnest($2::bigint[], $3::smallint[], $4::bytea[]) as k (definition_id, dimension, rows)
