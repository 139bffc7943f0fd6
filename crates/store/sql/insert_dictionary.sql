INSERT INTO dictionary (tenant_id, dictionary_id, made_at, share, body)
SELECT $1, 1 + coalesce(max(d.dictionary_id), 0), $2, $3, $4 FROM dictionary d WHERE d.tenant_id = $1
RETURNING dictionary_id
