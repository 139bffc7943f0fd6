-- By the index of times (see the purpose of the transaction): only ranges of pages that held events as old are read.
SELECT event_id FROM event WHERE tenant_id = $1 AND occurred_at < $2 LIMIT $3
