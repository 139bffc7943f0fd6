-- Subjects whose journeys are to be measured whole.
INSERT INTO touched (tenant_id, subject, event_ids, whole, exposed)
SELECT $1, u.subject, '{}', true, false FROM unnest($2::text[]) AS u (subject)
