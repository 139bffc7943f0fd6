-- Looked up tenant by tenant: without the OFFSET the whole queue would be read to know whose rows are in it.
SELECT t.tenant_id, t.name, t.currency, t.time_zone FROM tenant t
WHERE EXISTS (SELECT FROM touched w WHERE w.tenant_id = t.tenant_id OFFSET 0)
    OR EXISTS (SELECT FROM definition d WHERE d.tenant_id = t.tenant_id AND d.state <> 'active' OFFSET 0)
ORDER BY t.tenant_id
