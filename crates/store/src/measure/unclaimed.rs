//! Which events of persons still wait in the queue? A journey that is loaded leaves them out: the slice that claims them
//! adds them.
//!
//! No event that ever left the queue was received after a moment that the tenant's measure state keeps. Events received later are
//! waiting, and are not loaded. Of the others most have left the queue; those that have not, since batches neither arrive nor commit
//! in order, stand in the few rows that hold anything received until that moment. These are read after the events, while the slice
//! holds the tenant's lock and nobody takes anything from the queue: an event that was loaded came with its place there, and is seen.
//! Where the clocks of services differ, or one ran ahead once, more rows are of that time: then it is slower, and as exact.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use journey::TenantId;
use sqlx::PgConnection;
use uuid::Uuid;

/// So many are not "of that time": a clock was ahead when something was received, or is behind now.
const MANY: usize = 100_000;

/// The waiting events that were received until the latest one that left the queue.
pub(super) async fn unclaimed(
    connection: &mut PgConnection,
    tenant: TenantId,
    until: DateTime<Utc>,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let events: Vec<Uuid> = sqlx::query_scalar(include_str!("../../sql/measure_unclaimed.sql"))
        .bind(tenant.0)
        .bind(until)
        .fetch_all(connection)
        .await?;
    if events.len() > MANY {
        let waiting = events.len();
        tracing::warn!(tenant = %tenant.0, waiting, %until, "clocks differ, so that slices read much of what waits and are slow");
    }
    Ok(events.into_iter().collect())
}
