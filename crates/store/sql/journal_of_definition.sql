delete from tally_journal where tenant_id = $1 and definition_id = $2
