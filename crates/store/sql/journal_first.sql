SELECT min(j.at) AS first FROM tally_journal j WHERE j.tenant_id = $1 AND j.definition_id = $2
