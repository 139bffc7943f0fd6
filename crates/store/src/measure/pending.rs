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

/// How far the queue goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Through {
    /// Its last row.
    pub(super) row: i64,
    /// How many events this process had stored before it was looked.
    pub(super) stored: u64,
}

impl Measurer {
    /// How far the queue goes now; `None`: it is empty.
    pub(super) async fn last_touched(&self, tenant: TenantId) -> Result<Option<Through>, StoreError> {
        let gate = self.gate(tenant);
        let stored = gate.backlog.stored();
        let row: Option<i64> = retry("measure.last_touched", || async move {
            let mut tx = begin(&self.pool, tenant, Purpose::Read).await?;
            let last = sqlx::query_scalar(include_str!("../../sql/measure_last_touched.sql"))
                .bind(tenant.0)
                .fetch_one(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok::<_, StoreError>(last)
        })
        .await?;
        if row.is_none() {
            gate.backlog.measured(0, stored, true);
        }
        Ok(row.map(|row| Through { row, stored }))
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
