-- $1 tenant, $2 the last touched_id that is wanted, $3 how many rows at most, $4 how many events about: no row after the
-- one that reaches it. The statement sees one moment, so that up to the last one wanted it takes what it counted. A list of ids in
-- the place of that bound would be gone through for every row where the planner takes the queue for short.
DELETE FROM touched
WHERE tenant_id = $1
  AND touched_id <= (
    SELECT max(w.touched_id)
    FROM (
      SELECT q.touched_id,
        sum(cardinality(q.event_ids)) OVER (ORDER BY q.touched_id) - cardinality(q.event_ids) AS before
      FROM (
        SELECT t.touched_id, t.event_ids
        FROM touched t
        WHERE t.tenant_id = $1 AND t.touched_id <= $2
        ORDER BY t.touched_id
        LIMIT $3) AS q) AS w
    WHERE w.before < $4)
RETURNING subject, event_ids, whole, exposed
