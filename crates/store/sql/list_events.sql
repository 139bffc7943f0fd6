SELECT e.event_id, e.subject, e.occurred_at, e.received_at, e.name, e.channel, e.stage, e.value, e.currency, e.experiment, e.arm,
  e.data, e.dictionary_id, e.packed
FROM event e
WHERE e.tenant_id = $1 AND ($2::uuid IS NULL OR e.event_id > $2)
ORDER BY e.event_id
LIMIT $3
