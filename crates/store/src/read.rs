//! Reads: what is stored of an experiment's measurement, all of one snapshot, moved by what waits in the queue.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use journey::{Day, Definition, Instant, Lens, Zone};
use metrics::journal::Journal;
use metrics::report::Arrivals;
use metrics::tally::{CUSTOMERS, LENSES, NO_ARM, Row as TallyRow, RowKey, SPANS};
use sqlx::Row;
use sqlx::postgres::PgRow;
use tokio::time::Instant as Timer;

use crate::measure::journal::{self, Since};
use crate::measure::{Ahead, Fresh, look_ahead};
use crate::rows::{Found, RowsKey};
use crate::transaction::{Purpose, Tx, begin, retry};
use crate::{StoreError, TenantStore};

/// The most values of a dimension that are reported. Beyond it the dimension is refused.
pub const MAX_DIMENSION_VALUES: i64 = 1_000;

/// What is asked of an experiment's measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question<'a> {
    /// The experiment's key.
    pub experiment: &'a str,
    /// Also the rows of this dimension, a path of the experiment's.
    pub by: Option<&'a str>,
    /// Also the rows of this detail.
    pub detail: Option<Detail<'a>>,
    /// Also what moved everyone's rows since then.
    pub since: Option<Instant>,
    /// Rows up to this day.
    pub through: Day,
    /// How long it may take until everything committed before is in the rows; `None`: as they stand.
    pub budget: Option<Duration>,
}

/// What metrics keep beside their sums, in rows of its own that only some answers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail<'a> {
    /// How long persons take, or stay.
    Spans,
    /// How often persons buy.
    Customers,
    /// What a lens shows.
    Lens(&'a Lens),
}

impl Detail<'_> {
    /// The dimension of its rows; `None`: the experiment does not look through the lens.
    fn dimension(self, definition: &Definition) -> Option<i16> {
        match self {
            Self::Spans => Some(SPANS),
            Self::Customers => Some(CUSTOMERS),
            Self::Lens(lens) => {
                let index = definition.experiment.lenses.iter().position(|kept| kept == lens)?;
                Some(LENSES - i16::try_from(index).ok()?)
            }
        }
    }
}

/// What is known of an experiment's measurement, as of one snapshot.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The version that the rows were measured under.
    pub definition: Arc<Definition>,
    /// The number of the version.
    pub version: i64,
    /// How often its text was changed without changing what is measured.
    pub revision: i64,
    /// How far the next version is measured, or this one while it is the first.
    pub measuring: Option<Measuring>,
    /// Whether answers come from a version that is complete.
    pub complete: bool,
    /// The rows of everyone, sorted.
    pub everyone: Arc<Vec<(RowKey, TallyRow)>>,
    /// The same for the same rows of everyone.
    pub digest: [u8; 32],
    /// The rows of the dimension asked for, if the version has it.
    pub dimension: Option<ByValue>,
    /// The rows of the dimension within whose values arms are compared, if the version has one.
    pub strata: Option<ByValue>,
    /// How the tenant's events arrived: conflicting ids of all days, late and shifted ones of the days on which the experiment was
    /// both defined and running.
    pub arrivals: Arrivals,
    /// The rows of the detail asked for; `None` also where the experiment does not look through that lens.
    pub detail: Option<DetailRows>,
    /// What moved everyone's rows since the moment asked for; `None`: nothing is known of that.
    pub journal: Option<Since>,
    /// How current the rows are.
    pub fresh: Fresh,
}

/// The rows of a detail.
#[derive(Debug, Clone)]
pub struct DetailRows {
    /// The rows, sorted.
    pub rows: Arc<Vec<(RowKey, TallyRow)>>,
    /// The same for the same rows.
    pub digest: [u8; 32],
}

/// The rows of a dimension.
#[derive(Debug, Clone)]
pub struct ByValue {
    /// Which of the experiment's dimensions it is.
    pub index: usize,
    /// The rows, sorted; none where there are too many values.
    pub rows: Arc<Vec<(RowKey, TallyRow)>>,
    /// The same for the same rows.
    pub digest: [u8; 32],
    /// Whether there are more than [`MAX_DIMENSION_VALUES`] distinct values.
    pub too_many_values: bool,
}

/// How far a version is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measuring {
    /// Subjects measured.
    pub done: i64,
    /// Subjects that were exposed when it began.
    pub of: i64,
}

