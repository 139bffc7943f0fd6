-- The person up to which a batch of $3 contributions after $2 goes, whatever versions they are to; null: there is none.
select max(c.person)
from (
  select person from contribution
  where tenant_id = $1 and ($2::text is null or person > $2)
  order by person
  limit $3) as c
