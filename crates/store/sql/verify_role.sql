SELECT current_user::text, r.rolsuper, r.rolbypassrls,
    EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f'))
FROM pg_catalog.pg_roles r
WHERE r.rolname = current_user
