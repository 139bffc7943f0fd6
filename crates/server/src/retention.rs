//! The retention: once an hour, what is older than it is deleted, and no experiment's events.

use std::time::Duration;

use store::OperatorStore;
use tokio::time::{MissedTickBehavior, interval_at};

use crate::causes::causes;

/// How often.
const EVERY: Duration = Duration::from_hours(1);
/// The first time: not while the service starts.
const FIRST: Duration = Duration::from_mins(1);

/// Runs until it is dropped. Several instances may: deleting twice deletes once.
pub(crate) async fn run(operator: OperatorStore, days: i64) {
    let mut due = interval_at(tokio::time::Instant::now() + FIRST, EVERY);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        match operator.retain(days).await {
            Ok(retained) => tracing::info!(
                deleted = retained.deleted,
                tenants_without_horizon = retained.tenants_without_horizon,
                tenants_failed = retained.tenants_failed,
                "retention"
            ),
            Err(error) => {
                tracing::warn!(error = causes(&error), "the retention could not run; it is tried again in an hour");
            }
        }
    }
}
