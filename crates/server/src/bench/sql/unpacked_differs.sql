-- Events as they were sent stand in bench.plain where bytes on disk were measured.
SELECT count(*), count(*) FILTER (WHERE u.data -> 'properties' IS DISTINCT FROM p.event -> 'properties')
FROM bench.plain p
JOIN bench.unpacked u ON u.event_id = p.event_id
