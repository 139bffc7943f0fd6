delete from tally_change where tenant_id = $1 and definition_id = $2