/// How a snapshot treats what waits in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// It is measured for the answer, where it is not too much.
    Included,
    /// It is counted.
    Counted,
}

/// What a snapshot showed.
enum Snapshot {
    /// There is no such experiment.
    Nothing,
    /// The answer.
    Whole(Box<Measured>),
    /// More waits than an answer measures by itself, or no version is complete.
    Behind,
}

impl TenantStore {
    /// What is stored of an experiment's measurement; `None` where there is no such experiment.
    ///
    /// With a budget, everything that was committed when the call began is in the rows: what little waits is measured in
    /// the snapshot of the answer, and where much waits it is drained first. Where the time does not suffice, the answer
    /// says how many subjects are pending.
    pub async fn measured(&self, question: Question<'_>) -> Result<Option<Measured>, StoreError> {
        let Some(budget) = question.budget else { return self.as_it_stands(question).await };
        // An eventual answer does not wait: it is older by a longer rest and a larger slice, which is what cheap measuring costs it. A
        // strong one pays for what waits with its own time.
        self.inner.measurer.note_strong_read(self.tenant.id);
        let deadline = Timer::now() + budget;
        loop {
            match retry("measured", || self.snapshot(question, Waiting::Included)).await? {
                Snapshot::Nothing => return Ok(None),
                Snapshot::Whole(measured) => return Ok(Some(*measured)),
                Snapshot::Behind => {}
            }
            let left = deadline.saturating_duration_since(Timer::now());
            if left.is_zero() || !self.inner.measurer.catch_up(&self.tenant, left).await? {
                return self.as_it_stands(question).await;
            }
        }
    }

    async fn as_it_stands(&self, question: Question<'_>) -> Result<Option<Measured>, StoreError> {
        match retry("as_it_stands", || self.snapshot(question, Waiting::Counted)).await? {
            Snapshot::Whole(measured) => Ok(Some(*measured)),
            Snapshot::Nothing | Snapshot::Behind => Ok(None),
        }
    }

