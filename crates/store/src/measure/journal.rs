//! The journal of tallies: written by every slice, merged by the hour, forgotten after [`KEPT_DAYS`].

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use journey::{Instant, TenantId};
use metrics::journal::Journal;
use sqlx::{PgConnection, PgPool, Row as _};

use crate::StoreError;
use crate::definitions::lock_measure;
use crate::transaction::{Purpose, begin};

/// So many days the journal goes back.
pub const KEPT_DAYS: i64 = 35;

/// Hours that are over for so long are merged: nobody writes to them any more.
const MERGED_AFTER: TimeDelta = TimeDelta::hours(2);

/// Hours of versions that are looked for at once.
const MERGED_AT_ONCE: i64 = 1_000;

/// Writes what a slice moved.
pub(crate) async fn put(
    connection: &mut PgConnection,
    tenant: TenantId,
    moves: Vec<(i64, Journal)>,
    at: Instant,
) -> Result<(), sqlx::Error> {
    let moves: Vec<(i64, Vec<u8>)> = moves
        .into_iter()
        .map(|(definition, journal)| (definition, journal.to_bytes()))
        .filter(|(_, moves)| !moves.is_empty())
        .collect();
    if moves.is_empty() {
        return Ok(());
    }
    let (definitions, moves): (Vec<i64>, Vec<Vec<u8>>) = moves.into_iter().unzip();
    insert(connection, tenant, &definitions, &moves, at.to_utc()).await
}

/// Notes that answers come from a version from now on: what its journal tells begins here.
pub(crate) async fn begin_at(
    connection: &mut PgConnection,
    tenant: TenantId,
    definition: i64,
    at: Instant,
) -> Result<(), sqlx::Error> {
    insert(connection, tenant, &[definition], &[Vec::new()], at.to_utc()).await
}

async fn insert(
    connection: &mut PgConnection,
    tenant: TenantId,
    definitions: &[i64],
    moves: &[Vec<u8>],
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(include_str!("../../sql/journal_put.sql"))
        .bind(tenant.0)
        .bind(definitions)
        .bind(moves)
        .bind(at)
        .execute(connection)
        .await
        .map(drop)
}

/// What moved since some moment.
#[derive(Debug, Clone)]
pub struct Since {
    /// The moment: later than the one that was asked for where the journal goes back no further, earlier where only whole hours are
    /// told apart.
    pub at: Instant,
    /// Whether the journal goes back no further than this, because the version did not answer before, or it is forgotten.
    pub is_beginning: bool,
    /// The moves.
    pub moves: Journal,
}

/// What moved a version since `wanted`, in the snapshot of `connection`; `None`: nothing is known of when it began.
pub(crate) async fn since(
    connection: &mut PgConnection,
    tenant: TenantId,
    definition: i64,
    wanted: Instant,
) -> Result<Option<Since>, StoreError> {
    let wanted = wanted.to_utc();
    let hour = wanted.duration_trunc(TimeDelta::hours(1)).unwrap_or(wanted);
    let rows = sqlx::query(include_str!("../../sql/journal_read.sql"))
        .bind(tenant.0)
        .bind(definition)
        .bind(hour)
        .fetch_all(&mut *connection)
        .await?;
    let mut began: Option<DateTime<Utc>> = None;
    let mut entries: Vec<(DateTime<Utc>, Journal)> = Vec::new();
    for row in &rows {
        let (at, moves): (DateTime<Utc>, &[u8]) = (row.try_get("at")?, row.try_get("moves")?);
        if moves.is_empty() {
            began = began.max(Some(at));
            continue;
        }
        let moves = Journal::from_bytes(moves).ok_or_else(|| StoreError::corrupt("journal", "moves can't be read"))?;
        entries.push((at, moves));
    }
    if began.is_none() {
        // It was measured before journals were kept: they tell of it from the first entry on.
        began = sqlx::query_scalar(include_str!("../../sql/journal_first.sql"))
            .bind(tenant.0)
            .bind(definition)
            .fetch_one(&mut *connection)
            .await?;
    }
    let Some(began) = began else { return Ok(None) };
    // A whole hour in one entry can only be taken back as a whole.
    let is_merged = entries.iter().any(|(at, _)| *at == hour);
    let from = if is_merged { hour } else { wanted };
    let is_beginning = began >= from;
    let at = from.max(began);
    let mut moves = Journal::default();
    for (_, part) in entries.iter().filter(|(entry, _)| *entry >= at) {
        moves.add(part);
    }
    Ok(Some(Since { at: at.into(), is_beginning, moves }))
}

/// Forgets what is older than [`KEPT_DAYS`] and merges the entries of hours that are over.
pub(super) async fn tidy(pool: &PgPool, tenant: TenantId, now: Instant) -> Result<(), StoreError> {
    let now = now.to_utc();
    let over = (now - MERGED_AFTER).duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let mut tx = begin(pool, tenant, Purpose::Measure).await?;
    sqlx::query(include_str!("../../sql/journal_old.sql"))
        .bind(tenant.0)
        .bind(now - TimeDelta::days(KEPT_DAYS))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    loop {
        // Looked for without the lock: nobody but this writes to hours that are over.
        let mut tx = begin(pool, tenant, Purpose::Read).await?;
        let hours: Vec<(i64, DateTime<Utc>)> = sqlx::query_as(include_str!("../../sql/journal_hours.sql"))
            .bind(tenant.0)
            .bind(over)
            .bind(MERGED_AT_ONCE)
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        for (definition, hour) in &hours {
            merge(pool, tenant, *definition, *hour).await?;
        }
        if i64::try_from(hours.len()).is_ok_and(|found| found < MERGED_AT_ONCE) {
            return Ok(());
        }
    }
}

/// Puts one entry in the place of those of an hour.
async fn merge(pool: &PgPool, tenant: TenantId, definition: i64, hour: DateTime<Utc>) -> Result<(), StoreError> {
    let mut tx = begin(pool, tenant, Purpose::Measure).await?;
    lock_measure(&mut tx, tenant).await?;
    let taken: Vec<Vec<u8>> = sqlx::query_scalar(include_str!("../../sql/journal_take.sql"))
        .bind(tenant.0)
        .bind(definition)
        .bind(hour)
        .bind(hour + TimeDelta::hours(1))
        .fetch_all(&mut *tx)
        .await?;
    let mut merged = Journal::default();
    for moves in &taken {
        let moves = Journal::from_bytes(moves);
        merged.add(&moves.ok_or_else(|| StoreError::corrupt("journal", "moves can't be read"))?);
    }
    put(&mut tx, tenant, vec![(definition, merged)], hour.into()).await?;
    tx.commit().await?;
    Ok(())
}
