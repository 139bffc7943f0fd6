-- Whoever enters changes into the tally of a version holds its row, and so does whoever retires it.
SELECT FROM definition WHERE tenant_id = $1 AND definition_id = $2 AND state <> 'retired' FOR NO KEY UPDATE
