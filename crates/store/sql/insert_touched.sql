-- $2 the subject of each new event, $3 its id, $4 whether it brought a new link, $5 whether it is an exposure, $6 which row it goes to.
INSERT INTO touched (tenant_id, subjects, event_ids, whole, exposed)
SELECT $1, array_agg(u.subject), array_agg(u.event_id), array_agg(u.whole), array_agg(u.exposed)
FROM unnest($2::text[], $3::uuid[], $4::boolean[], $5::boolean[], $6::integer[])
    AS u (subject, event_id, whole, exposed, part)
GROUP BY u.part
