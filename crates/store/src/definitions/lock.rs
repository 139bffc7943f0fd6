//! The tenant's measure lock.

use journey::{Instant, TenantId};

use crate::error::StoreError;
use crate::transaction::Tx;

/// Takes the tenant's measure lock until the transaction ends, and gives the generation.
pub(crate) async fn lock_measure(tx: &mut Tx, tenant: TenantId) -> Result<i64, StoreError> {
    sqlx::query_scalar(include_str!("../../sql/lock_measure.sql"))
        .bind(tenant.0)
        .fetch_optional(&mut **tx)
        .await?
        .ok_or_else(|| StoreError::corrupt("tenant", "it has no measure_state"))
}

/// Counts a change of definitions or tallies; only under the lock.
pub(crate) async fn next_generation(tx: &mut Tx, tenant: TenantId, now: Instant) -> Result<(), StoreError> {
    sqlx::query(include_str!("../../sql/next_generation.sql"))
        .bind(tenant.0)
        .bind(now.micros())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
