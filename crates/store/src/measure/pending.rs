//! What is still to be measured of a tenant, as the database has it?

use journey::TenantId;

use super::Measurer;
use crate::StoreError;
use crate::transaction::{Purpose, begin, retry};

/// How current the tallies are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fresh {
    /// Touched subjects that the time did not suffice for.
    pub pending_subjects: u64,
    /// Persons that can't be measured, with the reason; at most 100.
    pub set_aside: Vec<(String, String)>,
}

impl Measurer {
    /// The last row of the queue; `None`: it is empty.
    pub(super) async fn last_touched(&self, tenant: TenantId) -> Result<Option<i64>, StoreError> {
        retry("measure.last_touched", || async move {
            let mut tx = begin(&self.pool, tenant, Purpose::Read).await?;
            let last = sqlx::query_scalar(include_str!("../../sql/measure_last_touched.sql"))
                .bind(tenant.0)
                .fetch_one(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(last)
        })
        .await
    }

    /// How current the tallies are; `behind`: something is left to be measured, which is counted.
    pub(super) async fn fresh(&self, tenant: TenantId, behind: bool) -> Result<Fresh, StoreError> {
        retry("measure.fresh", || async move {
            let mut tx = begin(&self.pool, tenant, Purpose::Read).await?;
            let mut pending: i64 = 0;
            if behind {
                pending = sqlx::query_scalar(include_str!("../../sql/measure_pending.sql"))
                    .bind(tenant.0)
                    .fetch_one(&mut *tx)
                    .await?;
            }
            let set_aside = sqlx::query_as(include_str!("../../sql/measure_set_aside.sql"))
                .bind(tenant.0)
                .fetch_all(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(Fresh { pending_subjects: pending.unsigned_abs(), set_aside })
        })
        .await
    }
}
