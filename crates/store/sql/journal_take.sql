delete from tally_journal
where tenant_id = $1 and definition_id = $2 and at >= $3 and at < $4 and moves <> ''::bytea
returning moves
