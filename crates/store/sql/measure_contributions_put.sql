insert into contribution (tenant_id, definition_id, person, body)
select $1, c.definition_id, c.person, c.body
from unnest($2::bigint[], $3::text[], $4::bytea[]) as c (definition_id, person, body)
on conflict (tenant_id, definition_id, person) do update set body = excluded.body
