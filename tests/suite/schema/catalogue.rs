//! The catalogue after all migrations: keys, policies, roles, comments.

use std::collections::BTreeSet;

use server::postgres::Role;
use sqlx::{PgPool, Row};
use tests::Database;

use super::{Placement, TABLES};

tests::cases![
    every_table_says_where_it_lives,
    keys_begin_with_the_tenant,
    foreign_keys_carry_the_tenant,
    everything_has_a_comment,
    policies_compare_with_the_setting,
    the_roles_may_no_more_than_they_need,
    nothing_that_cannot_be_distributed,
    texts_in_keys_are_compared_by_their_bytes,
];

async fn superuser() -> PgPool {
    Database::new().await.pool(Role::Superuser).await
}

async fn list(pool: &PgPool, sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

fn of(placement: Placement) -> BTreeSet<&'static str> {
    TABLES.iter().filter(|(_, p)| *p == placement).map(|(name, _)| *name).collect()
}

async fn every_table_says_where_it_lives() {
    let pool = superuser().await;
    let sql = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') \
        AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) \
        AND relnamespace::regnamespace::text NOT LIKE 'pg_toast%' ORDER BY relname COLLATE \"C\"";
    let found = list(&pool, sql).await;
    let listed: Vec<_> = TABLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed, "the tables of the catalogue against the list in schema/mod.rs");
    for (table, placement) in TABLES {
        let comment: Option<String> = sqlx::query_scalar("SELECT obj_description($1::regclass, 'pg_class')")
            .bind(table)
            .fetch_one(&pool)
            .await
            .unwrap();
        let comment = comment.unwrap_or_default();
        let says = match placement {
            Placement::Distributed => comment.starts_with("Distributed."),
            Placement::Reference => comment.starts_with("Reference."),
            // The table of the migration library is not ours to describe.
            Placement::Local => true,
        };
        assert!(says, "{table} is {placement:?}, and its comment says: {comment}");
    }
}

async fn keys_begin_with_the_tenant() {
    let pool = superuser().await;
    let sql = "SELECT c.relname::text AS tab, i.relname::text AS idx, a.attname::text AS first, x.indisprimary \
        FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid \
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] \
        WHERE c.relnamespace = 'public'::regnamespace";
    let rows = sqlx::query(sql).fetch_all(&pool).await.unwrap();
    let mut with_primary = BTreeSet::new();
    for row in &rows {
        let (table, index, first): (String, String, String) = (row.get("tab"), row.get("idx"), row.get("first"));
        if of(Placement::Distributed).contains(table.as_str()) {
            assert_eq!(first, "tenant_id", "{index} of {table} begins with {first}");
        }
        if row.get::<bool, _>("indisprimary") {
            with_primary.insert(table);
        }
    }
    for (table, _) in TABLES {
        assert!(with_primary.contains(*table), "{table} has no primary key");
    }
    let sql = "SELECT c.relname || '.' || format_type(a.atttypid, a.atttypmod) || '.' || a.attnotnull \
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
        WHERE a.attname = 'tenant_id' AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace";
    let types: BTreeSet<_> = list(&pool, sql).await.into_iter().collect();
    let wanted: BTreeSet<_> = TABLES
        .iter()
        .filter(|(_, placement)| *placement != Placement::Local)
        .map(|(table, _)| format!("{table}.uuid.true"))
        .collect();
    assert_eq!(types, wanted, "every table has tenant_id uuid NOT NULL");
}

async fn foreign_keys_carry_the_tenant() {
    let pool = superuser().await;
    let sql = "SELECT k.conname::text AS name, k.conrelid::regclass::text AS tab, k.confrelid::regclass::text AS target, \
        a.attname::text AS first, b.attname::text AS first_target FROM pg_constraint k \
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] \
        JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1] WHERE k.contype = 'f'";
    let rows = sqlx::query(sql).fetch_all(&pool).await.unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let text = |column: &str| row.get::<String, _>(column);
        assert_eq!(
            (text("first").as_str(), text("first_target").as_str()),
            ("tenant_id", "tenant_id"),
            "{}",
            text("name")
        );
        assert!(of(Placement::Distributed).contains(text("tab").as_str()), "{} is on {}", text("name"), text("tab"));
        assert!(
            !["event", "touched"].contains(&text("tab").as_str()),
            "{}: each insert would pay for it",
            text("name")
        );
    }
}

async fn everything_has_a_comment() {
    let pool = superuser().await;
    let sql = "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> '_sqlx_migrations' \
        AND a.attnum > 0 AND NOT a.attisdropped AND coalesce(col_description(c.oid, a.attnum), '') = ''";
    assert_eq!(list(&pool, sql).await, Vec::<String>::new(), "columns without a comment");
}

async fn policies_compare_with_the_setting() {
    let pool = superuser().await;
    let tables = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
        AND relrowsecurity ORDER BY relname COLLATE \"C\"";
    let wanted: Vec<_> = TABLES.iter().filter(|(_, p)| *p != Placement::Local).map(|(t, _)| (*t).to_owned()).collect();
    assert_eq!(list(&pool, tables).await, wanted, "tables under row-level security");

    let sql = "SELECT tablename::text AS tab, policyname::text AS name, permissive::text, roles::text[], cmd::text, \
        qual::text, with_check::text FROM pg_policies WHERE schemaname = 'public'";
    let own = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)";
    let mut guarded = BTreeSet::new();
    for row in sqlx::query(sql).fetch_all(&pool).await.unwrap() {
        let (table, name): (String, String) = (row.get("tab"), row.get("name"));
        let roles: Vec<String> = row.get("roles");
        let (qual, check): (Option<String>, Option<String>) = (row.get("qual"), row.get("with_check"));
        match roles.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["journeylift_app"] => {
                assert_eq!(row.get::<String, _>("cmd"), "ALL", "{name}");
                assert_eq!(check.as_deref(), Some(own), "{name}");
                if table == "api_key" {
                    // A key is looked up before its tenant is known.
                    let qual = qual.unwrap();
                    assert!(qual.contains(own) && qual.contains("app.key_hash"), "{name}: {qual}");
                } else {
                    assert_eq!(qual.as_deref(), Some(own), "{name}");
                }
                assert!(guarded.insert(table.clone()), "{table} has two policies for the service");
            }
            ["journeylift_maintenance"] => {}
            _ => panic!("{name} is for {roles:?}"),
        }
    }
    assert_eq!(guarded.into_iter().collect::<Vec<_>>(), wanted, "tables with the service's policy");
}

