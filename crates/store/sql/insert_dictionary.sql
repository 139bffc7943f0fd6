-- No more than a hundred of a tenant: each stays as long as the events that are packed with it may.
INSERT INTO dictionary (tenant_id, dictionary_id, made_at, share, body)
SELECT $1, $2, $3, $4, $5
WHERE (SELECT count(*) FROM dictionary d WHERE d.tenant_id = $1) < 100
ON CONFLICT DO NOTHING
