//! Metrics: defining, reading, deleting.

use journey::{Definition, Experiment, Invalid, Key, Metric, TenantId};
use sqlx::types::Json;

use super::lock::{lock_measure, next_generation};
use super::versions::{Versions, corrupt};
use super::{Change, DefinitionError};
use crate::TenantStore;
use crate::document::{ExperimentBody, MetricBody};
use crate::error::StoreError;
use crate::page::{self, Page};
use crate::transaction::{Purpose, Tx, begin, retry};

impl TenantStore {
    /// Defines a metric, or changes it. Experiments that use it are measured again beside their old version where
    /// the change makes a difference to that; archived ones keep what they measured.
    pub async fn put_metric(&self, metric: Metric) -> Result<Change, DefinitionError> {
        let now = self.inner.now();
        let metric = &metric;
        let change = retry("put_metric", || async move {
            let mut tx = begin(&self.inner.ingest, self.id(), Purpose::Write).await?;
            lock_measure(&mut tx, self.id()).await?;
            let current = find(&mut tx, self.id(), metric.key.as_str()).await?;
            if current.as_ref() == Some(metric) {
                return Ok(Change::Unchanged);
            }
            sqlx::query(include_str!("../../sql/upsert_metric.sql"))
                .bind(self.id().0)
                .bind(metric.key.as_str())
                .bind(Json(MetricBody::from(metric)))
                .bind(now.to_utc())
                .execute(&mut *tx)
                .await?;
            for experiment in experiments_with(&mut tx, self.id(), metric.key.as_str()).await? {
                if experiment.archived {
                    continue;
                }
                let key = experiment.key.clone();
                let definition =
                    resolve(&mut tx, self.id(), experiment).await.map_err(|error| of_metric(error, metric, &key))?;
                let mut versions = Versions::load(&mut tx, self.id(), &definition.experiment.key).await?;
                versions.measure(&mut tx, &definition, now).await?;
            }
            next_generation(&mut tx, self.id(), self.inner.now()).await?;
            tx.commit().await?;
            Ok(if current.is_some() { Change::Updated } else { Change::Created })
        })
        .await;
        self.inner.measurer.notify(self.tenant());
        change
    }

    /// The metric with this key.
    pub async fn get_metric(&self, key: &str) -> Result<Option<Metric>, StoreError> {
        retry("metric", || async move {
            let mut tx = begin(&self.inner.reads, self.id(), Purpose::Read).await?;
            let metric = find(&mut tx, self.id(), key).await?;
            tx.commit().await?;
            Ok(metric)
        })
        .await
    }

    /// The metrics, by key.
    pub async fn metrics(&self, limit: usize, after: Option<&str>) -> Result<Page<Metric>, StoreError> {
        let (limit, rows) = page::bounds(limit);
        let metrics = retry("metrics", || async move {
            let mut tx = begin(&self.inner.reads, self.id(), Purpose::Read).await?;
            let bodies: Vec<Json<MetricBody>> = sqlx::query_scalar(include_str!("../../sql/list_metrics.sql"))
                .bind(self.id().0)
                .bind(after)
                .bind(rows)
                .fetch_all(&mut *tx)
                .await?;
            tx.commit().await?;
            bodies.into_iter().map(decode).collect::<Result<Vec<_>, StoreError>>()
        })
        .await?;
        Ok(Page::of(metrics, limit, |metric| metric.key.to_string()))
    }

    /// Deletes a metric that no experiment uses; whether there was one.
    pub async fn delete_metric(&self, key: &str) -> Result<bool, DefinitionError> {
        retry("delete_metric", || async move {
            let mut tx = begin(&self.inner.ingest, self.id(), Purpose::Write).await?;
            lock_measure(&mut tx, self.id()).await?;
            let users: Vec<Key> = experiments_with(&mut tx, self.id(), key).await?.into_iter().map(|e| e.key).collect();
            if !users.is_empty() {
                return Err(DefinitionError::InUse(users));
            }
            let done = sqlx::query(include_str!("../../sql/delete_metric.sql"))
                .bind(self.id().0)
                .bind(key)
                .execute(&mut *tx)
                .await?;
            if done.rows_affected() == 0 {
                return Ok(false);
            }
            next_generation(&mut tx, self.id(), self.inner.now()).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }
}

fn decode(Json(body): Json<MetricBody>) -> Result<Metric, StoreError> {
    body.try_into().map_err(|error| corrupt("metric", &error))
}

async fn find(tx: &mut Tx, tenant: TenantId, key: &str) -> Result<Option<Metric>, StoreError> {
    let body: Option<Json<MetricBody>> = sqlx::query_scalar(include_str!("../../sql/find_metric.sql"))
        .bind(tenant.0)
        .bind(key)
        .fetch_optional(&mut **tx)
        .await?;
    body.map(decode).transpose()
}

/// The experiments that use the metric `key`, archived ones too, by key.
async fn experiments_with(tx: &mut Tx, tenant: TenantId, key: &str) -> Result<Vec<Experiment>, StoreError> {
    let bodies: Vec<Json<ExperimentBody>> = sqlx::query_scalar(include_str!("../../sql/experiments_with_metric.sql"))
        .bind(tenant.0)
        .bind(key)
        .fetch_all(&mut **tx)
        .await?;
    bodies.into_iter().map(|Json(body)| body.try_into().map_err(|error| corrupt("experiment", &error))).collect()
}

/// The definition of an experiment with its metrics as they stand now.
///
/// # Errors
/// Where one is not defined, or does not go together with the experiment.
pub(super) async fn resolve(
    tx: &mut Tx,
    tenant: TenantId,
    experiment: Experiment,
) -> Result<Definition, DefinitionError> {
    let keys: Vec<&str> = experiment.metrics.iter().map(|used| used.metric.as_str()).collect();
    let bodies: Vec<Json<MetricBody>> = sqlx::query_scalar(include_str!("../../sql/resolve_metrics.sql"))
        .bind(tenant.0)
        .bind(&keys)
        .fetch_all(&mut **tx)
        .await?;
    let known = bodies.into_iter().map(decode).collect::<Result<Vec<_>, _>>()?;
    let find = |(index, used): (usize, &journey::MetricUse)| {
        let metric = known.iter().find(|metric| metric.key == used.metric).cloned();
        metric.ok_or_else(|| DefinitionError::UnknownMetric { index, key: used.metric.clone() })
    };
    let metrics = experiment.metrics.iter().enumerate().map(find).collect::<Result<_, _>>()?;
    let definition = Definition { experiment, metrics };
    definition.check_windows().map_err(DefinitionError::Invalid)?;
    Ok(definition)
}

/// What is wrong with a metric of an experiment, told to whoever changed the metric.
fn of_metric(error: DefinitionError, metric: &Metric, experiment: &Key) -> DefinitionError {
    match error {
        DefinitionError::Invalid(invalid) if metric.kind.inactive_days().is_some() => {
            let detail = format!("{} (the window is that of the experiment {experiment})", invalid.detail);
            DefinitionError::Invalid(Invalid { pointer: "/inactive_days".into(), detail, ..invalid })
        }
        other => other,
    }
}
