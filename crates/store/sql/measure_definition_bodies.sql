select definition_id, revision, body from definition where tenant_id = $1 and definition_id = any($2)
