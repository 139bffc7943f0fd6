//! Can every role connect? Makes the roles and the database, and asks whether the server answers.

use std::time::Duration;

use anyhow::Context as _;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

use super::DATABASE;
use super::address::{Address, Role};
use super::layout::Layout;

/// How long one attempt to connect may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the service's login can connect to the database, which is made last: then all the rest is there, too.
pub(super) async fn answers(address: &Address) -> bool {
    match connect(address, Role::Service, DATABASE).await {
        // The answer is known; a failing goodbye does not change it.
        Ok(connection) => connection.close().await.is_ok_and(|()| true),
        Err(_) => false,
    }
}

/// Makes the roles, their passwords and the database what they should be, and loads our settings into a server that was
/// left running. Safe to repeat.
pub(super) async fn ensure(address: &Address, layout: &Layout) -> anyhow::Result<()> {
    let mut connection = connect(address, Role::Superuser, "postgres")
        .await
        .context("Postgres runs but its superuser cannot connect")?;
    let directory: String = sqlx::query_scalar("SELECT current_setting('data_directory')")
        .fetch_one(&mut connection)
        .await
        .context("Postgres does not tell its data directory")?;
    anyhow::ensure!(
        std::path::Path::new(&directory) == layout.cluster(),
        "the Postgres at {} serves {directory}, not {}; stop it",
        address.socket_directory().display(),
        layout.cluster().display()
    );
    roles_and_database(&mut connection, address).await.context("the roles of the embedded Postgres cannot be made")?;
    connection.close().await.context("Postgres hung up")
}

async fn roles_and_database(connection: &mut PgConnection, address: &Address) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_reload_conf()").execute(&mut *connection).await?;
    for role in [Role::Owner, Role::App, Role::Maintenance, Role::Service] {
        let name = role.name();
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
            .bind(name)
            .fetch_one(&mut *connection)
            .await?;
        let verb = if known { "ALTER" } else { "CREATE" };
        // The service's login inherits nothing: each connection says as which of its roles it acts.
        let inherit = if role == Role::Service { "NOINHERIT" } else { "INHERIT" };
        // Names are constants of this program and passwords hexadecimal digits; definitions take no parameters.
        let sql = format!(
            "{verb} ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS {inherit} PASSWORD '{}'",
            address.password(role)
        );
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    let (app, maintenance) = (Role::App.name(), Role::Maintenance.name());
    for sql in [
        // Migrations grant these to whoever runs them.
        format!("GRANT {app}, {maintenance} TO {} WITH ADMIN OPTION", Role::Owner.name()),
        format!("GRANT {app}, {maintenance} TO {}", Role::Service.name()),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(DATABASE)
        .fetch_one(&mut *connection)
        .await?;
    if !known {
        let sql = format!("CREATE DATABASE {DATABASE} OWNER {}", Role::Owner.name());
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// One connection of a role, without the statement log of sqlx: our statements hold passwords.
async fn connect(address: &Address, role: Role, database: &str) -> anyhow::Result<PgConnection> {
    let options: PgConnectOptions = address.url_to(role, database).parse()?;
    let options = options.disable_statement_logging();
    Ok(tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await??)
}
