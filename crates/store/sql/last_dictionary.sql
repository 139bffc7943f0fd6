SELECT d.dictionary_id, d.share, d.body
FROM dictionary d
WHERE d.tenant_id = $1
ORDER BY d.dictionary_id DESC
LIMIT 1
