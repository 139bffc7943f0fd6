-- The new events that rows of the queue name; $2 null: of all rows.
SELECT touched_id, subjects, event_ids FROM touched
WHERE tenant_id = $1 AND ($2::bigint[] IS NULL OR touched_id = ANY ($2::bigint[]))
