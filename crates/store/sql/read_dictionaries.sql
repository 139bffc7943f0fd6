SELECT d.dictionary_id, d.body FROM dictionary d WHERE d.tenant_id = $1 AND d.dictionary_id = ANY ($2::integer[])
