-- $2 the subject of each new event, $3 its id, $4 whether it brought a new link, $5 whether it is an exposure, $6 whether that is the
-- first of the subject to the experiment, $7 when it was received; 64 events to a row.
INSERT INTO touched (tenant_id, subjects, event_ids, whole, exposed, first_exposure, first_received_at, last_received_at)
SELECT $1, array_agg(u.subject), array_agg(u.event_id), array_agg(u.whole), array_agg(u.exposed), array_agg(u.first),
    min(u.received_at), max(u.received_at)
FROM unnest($2::text[], $3::uuid[], $4::boolean[], $5::boolean[], $6::boolean[], $7::timestamptz[])
    WITH ORDINALITY AS u (subject, event_id, whole, exposed, first, received_at, place)
GROUP BY (u.place - 1) / 64
