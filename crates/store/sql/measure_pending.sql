-- Counted among the first 5 000 rows of the queue: a longer one need not be known to the last subject.
select count(distinct t.subject) as pending
from (select subject from touched where tenant_id = $1 limit 5000) as t
