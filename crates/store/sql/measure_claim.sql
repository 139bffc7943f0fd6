-- $1 tenant, $2 the last touched_id that is wanted, $3 how many at most.
-- The ids go through an array, so that the plan looks each of them up however long the queue is.
DELETE FROM touched
WHERE tenant_id = $1
  AND touched_id = ANY (ARRAY(
    SELECT t.touched_id
    FROM touched t
    WHERE t.tenant_id = $1 AND t.touched_id <= $2
    ORDER BY t.touched_id
    LIMIT $3))
RETURNING subject, event_ids, whole, exposed
