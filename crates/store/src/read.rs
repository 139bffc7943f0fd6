//! Reads: the tally rows of an experiment, all of one snapshot.

use std::sync::Arc;
use std::time::Duration;

use journey::{Day, Definition};
use metrics::tally::{Row as TallyRow, RowKey};
use sqlx::Row;

use crate::measure::{Fresh, tallies};
use crate::transaction::{Purpose, begin, retry};
use crate::{StoreError, TenantStore};

/// The most values of a dimension that are reported. Beyond it the dimension is refused.
pub const MAX_DIMENSION_VALUES: i64 = 1_000;

/// What is stored of an experiment's measurement, as of one snapshot.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The version that the rows were measured under.
    pub definition: Arc<Definition>,
    /// The number of the version.
    pub version: i64,
    /// How often its text was changed without changing what is measured.
    pub revision: i64,
    /// Grows with every commit that changes tallies or definitions of the tenant.
    pub generation: i64,
    /// How far the next version is measured, or this one while it is the first.
    pub measuring: Option<Measuring>,
    /// Whether answers come from a version that is complete.
    pub complete: bool,
    /// The rows of the dimension asked for.
    pub rows: Vec<(RowKey, TallyRow)>,
    /// The distinct values of that dimension, where they are more than [`MAX_DIMENSION_VALUES`]; then there are no rows.
    pub too_many_values: Option<i64>,
    /// Event ids under which different bodies were sent; the first committed one counts.
    pub conflicting_ids: i64,
}

/// How far a version is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measuring {
    /// Subjects measured.
    pub done: i64,
    /// Subjects that were exposed when it began.
    pub of: i64,
}

impl TenantStore {
    /// Measures everything that was committed when the call began, as far as `budget` suffices: a strong read.
    pub async fn bring_up_to_date(&self, budget: Duration) -> Result<Fresh, StoreError> {
        self.measurer().bring_up_to_date(self.tenant(), budget).await
    }

    /// How current the tallies are, without measuring anything: an eventual read.
    pub async fn freshness(&self) -> Result<Fresh, StoreError> {
        self.measurer().as_it_stands(self.tenant().id).await
    }

    /// Goes on building versions, as far as `budget` suffices: for an experiment that has no answer yet.
    pub async fn build_up(&self, budget: Duration) -> Result<(), StoreError> {
        self.measurer().build_up(self.tenant(), budget).await
    }

    /// The tally rows of an experiment up to the day `through`, of one dimension (`None`: everyone, else the index of
    /// one of the experiment's dimensions). `None` where there is no such experiment.
    pub async fn tallies(
        &self,
        experiment: &str,
        dimension: Option<usize>,
        through: Day,
    ) -> Result<Option<Measured>, StoreError> {
        retry("tallies", || self.try_tallies(experiment, dimension, through)).await
    }

    async fn try_tallies(
        &self,
        experiment: &str,
        dimension: Option<usize>,
        through: Day,
    ) -> Result<Option<Measured>, StoreError> {
        let tenant = self.tenant().id;
        let mut tx = begin(self.reads(), tenant, Purpose::Read).await?;
        let head = sqlx::query(include_str!("../sql/read_head.sql"))
            .bind(tenant.0)
            .bind(experiment)
            .bind(self.tenant().zone.end_of(through).to_utc())
            .fetch_all(&mut *tx)
            .await?;
        let active = head.iter().find(|row| row.try_get::<&str, _>("state").is_ok_and(|state| state == "active"));
        let Some(row) = active.or(head.first()) else {
            return Ok(None);
        };
        let definition = crate::document::decode_definition(row.try_get("body")?)?;
        let building = head.iter().find(|row| row.try_get::<&str, _>("state").is_ok_and(|state| state == "building"));
        let measuring = building
            .map(|row| Ok::<_, sqlx::Error>(Measuring { done: row.try_get("done")?, of: row.try_get("total")? }))
            .transpose()?;
        let version: i64 = row.try_get("definition_id")?;
        let number = dimension.and_then(|at| i16::try_from(at + 1).ok()).unwrap_or(0);
        let too_many_values = match dimension {
            Some(_) => {
                let row = sqlx::query(include_str!("../sql/read_values.sql"))
                    .bind(tenant.0)
                    .bind(version)
                    .bind(number)
                    .bind(through.to_date())
                    .bind(MAX_DIMENSION_VALUES + 1)
                    .fetch_one(&mut *tx)
                    .await?;
                Some(row.try_get::<i64, _>("values")?).filter(|values| *values > MAX_DIMENSION_VALUES)
            }
            None => None,
        };
        let rows = if too_many_values.is_some() {
            Vec::new()
        } else {
            sqlx::query(include_str!("../sql/read_tallies.sql"))
                .bind(tenant.0)
                .bind(version)
                .bind(number)
                .bind(through.to_date())
                .fetch_all(&mut *tx)
                .await?
        };
        let measured = Measured {
            version,
            revision: row.try_get("revision")?,
            generation: row.try_get("generation")?,
            measuring,
            complete: active.is_some(),
            rows: rows
                .iter()
                .map(|row| Ok((tallies::key(row)?, tallies::sums_of(row)?)))
                .collect::<Result<_, StoreError>>()?,
            too_many_values,
            conflicting_ids: row.try_get("conflicting_ids")?,
            definition: Arc::new(definition),
        };
        tx.commit().await?;
        Ok(Some(measured))
    }
}
