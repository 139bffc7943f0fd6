-- Hours before $2 with several entries of one version, the oldest first.
SELECT j.definition_id, date_trunc('hour', j.at, 'UTC') AS hour
FROM tally_journal j
WHERE j.tenant_id = $1 AND j.at < $2 AND j.moves <> ''::bytea
GROUP BY j.definition_id, date_trunc('hour', j.at, 'UTC')
HAVING count(*) > 1
ORDER BY 2, 1
LIMIT $3
