select d.definition_id, d.experiment, d.state, d.revision, d.position, d.done
from definition d
join experiment e on e.tenant_id = d.tenant_id and e.experiment = d.experiment
where d.tenant_id = $1 and e.tenant_id = $1 and d.state <> 'retired' and not e.archived
order by d.definition_id
