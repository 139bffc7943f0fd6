SELECT t.tenant_id, t.name, t.currency, t.time_zone FROM tenant t
WHERE EXISTS (SELECT FROM touched w WHERE w.tenant_id = t.tenant_id)
    OR EXISTS (SELECT FROM definition d WHERE d.tenant_id = t.tenant_id AND d.state <> 'active')
ORDER BY t.tenant_id
