-- The versions of an experiment that answers can come from, with the tenant's generation and its conflicting ids before $3.
SELECT d.definition_id, d.state, d.body, d.revision, d.done, d.total, m.generation,
  -- Counted up to 10 000, so that the cost of an answer never depends on how many there are.
  (SELECT count(*)
   FROM (SELECT FROM conflict c WHERE c.tenant_id = $1 AND c.occurred_at < $3 LIMIT 10000) AS counted) AS conflicting_ids
FROM definition d
JOIN measure_state m ON m.tenant_id = d.tenant_id
WHERE d.tenant_id = $1 AND m.tenant_id = $1 AND d.experiment = $2 AND d.state <> 'retired'
