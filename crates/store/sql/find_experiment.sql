SELECT e.body, d.done, d.total FROM experiment e
LEFT JOIN definition d ON d.tenant_id = $1 AND d.experiment = e.experiment AND d.state = 'building'
WHERE e.tenant_id = $1 AND e.experiment = $2
