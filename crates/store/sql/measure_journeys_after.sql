-- $1 tenant, $2 subjects, $3 whether the JSON is looked at, $4 and $5 the position after which events are wanted
select e.subject, e.occurred_at, e.event_id, e.name, e.channel, e.stage, e.value, e.currency, e.experiment, e.arm,
  case when $3 then e.data end as data
from unnest($2::text[], $4::timestamptz[], $5::uuid[]) as c (subject, last_at, last_id)
join event e on e.tenant_id = $1 and e.subject = c.subject and (e.occurred_at, e.event_id) > (c.last_at, c.last_id)
where e.tenant_id = $1
