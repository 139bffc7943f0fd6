-- $1 tenant, $2 subjects, $3 whether the JSON is looked at
select subject, occurred_at, event_id, name, channel, stage, value, currency, experiment, arm,
  case when $3 then data end as data
from event
where tenant_id = $1 and subject = any($2)
