//! The wall: whatever the service forgets, Postgres shows it no row of another tenant, and takes none.
//!
//! Every table of tenants gets a row of each of two tenants, made up from the types of its columns, so that a new table
//! is behind the wall or fails here.

use server::postgres::Role;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Row};
use tests::Database;
use uuid::Uuid;

use super::{Placement, TABLES};

tests::cases![no_row_of_another_tenant_is_seen_or_changed];

fn tables() -> impl Iterator<Item = &'static str> {
    TABLES.iter().filter(|(_, placement)| *placement != Placement::Local).map(|(table, _)| *table)
}

/// A row for `tenant` in every table. What the checks and foreign keys demand is not the matter here.
async fn fill(superuser: &PgPool, tenants: [Uuid; 2]) {
    let mut connection = superuser.acquire().await.unwrap();
    let run = async |connection: &mut PgConnection, sql: String| {
        sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
    };
    run(&mut connection, "SET session_replication_role = replica".into()).await;
    for table in tables() {
        let checks =
            sqlx::query("SELECT conname::text FROM pg_constraint WHERE contype = 'c' AND conrelid = $1::regclass")
                .bind(table)
                .fetch_all(&mut *connection)
                .await
                .unwrap();
        for check in checks {
            run(&mut connection, format!("ALTER TABLE {table} DROP CONSTRAINT {}", check.get::<String, _>(0))).await;
        }
        let columns = sqlx::query(
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute \
             WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        )
        .bind(table)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
        for (number, tenant) in tenants.iter().enumerate() {
            let values = columns.iter().map(|column| match (column.get(0), column.get(1)) {
                ("tenant_id", _) => format!("'{tenant}'"),
                (_, "uuid") => format!("'{}'", Uuid::new_v4()),
                (_, "bytea") => format!("decode(repeat('0{number}', 32), 'hex')"),
                (_, "text") => "'u:x'".into(),
                (_, "timestamp with time zone") => "'2026-01-01Z'".into(),
                (_, "date") => "'2026-01-01'".into(),
                (_, "boolean") => "false".into(),
                (_, "jsonb") => "'{}'".into(),
                (_, "bigint" | "integer" | "smallint" | "numeric") => "1".into(),
                (_, kind) if kind.ends_with("[]") => "'{}'".into(),
                (name, kind) => panic!("{table}.{name} has the type {kind}, for which this test has no value yet"),
            });
            let values: Vec<String> = values.collect();
            run(&mut connection, format!("INSERT INTO {table} OVERRIDING SYSTEM VALUE VALUES ({})", values.join(", ")))
                .await;
        }
    }
    run(&mut connection, "RESET session_replication_role".into()).await;
}

/// A transaction of the service in the context of a tenant, or of none.
async fn enter(connection: &mut PgConnection, tenant: Option<Uuid>) {
    let context = tenant.map_or(String::new(), |tenant| format!("; SET LOCAL app.tenant_id = '{tenant}'"));
    sqlx::raw_sql(AssertSqlSafe(format!("ROLLBACK; BEGIN{context}"))).execute(connection).await.unwrap();
}

/// How many rows a statement touched; `None`: the role may not run it.
async fn touched(connection: &mut PgConnection, sql: String) -> Option<u64> {
    sqlx::raw_sql("SAVEPOINT before").execute(&mut *connection).await.unwrap();
    match sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut *connection).await {
        Ok(done) => Some(done.rows_affected()),
        Err(error) => {
            assert_eq!(code(&error).as_deref(), Some("42501"), "{sql}: {error}");
            sqlx::raw_sql("ROLLBACK TO before").execute(&mut *connection).await.unwrap();
            None
        }
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

async fn no_row_of_another_tenant_is_seen_or_changed() {
    let database = Database::new().await;
    let superuser = database.pool(Role::Superuser).await;
    let (ours, theirs) = (Uuid::new_v4(), Uuid::new_v4());
    fill(&superuser, [ours, theirs]).await;

    let url = format!("{}&options=-c%20role%3Djourneylift_app", database.url(Role::Service));
    let mut service = PgConnection::connect(&url).await.unwrap();
    for table in tables() {
        for (tenant, visible) in [(None, 0), (Some(Uuid::new_v4()), 0), (Some(ours), 1)] {
            enter(&mut service, tenant).await;
            let seen = touched(&mut service, format!("SELECT 1 FROM {table}")).await;
            assert_eq!(seen, Some(visible), "rows of {table} that {tenant:?} sees");
            let seen = touched(&mut service, format!("SELECT 1 FROM {table} WHERE tenant_id = '{theirs}'")).await;
            assert_eq!(seen, Some(0), "rows of another tenant in {table} that {tenant:?} sees when it asks for them");
            for change in [
                format!("UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = '{theirs}'"),
                format!("DELETE FROM {table} WHERE tenant_id = '{theirs}'"),
            ] {
                assert_eq!(touched(&mut service, change.clone()).await.unwrap_or(0), 0, "{change} as {tenant:?}");
            }
        }
        // A row of theirs, written under our name: Postgres refuses it for the policy, not for a key that exists.
        let row: serde_json::Value = sqlx::query_scalar(AssertSqlSafe(format!(
            "DELETE FROM {table} t WHERE tenant_id = '{theirs}' RETURNING to_jsonb(t)"
        )))
        .fetch_one(&superuser)
        .await
        .unwrap();
        for tenant in [None, Some(ours)] {
            enter(&mut service, tenant).await;
            let row = row.to_string().replace('\'', "''");
            let sql = format!(
                "INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::{table}, '{row}')"
            );
            assert_eq!(touched(&mut service, sql).await, None, "{tenant:?} writes a row of another tenant to {table}");
        }
    }
    service.close().await.unwrap();
}
