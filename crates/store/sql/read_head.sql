-- The versions of an experiment that answers can come from, with the tenant's generation and its conflicting ids.
select d.definition_id, d.state, d.body, d.revision, d.done, d.total, m.generation,
  (select count(distinct c.event_id) from conflict c where c.tenant_id = $1) as conflicting_ids
from definition d
join measure_state m on m.tenant_id = d.tenant_id
where d.tenant_id = $1 and m.tenant_id = $1 and d.experiment = $2 and d.state <> 'retired'
