-- A row a subject: $2 the subject of each new event, $3 its id, $4 whether it brought a new link, $5 whether it is an exposure.
INSERT INTO touched (tenant_id, subject, event_ids, whole, exposed)
SELECT $1, u.subject, array_agg(u.event_id), bool_or(u.whole), bool_or(u.exposed)
FROM unnest($2::text[], $3::uuid[], $4::boolean[], $5::boolean[]) AS u (subject, event_id, whole, exposed)
GROUP BY u.subject
