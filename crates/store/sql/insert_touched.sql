INSERT INTO touched (tenant_id, subject, first_at, first_id)
SELECT $1, u.subject, u.first_at, u.first_id
FROM unnest($2::text[], $3::timestamptz[], $4::uuid[]) AS u (subject, first_at, first_id)
