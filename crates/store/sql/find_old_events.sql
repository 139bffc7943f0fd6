-- The oldest days first, by their index. The first condition follows from the second.
SELECT event_id FROM event
WHERE tenant_id = $1
    AND (occurred_at AT TIME ZONE 'UTC')::date <= ($2::timestamptz AT TIME ZONE 'UTC')::date
    AND occurred_at < $2
ORDER BY tenant_id, (occurred_at AT TIME ZONE 'UTC')::date
LIMIT $3
