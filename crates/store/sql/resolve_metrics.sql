SELECT body FROM metric WHERE tenant_id = $1 AND metric = ANY ($2::text[])
