select dimension, value, arm, day, counts, live::text as live, matured::text as matured,
  crossed_counts, crossed_live::text as crossed_live, crossed_matured::text as crossed_matured
from tally
where tenant_id = $1 and definition_id = $2 and dimension = $3 and day <= $4
