select dimension, value, arm, day, entered
from tally
where tenant_id = $1 and definition_id = $2 and dimension = $3 and day <= $4