async fn the_roles_may_no_more_than_they_need() {
    let pool = superuser().await;
    for role in ["journeylift_owner", "journeylift_app", "journeylift_maintenance", "journeylift_service"] {
        let row =
            sqlx::query("SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = $1")
                .bind(role)
                .fetch_one(&pool)
                .await
                .unwrap();
        for right in ["rolsuper", "rolbypassrls", "rolcreatedb", "rolcreaterole"] {
            assert!(!row.get::<bool, _>(right), "{role} has {right}");
        }
        let owned: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = $1 AND relnamespace = 'public'::regnamespace",
        )
        .bind(role)
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(owned > 0, role == "journeylift_owner", "{role} owns {owned} relations");
        let defines: bool = sqlx::query_scalar(
            "SELECT has_schema_privilege($1, 'public', 'CREATE') OR has_database_privilege($1, current_database(), 'CREATE')",
        )
        .bind(role)
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!(defines, role == "journeylift_owner", "whether {role} may define");
        if role != "journeylift_owner" {
            let member: bool = sqlx::query_scalar("SELECT pg_has_role($1, 'journeylift_owner', 'MEMBER')")
                .bind(role)
                .fetch_one(&pool)
                .await
                .unwrap();
            assert!(!member, "{role} is a member of the owner");
        }
    }
    let owners = "SELECT DISTINCT pg_get_userbyid(relowner)::text FROM pg_class WHERE relkind IN ('r', 'S') \
        AND relnamespace = 'public'::regnamespace";
    assert_eq!(list(&pool, owners).await, ["journeylift_owner"]);
    let public = "SELECT c.relname::text FROM pg_class c, aclexplode(c.relacl) a \
        WHERE a.grantee = 0 AND c.relnamespace = 'public'::regnamespace";
    assert_eq!(list(&pool, public).await, Vec::<String>::new(), "relations that everybody may touch");
    let rights = "SELECT c.relname || ' ' || a.privilege_type FROM pg_class c, aclexplode(c.relacl) a \
        WHERE a.grantee = 'journeylift_app'::regrole AND c.relnamespace = 'public'::regnamespace \
        AND (a.privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER') OR a.is_grantable)";
    assert_eq!(list(&pool, rights).await, Vec::<String>::new(), "rights that the service has no use for");
    // Events are never rewritten, and tenants are the operator's.
    for (table, right) in
        [("event", "UPDATE"), ("event", "DELETE"), ("conflict", "UPDATE"), ("tenant", "INSERT"), ("tenant", "UPDATE")]
    {
        let has: bool = sqlx::query_scalar(
            "SELECT has_any_column_privilege('journeylift_app', $1::regclass, 'SELECT') \
            AND has_table_privilege('journeylift_app', $1::regclass, $2)",
        )
        .bind(table)
        .bind(right)
        .fetch_one(&pool)
        .await
        .unwrap();
        assert!(!has, "the service may {right} {table}");
    }
}

async fn nothing_that_cannot_be_distributed() {
    let pool = superuser().await;
    let triggers = "SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal";
    assert_eq!(list(&pool, triggers).await, Vec::<String>::new(), "triggers");
    let rules = "SELECT rulename::text FROM pg_rules WHERE schemaname = 'public'";
    assert_eq!(list(&pool, rules).await, Vec::<String>::new(), "rules");
    let heirs = "SELECT inhrelid::regclass::text FROM pg_inherits";
    assert_eq!(list(&pool, heirs).await, Vec::<String>::new(), "inheritance");
    let kinds = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
        AND (relpersistence <> 'p' OR relkind NOT IN ('r', 'i', 'S'))";
    assert_eq!(list(&pool, kinds).await, Vec::<String>::new(), "unlogged tables, views and the like");
    let functions = "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace";
    assert_eq!(list(&pool, functions).await, Vec::<String>::new(), "functions");
    let extensions = "SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql'";
    assert_eq!(list(&pool, extensions).await, Vec::<String>::new(), "extensions");
    let numbers = "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 \
        AND (a.attidentity <> '' AND a.atttypid <> 'bigint'::regtype OR a.attidentity = 'd' \
          OR EXISTS (SELECT FROM pg_attrdef d WHERE d.adrelid = c.oid AND d.adnum = a.attnum \
                     AND c.relname <> '_sqlx_migrations'))";
    assert_eq!(list(&pool, numbers).await, Vec::<String>::new(), "small identities, and columns with defaults");
}

async fn texts_in_keys_are_compared_by_their_bytes() {
    let pool = superuser().await;
    let sql = "SELECT c.relname || '.' || a.attname FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid \
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (x.indkey) \
        JOIN pg_collation l ON l.oid = a.attcollation \
        WHERE c.relnamespace = 'public'::regnamespace AND l.collname <> 'C'";
    assert_eq!(list(&pool, sql).await, Vec::<String>::new(), "columns of keys that are not COLLATE \"C\"");
}
