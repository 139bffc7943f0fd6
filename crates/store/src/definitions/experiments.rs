//! Experiments: defining, reading, archiving, deleting.

use journey::{Definition, Experiment, TenantId};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;

use super::lock::{lock_measure, next_generation};
use super::metrics::resolve;
use super::versions::{Plan, Versions, corrupt};
use super::{Change, DefinitionError, plan};
use crate::document::ExperimentBody;
use crate::error::StoreError;
use crate::page::{self, Page};
use crate::transaction::{Purpose, Tx, begin, retry};
use crate::{Measuring, TenantStore};

impl TenantStore {
    /// Defines an experiment, or changes it. Where the change makes a difference to what is measured and there is
    /// something to measure, a new version is built beside the old one.
    ///
    /// An archived experiment keeps its tallies as they are: what it measures can't change any more, and it can't
    /// come back, because its tallies know nothing of the time between.
    ///
    /// From the first exposure on that counts, the method, the planned persons and the covariates of the metrics that are
    /// there stay as they are, also where the experiment is moved to other dates afterwards.
    ///
    /// Other weights of a running experiment begin a new phase, see [`Experiment::following`].
    pub async fn put_experiment(&self, experiment: Experiment) -> Result<Change, DefinitionError> {
        let now = self.inner.now();
        let sent = &experiment;
        if sent.archived {
            // What was acknowledged before the tallies freeze belongs into them.
            let fresh = self.bring_up_to_date(self.inner.options.read_budget).await?;
            if fresh.pending_subjects > 0 {
                return Err(DefinitionError::Building);
            }
        }
        let change = retry("put_experiment", || async move {
            let mut tx = begin(&self.inner.ingest, self.id(), Purpose::Write).await?;
            lock_measure(&mut tx, self.id()).await?;
            let row = find_row(&mut tx, self.id(), sent.key.as_str()).await?;
            let current = row.as_ref().map(decode).transpose()?.map(|(experiment, _)| experiment);
            // What was asked for stays in sight.
            let lenses = current.as_ref().map_or_else(Vec::new, |current| current.lenses.clone());
            let sent = &sent.clone().looking_through(lenses);
            if current.as_ref() == Some(sent) {
                return Ok(Change::Unchanged);
            }
            let mut plan_fixed = false;
            if let (Some(current), Some(row)) = (&current, &row) {
                // Looked for at every change, so that dates that move past all exposures do not set the plan free.
                plan_fixed = row.try_get("plan_fixed")? || plan::is_fixed(&mut tx, self.id(), current).await?;
                let changes = plan::changes(current, sent);
                if plan_fixed && !changes.is_empty() {
                    return Err(DefinitionError::Planned(changes));
                }
            }
            let experiment =
                &sent.clone().following(current.as_ref(), now, plan_fixed).map_err(DefinitionError::Invalid)?;
            if current.as_ref() == Some(experiment) {
                return Ok(Change::Unchanged);
            }
            let mut versions = Versions::load(&mut tx, self.id(), &experiment.key).await?;
            let definition = if current.as_ref().is_some_and(|current| current.archived) {
                still_frozen(experiment, &versions)?
            } else {
                resolve(&mut tx, self.id(), experiment.clone()).await?
            };
            if experiment.archived && versions.needs_building(&mut tx, &definition).await? {
                return Err(DefinitionError::Building);
            }
            sqlx::query(include_str!("../../sql/upsert_experiment.sql"))
                .bind(self.id().0)
                .bind(experiment.key.as_str())
                .bind(Json(ExperimentBody::from(experiment)))
                .bind(experiment.archived)
                .bind(now.to_utc())
                .execute(&mut *tx)
                .await?;
            if plan_fixed {
                let fix = sqlx::query(include_str!("../../sql/fix_plan.sql"));
                fix.bind(self.id().0).bind(experiment.key.as_str()).execute(&mut *tx).await?;
            }
            versions.measure(&mut tx, &definition, now).await?;
            next_generation(&mut tx, self.id(), self.inner.now()).await?;
            tx.commit().await?;
            Ok(if current.is_some() { Change::Updated } else { Change::Created })
        })
        .await;
        self.inner.measurer.notify(self.tenant());
        change
    }

