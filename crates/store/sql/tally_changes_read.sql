select c.rows from tally_change c where c.tenant_id = $1 and c.definition_id = $2 and c.dimension = $3
