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
    /// A subject whose journey is to be measured whole.
    pub(super) fn whole(subject: String) -> Self {
        Self { subject, events: Vec::new(), whole: true, exposed: false }
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

/// Claims up to `limit` touched subjects whose number is at most `through`, oldest first.
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
        .fetch_all(connection)
        .await?;
    rows.iter().map(Touched::read).collect()
}

/// Looks at what waits, without claiming it; `None` where more than `limit` touched subjects do.
pub(super) async fn waiting(
    connection: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Option<Vec<Touched>>, sqlx::Error> {
    let rows = sqlx::query(include_str!("../../sql/measure_waiting.sql"))
        .bind(tenant.0)
        .bind(limit.saturating_add(1))
        .fetch_all(connection)
        .await?;
    if i64::try_from(rows.len()).is_ok_and(|found| found > limit) {
        return Ok(None);
    }
    rows.iter().map(Touched::read).collect::<Result<_, _>>().map(Some)
}
