//! Sweeping: the rows of retired versions go, in bounded batches. Nothing reads them any more, so a batch that is lost
//! in a crash is merely swept again.

use journey::TenantId;
use sqlx::{PgConnection, PgPool, Row};

use crate::StoreError;
use crate::transaction::{Purpose, begin};

const BATCH: i64 = 5_000;

/// Deletes a batch of rows of a retired version. Returns whether there may be more to do.
pub(super) async fn sweep(pool: &PgPool, tenant: TenantId) -> Result<bool, StoreError> {
    let mut tx = begin(pool, tenant, Purpose::Measure).await?;
    let retired =
        sqlx::query(include_str!("../../sql/measure_retired.sql")).bind(tenant.0).fetch_optional(&mut *tx).await?;
    let Some(row) = retired else {
        return Ok(false);
    };
    let (version, position) = (row.try_get("definition_id")?, row.try_get("position")?);
    if !contributions(&mut tx, tenant, version, position).await? && !tallies(&mut tx, tenant, version).await? {
        sqlx::query(include_str!("../../sql/tally_changes_of_definition.sql"))
            .bind(tenant.0)
            .bind(version)
            .execute(&mut *tx)
            .await?;
        sqlx::query(include_str!("../../sql/journal_of_definition.sql"))
            .bind(tenant.0)
            .bind(version)
            .execute(&mut *tx)
            .await?;
        sqlx::query(include_str!("../../sql/measure_sweep_definition.sql"))
            .bind(tenant.0)
            .bind(version)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Sweeps the contributions of the next persons. `false`: these were the last. Whoever comes later contributes nothing to
/// a retired version.
async fn contributions(
    connection: &mut PgConnection,
    tenant: TenantId,
    version: i64,
    after: Option<String>,
) -> Result<bool, sqlx::Error> {
    let batch = sqlx::query(include_str!("../../sql/measure_sweep_through.sql"))
        .bind(tenant.0)
        .bind(&after)
        .bind(BATCH)
        .fetch_one(&mut *connection)
        .await?;
    let Some(through) = batch.try_get::<Option<String>, _>("person")? else {
        return Ok(false);
    };
    sqlx::query(include_str!("../../sql/measure_sweep_contributions.sql"))
        .bind(tenant.0)
        .bind(version)
        .bind(&after)
        .bind(&through)
        .execute(&mut *connection)
        .await?;
    let more = batch.try_get::<i64, _>("contributions")? >= BATCH;
    if more {
        sqlx::query(include_str!("../../sql/measure_swept.sql"))
            .bind(tenant.0)
            .bind(version)
            .bind(&through)
            .execute(connection)
            .await?;
    }
    Ok(more)
}

/// Sweeps a batch of tallies. `false`: there were none.
async fn tallies(connection: &mut PgConnection, tenant: TenantId, version: i64) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query(include_str!("../../sql/measure_sweep_tallies.sql"))
        .bind(tenant.0)
        .bind(version)
        .bind(BATCH)
        .execute(connection)
        .await?;
    Ok(gone.rows_affected() > 0)
}
