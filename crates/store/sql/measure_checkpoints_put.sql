insert into checkpoint (tenant_id, person, subjects, events, last_at, last_id)
select $1, c.person, c.subjects, c.events, c.last_at, c.last_id
from unnest($2::text[], $3::integer[], $4::bigint[], $5::timestamptz[], $6::uuid[])
  as c (person, subjects, events, last_at, last_id)
on conflict (tenant_id, person) do update
set subjects = excluded.subjects, events = excluded.events, last_at = excluded.last_at, last_id = excluded.last_id
