-- Which tenants have versions to build or to sweep is asked every other second: idle ones answer from an index that is empty.
DO $$
BEGIN
    CREATE INDEX definition_work ON definition (tenant_id) WHERE state <> 'active';
END $$;
