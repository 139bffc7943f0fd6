//! The claim: touched subjects leave the queue in the transaction that measures them.

use chrono::{DateTime, Utc};
use journey::{EventId, Instant, TenantId};
use sqlx::{PgConnection, Row};

/// A touched subject: one write batch brought it new events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Touched {
    /// The subject's key.
    pub subject: String,
    /// The position of the earliest new event.
    pub first: (Instant, EventId),
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
    rows.iter()
        .map(|row| {
            let first_at: DateTime<Utc> = row.try_get("first_at")?;
            let first_id: uuid::Uuid = row.try_get("first_id")?;
            Ok(Touched {
                subject: row.try_get("subject")?,
                first: (first_at.into(), EventId::from_bytes(*first_id.as_bytes())),
            })
        })
        .collect()
}
