SELECT e.body, coalesce(e.plan_fixed, false) AS plan_fixed, d.done, d.total FROM experiment e
LEFT JOIN definition d ON d.tenant_id = $1 AND d.experiment = e.experiment AND d.state = 'building'
WHERE e.tenant_id = $1 AND e.experiment = $2