    /// The experiment with this key, and how far the measuring of its new version has come, if there is one.
    pub async fn experiment(&self, key: &str) -> Result<Option<(Experiment, Option<Measuring>)>, StoreError> {
        retry("experiment", || async move {
            let mut tx = begin(&self.inner.reads, self.id(), Purpose::Read).await?;
            let found = find(&mut tx, self.id(), key).await?;
            tx.commit().await?;
            Ok(found)
        })
        .await
    }

    /// The experiments, by key.
    pub async fn experiments(
        &self,
        limit: usize,
        after: Option<&str>,
    ) -> Result<Page<(Experiment, Option<Measuring>)>, StoreError> {
        let (limit, rows) = page::bounds(limit);
        let experiments = retry("experiments", || async move {
            let mut tx = begin(&self.inner.reads, self.id(), Purpose::Read).await?;
            let found = sqlx::query(include_str!("../../sql/list_experiments.sql"))
                .bind(self.id().0)
                .bind(after)
                .bind(rows)
                .fetch_all(&mut *tx)
                .await?;
            tx.commit().await?;
            found.iter().map(decode).collect::<Result<Vec<_>, StoreError>>()
        })
        .await?;
        Ok(Page::of(experiments, limit, |(experiment, _)| experiment.key.to_string()))
    }

    /// Deletes an experiment with all that was measured of it; whether there was one. Its events stay.
    pub async fn delete_experiment(&self, key: &str) -> Result<bool, DefinitionError> {
        let deleted = retry("delete_experiment", || async move {
            let mut tx = begin(&self.inner.ingest, self.id(), Purpose::Write).await?;
            lock_measure(&mut tx, self.id()).await?;
            let done = sqlx::query(include_str!("../../sql/delete_experiment.sql"))
                .bind(self.id().0)
                .bind(key)
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            sqlx::query(include_str!("../../sql/retire_definitions.sql"))
                .bind(self.id().0)
                .bind(key)
                .execute(&mut *tx)
                .await?;
            next_generation(&mut tx, self.id(), self.inner.now()).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await;
        // What the retired versions leave behind is swept by the measurement.
        self.inner.measurer.notify(self.tenant());
        deleted
    }
}

/// The definition of an archived experiment under a changed text; refused where more than the text would change.
/// Its metrics are those that it measured, whatever became of them since.
fn still_frozen(experiment: &Experiment, versions: &Versions) -> Result<Definition, DefinitionError> {
    let frozen = |reason| DefinitionError::Frozen { reason };
    if !experiment.archived {
        return Err(frozen("it can't be taken back; delete it and define it again to measure the events that remain"));
    }
    let Some(active) = &versions.active else {
        return Err(frozen("it was never measured; delete it and define it again"));
    };
    let metrics = active.definition.metrics.clone();
    if !experiment.metrics.iter().map(|used| &used.metric).eq(metrics.iter().map(|metric| &metric.key)) {
        return Err(frozen("its metrics can't change any more"));
    }
    let definition = Definition { experiment: experiment.clone(), metrics };
    if versions.plan(&definition) == Plan::KeepActive {
        Ok(definition)
    } else {
        Err(frozen("its arms, times, window and dimensions can't change any more"))
    }
}

pub(super) async fn find(
    tx: &mut Tx,
    tenant: TenantId,
    key: &str,
) -> Result<Option<(Experiment, Option<Measuring>)>, StoreError> {
    find_row(tx, tenant, key).await?.as_ref().map(decode).transpose()
}

async fn find_row(tx: &mut Tx, tenant: TenantId, key: &str) -> Result<Option<PgRow>, StoreError> {
    let query = sqlx::query(include_str!("../../sql/find_experiment.sql")).bind(tenant.0).bind(key);
    Ok(query.fetch_optional(&mut **tx).await?)
}

fn decode(row: &PgRow) -> Result<(Experiment, Option<Measuring>), StoreError> {
    let Json(body): Json<ExperimentBody> = row.try_get("body")?;
    let experiment = body.try_into().map_err(|error| corrupt("experiment", &error))?;
    let done: Option<i64> = row.try_get("done")?;
    let measuring = done.zip(row.try_get("total")?).map(|(done, of)| Measuring { done, of });
    Ok((experiment, measuring))
}
