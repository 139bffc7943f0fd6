-- The entries of a version from $3 on, and when answers began to come from it, as far as that is known.
SELECT j.at, j.moves
FROM tally_journal j
WHERE j.tenant_id = $1 AND j.definition_id = $2 AND (j.at >= $3 OR j.moves = ''::bytea)
ORDER BY j.at, j.entry_id
