SELECT d.share, d.body
FROM dictionary d
WHERE d.tenant_id = $1
ORDER BY d.made_at DESC, d.dictionary_id
LIMIT 1
