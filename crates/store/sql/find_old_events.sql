-- By the index of times (see the purpose of the transaction): only pages that hold events as old as that are read.
SELECT event_id FROM event WHERE tenant_id = $1 AND occurred_at < $2 LIMIT $3
