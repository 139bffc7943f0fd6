-- $1 tenant, $2 the last touched_id that is wanted, $3 how many events about: no row after the one that reaches them. The
-- statement sees one moment, so that up to the last one wanted it takes what it counted. A list of ids in the place of that bound
-- would be gone through for every row where the planner takes the queue for short.
DELETE FROM touched
WHERE tenant_id = $1
  AND touched_id <= (
    SELECT max(w.touched_id)
    FROM (
      SELECT q.touched_id, sum(q.size) OVER (ORDER BY q.touched_id) - q.size AS before
      FROM (
        SELECT t.touched_id, cardinality(t.event_ids) AS size
        FROM touched t
        WHERE t.tenant_id = $1 AND t.touched_id <= $2
        ORDER BY t.touched_id
        LIMIT $3) AS q) AS w
    WHERE w.before < $3)
RETURNING touched_id, subjects, event_ids, whole, exposed, first_exposed_at, first_received_at, last_received_at
