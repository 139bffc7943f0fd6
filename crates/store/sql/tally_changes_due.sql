-- The dimensions of versions whose changes are the most to read: at least $2 of them, or $3 bytes. Those of retired versions are
-- swept. All changes are gone through for it, so that many are told at once.
select c.definition_id, c.dimension
from tally_change c
join definition d on d.tenant_id = c.tenant_id and d.definition_id = c.definition_id
where c.tenant_id = $1 and d.tenant_id = $1 and d.state <> 'retired'
group by c.definition_id, c.dimension
having count(*) >= $2 or sum(octet_length(c.rows)) >= $3
order by sum(octet_length(c.rows)) desc
limit 64
