-- $1 tenant, $2 versions, $3 their moves, $4 when.
insert into tally_journal (tenant_id, definition_id, at, moves)
select $1, m.definition_id, $4, m.moves
from unnest($2::bigint[], $3::bytea[]) as m (definition_id, moves)
