//! The persons of an experiment with what each of them contributes, read once and one by one.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use journey::{Definition, Instant, Tenant};
use metrics::contribution::Contribution;
use sqlx::Row;

use crate::read::count_pending;
use crate::tenants::OperatorStore;
use crate::transaction::{Purpose, begin, retry};
use crate::{Inner, StoreError, TenantStore};

/// The persons of an experiment, of one snapshot.
#[derive(Debug, Clone)]
pub struct Population<T> {
    /// The version that they were measured under.
    pub definition: Arc<Definition>,
    /// What was gathered of them.
    pub gathered: T,
    /// Touched subjects that are not measured yet.
    pub pending_subjects: u64,
}

/// What was found of an experiment's persons.
#[derive(Debug, Clone)]
pub enum Found<T> {
    /// There is no such experiment.
    Nothing,
    /// It is being measured for the first time.
    Measuring,
    /// The persons.
    Persons(Box<Population<T>>),
}

impl TenantStore {
    /// The persons of an experiment, as they are measured by now, in the order of their keys: `start` makes what they are gathered
    /// in, anew for each try, and `add` is given what each of them contributes. Only one is held at a time.
    pub async fn population<T>(
        &self,
        experiment: &str,
        start: impl Fn(&Definition) -> T,
        add: impl Fn(&mut T, Contribution),
    ) -> Result<Found<T>, StoreError> {
        retry("population", || read(&self.inner, &self.tenant, experiment, &start, &add)).await
    }
}

impl OperatorStore {
    /// The persons of an experiment of `tenant`, see [`TenantStore::population`].
    pub async fn population<T>(
        &self,
        tenant: &Tenant,
        experiment: &str,
        start: impl Fn(&Definition) -> T,
        add: impl Fn(&mut T, Contribution),
    ) -> Result<Found<T>, StoreError> {
        retry("population", || read(&self.inner, tenant, experiment, &start, &add)).await
    }
}

async fn read<T>(
    inner: &Inner,
    tenant: &Tenant,
    experiment: &str,
    start: impl Fn(&Definition) -> T,
    add: impl Fn(&mut T, Contribution),
) -> Result<Found<T>, StoreError> {
    let mut tx = begin(&inner.reads, tenant.id, Purpose::Read).await?;
    let now: Instant = inner.now();
    let head = sqlx::query(include_str!("../sql/read_head.sql"))
        .bind(tenant.id.0)
        .bind(experiment)
        .bind(now.to_utc())
        .fetch_all(&mut *tx)
        .await?;
    let is_active = |row: &&sqlx::postgres::PgRow| row.try_get::<&str, _>("state").is_ok_and(|state| state == "active");
    let Some(row) = head.iter().find(is_active) else {
        return Ok(if head.is_empty() { Found::Nothing } else { Found::Measuring });
    };
    let (version, revision): (i64, i64) = (row.try_get("definition_id")?, row.try_get("revision")?);
    let definitions = inner.measurer.texts().get(&mut tx, tenant.id, &[(version, revision)]).await?;
    let Some(definition) = definitions.into_iter().next() else { return Ok(Found::Nothing) };
    let pending_subjects = if row.try_get("waiting")? { count_pending(&mut tx, tenant.id).await? } else { 0 };
    let mut gathered = start(&definition);
    let mut rows =
        sqlx::query(include_str!("../sql/read_population.sql")).bind(tenant.id.0).bind(version).fetch(&mut *tx);
    while let Some(row) = rows.try_next().await? {
        let contribution = Contribution::from_bytes(row.try_get("body")?)
            .map_err(|corrupt| StoreError::corrupt("contribution", corrupt.to_string()))?;
        add(&mut gathered, contribution);
    }
    drop(rows);
    tx.commit().await?;
    Ok(Found::Persons(Box::new(Population { definition, gathered, pending_subjects })))
}
