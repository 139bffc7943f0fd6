-- A batch of $3 contributions after the person $2, whatever versions they are to: the last person, and how many there are.
select max(c.person) as person, count(*) as contributions
from (
  select person from contribution
  where tenant_id = $1 and ($2::text is null or person > $2)
  order by person
  limit $3) as c
