-- Entries before $2 go.
delete from tally_journal where tenant_id = $1 and at < $2 and moves <> ''::bytea
