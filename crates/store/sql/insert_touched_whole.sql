-- Subjects whose journeys are to be measured whole, 64 to a row.
INSERT INTO touched (tenant_id, subjects, event_ids, whole, exposed)
SELECT $1, array_agg(u.subject), array_agg(NULL::uuid), array_agg(true), array_agg(false)
FROM unnest($2::text[]) WITH ORDINALITY AS u (subject, place)
GROUP BY (u.place - 1) / 64
