select dimension, value, arm, day, sums
from tally
where tenant_id = $1 and definition_id = $2 and dimension = $3 and day <= $4
