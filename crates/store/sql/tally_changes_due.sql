-- The dimension of a version with the most changes, at least $2. Those of retired versions are swept.
select c.definition_id, c.dimension
from tally_change c
join definition d on d.tenant_id = c.tenant_id and d.definition_id = c.definition_id
where c.tenant_id = $1 and d.tenant_id = $1 and d.state <> 'retired'
group by c.definition_id, c.dimension
having count(*) >= $2
order by count(*) desc
limit 1
