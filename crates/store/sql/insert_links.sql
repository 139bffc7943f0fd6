INSERT INTO identity_link (tenant_id, subject, other)
SELECT $1, u.subject, u.other FROM unnest($2::text[], $3::text[]) AS u (subject, other)
ON CONFLICT (tenant_id, subject, other) DO NOTHING
RETURNING subject
