-- $2 days, ascending, each once; $3 late events of the day, $4 events from a clock that was ahead; $5 which writer counts.
INSERT INTO arrival (tenant_id, day, writer, late, ahead)
SELECT $1, u.day, $5, u.late, u.ahead FROM unnest($2::date[], $3::bigint[], $4::bigint[]) AS u (day, late, ahead)
ON CONFLICT (tenant_id, day, writer)
DO UPDATE SET late = arrival.late + excluded.late, ahead = arrival.ahead + excluded.ahead
