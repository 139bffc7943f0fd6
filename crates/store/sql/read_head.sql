-- The versions of an experiment that answers can come from, with the tenant's generation, its conflicting ids before $3,
-- and whether anything that moves it waits in the queue or anyone is set aside. Archived experiments are frozen.
SELECT d.definition_id, d.state, d.revision, d.done, d.total, m.generation,
  -- Counted up to 10 000, so that the cost of an answer never depends on how many there are.
  (SELECT count(*)
   FROM (SELECT FROM conflict c WHERE c.tenant_id = $1 AND c.occurred_at < $3 LIMIT 10000) AS counted) AS conflicting_ids,
  NOT e.archived AND EXISTS (SELECT FROM touched t WHERE t.tenant_id = $1) AS waiting,
  EXISTS (SELECT FROM set_aside s WHERE s.tenant_id = $1) AS set_aside,
  EXISTS (SELECT FROM arrival a WHERE a.tenant_id = $1) AS shifted, e.created_at
FROM definition d
JOIN experiment e ON e.tenant_id = d.tenant_id AND e.experiment = d.experiment
JOIN measure_state m ON m.tenant_id = d.tenant_id
WHERE d.tenant_id = $1 AND e.tenant_id = $1 AND m.tenant_id = $1 AND d.experiment = $2 AND d.state <> 'retired'
