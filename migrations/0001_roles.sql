-- The three roles of the service. They belong to the cluster, so another database may have made them already;
-- two databases that migrate at the same moment may both try, and the second must not fail.
--
--   journeylift_owner        owns the tables and runs migrations
--   journeylift_app          the service: no DDL, owns nothing, under row-level security
--   journeylift_maintenance  tenants, first keys, retention, the list of tenants with pending work
--
-- A role may be given LOGIN and a password by the operator; a login that is a member of the role does as well.
DO $$
DECLARE
    wanted text;
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'journeylift needs a database in UTF8, and this one is in %', current_setting('server_encoding');
    END IF;
    FOREACH wanted IN ARRAY ARRAY['journeylift_owner', 'journeylift_app', 'journeylift_maintenance'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        IF NOT pg_catalog.pg_has_role(current_user, wanted, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
        END IF;
    END LOOP;
    IF NOT has_schema_privilege('journeylift_owner', current_schema(), 'CREATE') THEN
        EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO journeylift_owner', current_schema());
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO journeylift_app, journeylift_maintenance', current_schema());
    -- The service compares the applied migrations with its own, and refuses to be ready when they differ.
    GRANT SELECT ON _sqlx_migrations TO journeylift_app, journeylift_maintenance;
END $$;
