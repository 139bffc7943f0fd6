//! Work across tenants: who waits for the measurement, and retention. The only place whose statements may name no
//! tenant, and those only look.

use std::collections::BTreeSet;

use journey::{COVARIATE_DAYS, Experiment, Instant, Tenant, TenantId};
use sqlx::PgPool;
use sqlx::types::{Json, Uuid};

use crate::document::ExperimentBody;
use crate::error::StoreError;
use crate::tenants::OperatorStore;
use crate::transaction::{Purpose, Tx, begin, retry};
use crate::{definitions, tenants};

/// Events that one transaction of the retention deletes.
const BATCH: usize = 5_000;
/// Old events that are looked for at once: as ids they take 16 bytes each.
const AT_ONCE: i64 = 200_000;

/// What the retention did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retained {
    /// Events that were deleted.
    pub deleted: u64,
    /// Tenants that keep everything, because an experiment of theirs has no beginning.
    pub tenants_without_horizon: u64,
    /// Tenants for which it failed; it was told of each.
    pub tenants_failed: u64,
}

/// The tenants with touched subjects, or versions to build or to sweep.
pub(crate) async fn tenants_with_work(maintenance: &PgPool) -> Result<Vec<Tenant>, StoreError> {
    retry("tenants_with_work", || async move {
        let rows = sqlx::query(include_str!("../sql/tenants_with_work.sql")).fetch_all(maintenance).await?;
        rows.iter().map(tenants::read).collect()
    })
    .await
}

impl OperatorStore {
    /// Deletes the events of all tenants that happened more than `retention_days` ago, but none that an unarchived
    /// experiment may need: those from its covariate's span on. An experiment without a beginning needs them all.
    pub async fn retain(&self, retention_days: i64) -> Result<Retained, StoreError> {
        let mut retained = Retained::default();
        let mut after = None;
        loop {
            let page = self.list(500, after).await?;
            for tenant in &page.items {
                // What is wrong with one tenant must not keep the events of all others.
                match self.retain_tenant(tenant.id, retention_days).await {
                    Ok(Some(deleted)) => retained.deleted += deleted,
                    Ok(None) => retained.tenants_without_horizon += 1,
                    Err(error) => {
                        tracing::warn!(tenant = %tenant.id.0, ?error, "the old events of a tenant can't be deleted");
                        retained.tenants_failed += 1;
                    }
                }
            }
            match page.items.last() {
                Some(last) if page.next.is_some() => after = Some(last.id),
                _ => return Ok(retained),
            }
        }
    }

    /// The events deleted of one tenant; `None`: it has no horizon.
    async fn retain_tenant(&self, tenant: TenantId, retention_days: i64) -> Result<Option<u64>, StoreError> {
        let oldest = self.inner.now().plus_days(-retention_days);
        let mut deleted = 0;
        loop {
            let old = retry("find_old_events", || async move {
                let mut tx = begin(&self.inner.maintenance, tenant, Purpose::Survey).await?;
                let Some(horizon) = horizon(&mut tx, tenant, oldest).await? else { return Ok(None) };
                let old = find_old(&mut tx, tenant, horizon).await?;
                tx.commit().await?;
                Ok::<_, StoreError>(Some(old))
            })
            .await?;
            let Some(old) = old else { return Ok(None) };
            let mut gone = 0;
            for batch in old.chunks(BATCH) {
                gone += retry("delete_old_events", || async move {
                    let mut tx = begin(&self.inner.maintenance, tenant, Purpose::Purge).await?;
                    // Under the lock no experiment can be defined meanwhile that needs what is deleted, and nothing is
                    // measured. Reads load journeys in their own snapshots, in which the events are still there.
                    definitions::lock_measure(&mut tx, tenant).await?;
                    let Some(horizon) = horizon(&mut tx, tenant, oldest).await? else { return Ok(0) };
                    let gone = delete(&mut tx, tenant, batch, horizon).await?;
                    tx.commit().await?;
                    Ok::<_, StoreError>(gone)
                })
                .await?;
            }
            deleted += gone;
            // Where nothing went, an experiment that needs them was defined meanwhile, or another instance deletes: the next
            // hour will tell.
            if gone == 0 || i64::try_from(old.len()).is_ok_and(|found| found < AT_ONCE) {
                return Ok(Some(deleted));
            }
        }
    }
}

/// Events before it may go: `oldest`, or earlier where an unarchived experiment needs them; `None`: none may.
async fn horizon(tx: &mut Tx, tenant: TenantId, oldest: Instant) -> Result<Option<Instant>, StoreError> {
    let bodies: Vec<Json<ExperimentBody>> = sqlx::query_scalar(include_str!("../sql/unarchived_experiments.sql"))
        .bind(tenant.0)
        .fetch_all(&mut **tx)
        .await?;
    let mut starts = Vec::with_capacity(bodies.len());
    for Json(body) in bodies {
        let experiment: Experiment =
            body.try_into().map_err(|error: journey::Invalid| StoreError::corrupt("experiment", error.to_string()))?;
        starts.push(experiment.starts_at);
    }
    Ok(horizon_of(&starts, oldest))
}

fn horizon_of(starts: &[Option<Instant>], oldest: Instant) -> Option<Instant> {
    starts.iter().try_fold(oldest, |horizon, start| Some(horizon.min(start.as_ref()?.plus_days(-COVARIATE_DAYS))))
}

/// The ids of events before the horizon, at most [`AT_ONCE`].
async fn find_old(tx: &mut Tx, tenant: TenantId, horizon: Instant) -> Result<Vec<Uuid>, StoreError> {
    let old = sqlx::query_scalar(include_str!("../sql/find_old_events.sql"))
        .bind(tenant.0)
        .bind(horizon.to_utc())
        .bind(AT_ONCE)
        .fetch_all(&mut **tx)
        .await?;
    Ok(old)
}

async fn delete(tx: &mut Tx, tenant: TenantId, ids: &[Uuid], horizon: Instant) -> Result<u64, StoreError> {
    let gone: Vec<(Uuid, String)> = sqlx::query_as(include_str!("../sql/delete_events.sql"))
        .bind(tenant.0)
        .bind(ids)
        .bind(horizon.to_utc())
        .fetch_all(&mut **tx)
        .await?;
    let (gone, subjects): (Vec<Uuid>, BTreeSet<String>) = gone.into_iter().unzip();
    sqlx::query(include_str!("../sql/delete_conflicts.sql")).bind(tenant.0).bind(&gone).execute(&mut **tx).await?;
    // Tallies equal the fold of all events that there are: whoever lost some is measured again.
    let subjects: Vec<String> = subjects.into_iter().collect();
    sqlx::query(include_str!("../sql/insert_touched_whole.sql"))
        .bind(tenant.0)
        .bind(&subjects)
        .execute(&mut **tx)
        .await?;
    Ok(gone.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_horizon_never_reaches_what_an_experiment_needs() {
        let day = |n: i64| Instant::from_micros(0).plus_days(n);
        assert_eq!(horizon_of(&[], day(100)), Some(day(100)));
        assert_eq!(horizon_of(&[Some(day(200))], day(100)), Some(day(100)));
        assert_eq!(horizon_of(&[Some(day(200)), Some(day(50))], day(100)), Some(day(36)));
        assert_eq!(horizon_of(&[Some(day(200)), None], day(100)), None);
    }
}
