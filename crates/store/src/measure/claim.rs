//! The claim: touched subjects leave the queue in the transaction that measures them.

use journey::TenantId;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// A touched subject: one write batch brought it new events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Touched {
    /// The subject's key.
    pub subject: String,
    /// The new events.
    pub events: Vec<Uuid>,
    /// Whether the whole journey is to be measured, whatever the events are.
    pub whole: bool,
    /// Whether an exposure is among the events.
    pub exposed: bool,
}

impl Touched {
    /// An exposed subject whose journey is to be measured whole.
    pub(super) fn whole(subject: String) -> Self {
        Self { subject, events: Vec::new(), whole: true, exposed: true }
    }

    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            subject: row.try_get("subject")?,
            events: row.try_get("event_ids")?,
            whole: row.try_get("whole")?,
            exposed: row.try_get("exposed")?,
        })
    }
}

/// A slice claims no more touched subjects once they have so many new events.
pub(super) const EVENTS_AT_ONCE: i64 = 50_000;

/// For each touched subject that may wait, so many events may.
const EVENTS_A_SUBJECT: i64 = 4;

/// Claims up to `limit` touched subjects whose number is at most `through`, oldest first, with a bounded number of events.
pub(super) async fn claim(
    connection: &mut PgConnection,
    tenant: TenantId,
    through: i64,
    limit: i64,
) -> Result<Vec<Touched>, sqlx::Error> {
    let rows = sqlx::query(include_str!("../../sql/measure_claim.sql"))
        .bind(tenant.0)
        .bind(through)
        .bind(limit)
        .bind(EVENTS_AT_ONCE)
        .fetch_all(connection)
        .await?;
    rows.iter().map(Touched::read).collect()
}

/// Looks at what waits, without claiming it; `None` where more than `limit` touched subjects do, or far more events.
pub(super) async fn waiting(
    connection: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Option<Vec<Touched>>, sqlx::Error> {
    let size = sqlx::query(include_str!("../../sql/measure_waiting_size.sql"))
        .bind(tenant.0)
        .bind(limit.saturating_add(1))
        .fetch_one(&mut *connection)
        .await?;
    let (subjects, events): (i64, i64) = (size.try_get("subjects")?, size.try_get("events")?);
    if subjects > limit || events > limit.saturating_mul(EVENTS_A_SUBJECT) {
        return Ok(None);
    }
    let rows = sqlx::query(include_str!("../../sql/measure_waiting.sql")).bind(tenant.0).fetch_all(connection).await?;
    rows.iter().map(Touched::read).collect::<Result<_, _>>().map(Some)
}
