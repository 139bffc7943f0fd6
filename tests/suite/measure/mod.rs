//! The rules of measurement, through the API alone.

mod catalogue;
mod changes;
mod crossovers;
mod identities;
mod kinds;
mod phases;
mod prefix;
mod quantiles;
mod ratings;
mod values;
mod windows;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tests::{Tenant, World};

pub fn cases() -> Vec<tests::Case> {
    [
        windows::cases(),
        crossovers::cases(),
        identities::cases(),
        values::cases(),
        kinds::cases(),
        phases::cases(),
        quantiles::cases(),
        ratings::cases(),
        catalogue::cases(),
        prefix::cases(),
        changes::cases(),
    ]
    .concat()
}

/// The midnight, UTC, from which the histories of these tests count their days: windows of 14 days closed long ago.
fn start() -> DateTime<Utc> {
    tests::moment::days_ago(60)
}

/// The instant `days` after the start, and some hours.
fn at(days: i64, hours: i64) -> DateTime<Utc> {
    start() + chrono::TimeDelta::days(days) + chrono::TimeDelta::hours(hours)
}

/// The date `days` after the start.
fn date(days: i64) -> String {
    at(days, 0).date_naive().to_string()
}

/// A tenant with the experiment `e` of these metrics.
async fn tenant(world: &World, metrics: &[(&str, Value)], more: &Value) -> Tenant {
    let tenant = world.tenant().await;
    define(&tenant, metrics, more).await;
    tenant
}

/// Defines the metrics and the experiment `e`.
async fn define(tenant: &Tenant, metrics: &[(&str, Value)], more: &Value) {
    for (key, body) in metrics {
        tenant.metric(key, body).await;
    }
    let keys: Vec<_> = metrics.iter().map(|(key, _)| *key).collect();
    tenant.experiment("e", &tests::events::with(tests::events::experiment(&keys), more)).await;
}

fn conversion() -> Value {
    json!({"kind": "conversion", "event": "Order Completed"})
}

fn spend() -> Value {
    json!({"kind": "sum", "event": "Order Completed"})
}

/// Persons and sum of an arm in results.
fn tally(results: &Value, metric: &str, arm: &str) -> (u64, String) {
    let tally = &tests::events::arm(results, metric, arm)["tally"];
    let count = tally["count"].as_u64().unwrap_or_else(|| panic!("no tally of {metric} and {arm} in {results}"));
    (count, tally["sum"].as_str().expect("a sum").to_owned())
}
