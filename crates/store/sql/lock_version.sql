-- Whoever enters changes into the tally of a version holds its row; so does whoever retires it, switches to it or notes how far it is.
SELECT FROM definition WHERE tenant_id = $1 AND definition_id = $2 AND state <> 'retired' FOR NO KEY UPDATE
