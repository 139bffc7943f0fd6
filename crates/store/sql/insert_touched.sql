INSERT INTO touched (tenant_id, subject, first_at, first_id, linked)
SELECT $1, u.subject, u.first_at, u.first_id, u.linked
FROM unnest($2::text[], $3::timestamptz[], $4::uuid[], $5::boolean[]) AS u (subject, first_at, first_id, linked)
