insert into set_aside (tenant_id, person, reason, since)
select $1, s.person, s.reason, $4
from unnest($2::text[], $3::text[]) as s (person, reason)
on conflict (tenant_id, person) do update set reason = excluded.reason
