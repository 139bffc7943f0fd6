//! Sweeping: the rows of retired versions go, in bounded batches. Nothing reads them any more, so a batch that is lost
//! in a crash is merely swept again.

use journey::TenantId;
use sqlx::{PgPool, Row};

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
    let version: i64 = row.try_get("definition_id")?;
    let batches = [
        include_str!("../../sql/measure_sweep_contributions.sql"),
        include_str!("../../sql/measure_sweep_tallies.sql"),
    ];
    let mut deleted = 0;
    for batch in batches {
        deleted += sqlx::query(batch).bind(tenant.0).bind(version).bind(BATCH).execute(&mut *tx).await?.rows_affected();
    }
    if deleted == 0 {
        sqlx::query(include_str!("../../sql/measure_sweep_definition.sql"))
            .bind(tenant.0)
            .bind(version)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(true)
}
