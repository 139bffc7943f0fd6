select subject, other from identity_link where tenant_id = $1 and subject = any($2)