    async fn snapshot(&self, question: Question<'_>, policy: Waiting) -> Result<Snapshot, StoreError> {
        let tenant = self.tenant().id;
        let mut tx = begin(self.reads(), tenant, Purpose::Read).await?;
        let head = sqlx::query(include_str!("../sql/read_head.sql"))
            .bind(tenant.0)
            .bind(question.experiment)
            .bind(self.tenant().zone.end_of(question.through).to_utc())
            .fetch_all(&mut *tx)
            .await?;
        let in_state = |state| move |row: &&PgRow| row.try_get::<&str, _>("state").is_ok_and(|found| found == state);
        let active = head.iter().find(in_state("active"));
        let Some(row) = active.or(head.first()) else {
            return Ok(Snapshot::Nothing);
        };
        let building = head.iter().find(in_state("building"));
        let waits: bool = row.try_get("waiting")?;
        if policy == Waiting::Included && active.is_none() {
            return Ok(Snapshot::Behind);
        }
        let (version, revision) = (row.try_get("definition_id")?, row.try_get("revision")?);
        let definitions = self.inner.measurer.texts().get(&mut tx, tenant, &[(version, revision)]).await?;
        let Some(definition) = definitions.into_iter().next() else { return Ok(Snapshot::Nothing) };
        let (mut ahead, mut pending) = (Ahead::default(), 0);
        match policy {
            Waiting::Included if waits => {
                let limit = (self.inner.options.ahead, self.inner.options.persons_at_once, self.inner.now());
                match look_ahead(&mut tx, self.tenant(), (version, &definition), &self.inner.measurer, limit).await? {
                    Some(found) => ahead = found,
                    None => return Ok(Snapshot::Behind),
                }
            }
            Waiting::Counted if waits => pending = count_pending(&mut tx, tenant).await?,
            Waiting::Included | Waiting::Counted => {}
        }
        let generation = row.try_get("generation")?;
        let index = question.by.and_then(|by| definition.experiment.dimensions.iter().position(|d| d.as_str() == by));
        let key = RowsKey { tenant, version, generation, dimension: 0, through: question.through };
        let number = index.and_then(|index| i16::try_from(index + 1).ok());
        let mut everyone = self.inner.rows.get(&mut tx, key).await?;
        everyone.add(&ahead.tally, 0, question.through);
        let (mut by_value, mut detail) = (None, None);
        if let Some(dimension) = number {
            let mut rows = self.inner.rows.get(&mut tx, RowsKey { dimension, ..key }).await?;
            rows.add(&ahead.tally, dimension, question.through);
            by_value = Some(rows);
        }
        let strata = definition.experiment.strata();
        let mut of_strata = None;
        if let Some(dimension) = strata.and_then(|index| i16::try_from(index + 1).ok()) {
            let mut rows = self.inner.rows.get(&mut tx, RowsKey { dimension, ..key }).await?;
            rows.add(&ahead.tally, dimension, question.through);
            of_strata = Some(rows);
        }
        if let Some(dimension) = question.detail.and_then(|detail| detail.dimension(&definition)) {
            let mut rows = self.inner.rows.get(&mut tx, RowsKey { dimension, ..key }).await?;
            rows.add(&ahead.tally, dimension, question.through);
            detail = Some(DetailRows { rows: rows.rows, digest: rows.digest });
        }
        let mut set_aside: Vec<(String, String)> = if row.try_get("set_aside")? {
            sqlx::query_as(include_str!("../sql/measure_set_aside.sql")).bind(tenant.0).fetch_all(&mut *tx).await?
        } else {
            Vec::new()
        };
        set_aside.extend(ahead.set_aside);
        let mut arrivals = Arrivals { conflicting_ids: row.try_get("conflicting_ids")?, late: 0, ahead: 0 };
        if row.try_get("shifted")?
            && let Some(from) = shown_from(row.try_get("created_at")?, &everyone.rows, self.tenant().zone)
        {
            let (from, through) = (from.to_date(), question.through.to_date());
            (arrivals.late, arrivals.ahead) = sqlx::query_as(include_str!("../sql/read_arrivals.sql"))
                .bind(tenant.0)
                .bind(from)
                .bind(through)
                .fetch_one(&mut *tx)
                .await?;
        }
        let journal = moved_since(&mut tx, tenant, version, question.since, &ahead.moves).await?;
        let measured = Measured {
            definition,
            version,
            revision,
            measuring: building
                .map(|row| Ok::<_, sqlx::Error>(Measuring { done: row.try_get("done")?, of: row.try_get("total")? }))
                .transpose()?,
            complete: active.is_some(),
            everyone: everyone.rows,
            digest: everyone.digest,
            dimension: index.zip(by_value).map(by_value_of),
            strata: strata.zip(of_strata).map(by_value_of),
            arrivals,
            detail,
            journal,
            fresh: Fresh { pending_subjects: pending, set_aside },
        };
        // There is nothing to commit, and so nothing to wait for.
        drop(tx);
        Ok(Snapshot::Whole(Box::new(measured)))
    }

    /// Measures everything that was committed when the call began, as far as `budget` suffices.
    pub(crate) async fn bring_up_to_date(&self, budget: Duration) -> Result<Fresh, StoreError> {
        self.inner.measurer.bring_up_to_date(&self.tenant, budget).await
    }
}

/// What moved everyone's rows since a moment, what waits in the queue included.
async fn moved_since(
    tx: &mut Tx,
    tenant: journey::TenantId,
    version: i64,
    wanted: Option<Instant>,
    ahead: &Journal,
) -> Result<Option<Since>, StoreError> {
    let Some(wanted) = wanted else { return Ok(None) };
    let mut found = journal::since(tx, tenant, version, wanted).await?;
    if let Some(since) = &mut found {
        since.moves.add(ahead);
    }
    Ok(found)
}

fn by_value_of((index, rows): (usize, Found)) -> ByValue {
    ByValue { index, rows: rows.rows, digest: rows.digest, too_many_values: rows.too_many_values }
}

/// The first day of which results were shown: the experiment was defined, and its first person exposed. What arrives of days before
/// is an import of the past. `None`: nobody was exposed.
fn shown_from(created_at: DateTime<Utc>, rows: &[(RowKey, TallyRow)], zone: Zone) -> Option<Day> {
    let began = rows.iter().filter(|(key, _)| key.arm != NO_ARM).map(|(key, _)| key.day).min()?;
    Some(began.max(zone.day_of(created_at.into())))
}

/// How many subjects wait to be measured.
pub(crate) async fn count_pending(tx: &mut Tx, tenant: journey::TenantId) -> Result<u64, sqlx::Error> {
    let pending: i64 =
        sqlx::query_scalar(include_str!("../sql/measure_pending.sql")).bind(tenant.0).fetch_one(&mut **tx).await?;
    Ok(pending.unsigned_abs())
}
