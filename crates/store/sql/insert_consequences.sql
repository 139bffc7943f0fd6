-- What new events bring along, in one round trip. $2, $3 links between subjects, in both directions; $4, $5 experiments and subjects
-- exposed to them; of each new event $6 the subject, $7 the id, $8 the experiment where it is an exposure, $9 when it happened, $10
-- when it was received; $11, $12 ids and digests of bodies that may be others than the stored ones; $13 days, $14 late events of each,
-- $15 those from a clock that was ahead, $16 which writer counts. All but the new events are sorted, each once. A statement waits for
-- those before it by looking at what they gave, so that two batches take the tables in one order and never wait for each other in a
-- circle; the counts are last, because a writer of another process may have the same number: it waits for the commit alone.
WITH linked AS (
    INSERT INTO identity_link (tenant_id, subject, other)
    SELECT $1, u.subject, u.other FROM unnest($2::text[], $3::text[]) AS u (subject, other)
    ON CONFLICT (tenant_id, subject, other) DO NOTHING
    RETURNING subject
), exposed AS (
    INSERT INTO exposure (tenant_id, experiment, subject)
    SELECT $1, u.experiment, u.subject FROM unnest($4::text[], $5::text[]) AS u (experiment, subject)
    WHERE (SELECT count(*) FROM linked) >= 0
    ON CONFLICT (tenant_id, experiment, subject) DO NOTHING
    RETURNING experiment, subject
), queued AS (
    -- Persons change by links that were not there; most events only repeat one that is. 64 events to a row.
    INSERT INTO touched (tenant_id, subjects, event_ids, whole, exposed, first_exposed_at, first_received_at, last_received_at)
    SELECT $1, array_agg(u.subject), array_agg(u.event_id), array_agg(u.subject IN (SELECT l.subject FROM linked l)),
        array_agg(u.experiment IS NOT NULL),
        array_agg(CASE WHEN u.experiment IS NOT NULL
            AND (u.experiment, u.subject) IN (SELECT e.experiment, e.subject FROM exposed e) THEN u.occurred_at END),
        min(u.received_at), max(u.received_at)
    FROM unnest($6::text[], $7::uuid[], $8::text[], $9::timestamptz[], $10::timestamptz[])
        WITH ORDINALITY AS u (subject, event_id, experiment, occurred_at, received_at, place)
    WHERE (SELECT count(*) FROM exposed) >= 0
    GROUP BY (u.place - 1) / 64
    RETURNING 1
), conflicting AS (
    INSERT INTO conflict (tenant_id, event_id, occurred_at)
    -- Looked up one by one, whatever the planner knows of the table.
    SELECT DISTINCT $1, e.event_id, e.occurred_at
    FROM unnest($11::uuid[], $12::bigint[]) AS u (event_id, digest)
    CROSS JOIN LATERAL (
        SELECT s.event_id, s.occurred_at, s.digest FROM event s
        WHERE s.tenant_id = $1 AND s.event_id = u.event_id OFFSET 0) AS e
    WHERE e.digest <> u.digest AND (SELECT count(*) FROM queued) >= 0
    ORDER BY e.event_id
    ON CONFLICT (tenant_id, event_id) DO NOTHING
    RETURNING 1
)
INSERT INTO arrival (tenant_id, day, writer, late, ahead)
SELECT $1, u.day, $16, u.late, u.ahead FROM unnest($13::date[], $14::bigint[], $15::bigint[]) AS u (day, late, ahead)
WHERE (SELECT count(*) FROM conflicting) >= 0
ON CONFLICT (tenant_id, day, writer)
DO UPDATE SET late = arrival.late + excluded.late, ahead = arrival.ahead + excluded.ahead
