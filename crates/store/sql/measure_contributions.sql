select definition_id, person, body
from contribution
where tenant_id = $1 and definition_id = any($2) and person = any($3)
