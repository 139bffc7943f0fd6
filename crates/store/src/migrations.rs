//! The migrations, built into the binary.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Row};

use crate::error::StoreError;

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// A migration that the database has not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingMigration {
    /// Its number.
    pub version: i64,
    /// What it is about.
    pub description: String,
}

/// A migration that was applied: its number and the digest of its text.
pub(crate) type Applied = (i64, Vec<u8>);

/// Applies the migrations that are missing. The login of `owner_url` has to be a member of `journeylift_owner`, or
/// able to create it; instances that start at the same time wait for each other.
pub async fn migrate(owner_url: &str) -> Result<(), StoreError> {
    let mut connection = connect(owner_url).await?;
    let done = MIGRATOR.run(&mut connection).await.map_err(|error| match error {
        MigrateError::Execute(error) => error.into(),
        other => StoreError::Migrations(other),
    });
    let closed = connection.close().await;
    done?;
    closed.map_err(StoreError::from)
}

/// The migrations that [`migrate`] would apply.
pub async fn pending_migrations(owner_url: &str) -> Result<Vec<PendingMigration>, StoreError> {
    let mut connection = connect(owner_url).await?;
    let applied = applied(&mut connection).await?;
    connection.close().await?;
    Ok(pending(&applied))
}

async fn connect(url: &str) -> Result<PgConnection, StoreError> {
    let options: PgConnectOptions =
        url.parse().map_err(|error| StoreError::Setup(format!("the owner's address can't be read: {error}")))?;
    // A migration that waits for a lock makes everyone behind it wait: better it fails and is tried again.
    Ok(options.application_name("journeylift migrate").options([("lock_timeout", "10s")]).connect().await?)
}

/// The migrations that were applied to the database; none where it has never been migrated.
pub(crate) async fn applied<'e, E>(executor: E) -> Result<Vec<Applied>, StoreError>
where
    E: sqlx::Executor<'e, Database = sqlx::Postgres>,
{
    const UNDEFINED_TABLE: &str = "42P01";
    match sqlx::query(include_str!("../sql/applied_migrations.sql")).fetch_all(executor).await {
        Ok(rows) => rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect(),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The embedded migrations that are not among `applied`.
pub(crate) fn pending(applied: &[Applied]) -> Vec<PendingMigration> {
    MIGRATOR
        .iter()
        .filter(|migration| applied.iter().all(|(version, _)| *version != migration.version))
        .map(|migration| PendingMigration {
            version: migration.version,
            description: migration.description.clone().into_owned(),
        })
        .collect()
}

/// Applied migrations whose text is not that of the embedded one of their number. Migrations that only the database
/// knows are a newer instance's, which this one can live with.
pub(crate) fn changed(applied: &[Applied]) -> Vec<i64> {
    MIGRATOR
        .iter()
        .filter(|migration| {
            applied
                .iter()
                .any(|(version, checksum)| *version == migration.version && checksum[..] != migration.checksum[..])
        })
        .map(|migration| migration.version)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_changed_is_told() {
        let all: Vec<Applied> = MIGRATOR.iter().map(|m| (m.version, m.checksum.to_vec())).collect();
        assert!(pending(&all).is_empty() && changed(&all).is_empty());
        assert_eq!(pending(&[]).len(), all.len());
        assert_eq!(pending(&all[1..])[0].version, all[0].0);
        let mut other = all.clone();
        other[1].1[0] ^= 1;
        other.push((9_999_999, vec![0]));
        assert_eq!(changed(&other), [all[1].0]);
    }
}
