//! Events of the native format, short to write down.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::moment::text;

/// Something that a user did.
#[must_use]
pub fn event(id: &str, user: &str, name: &str, at: DateTime<Utc>) -> Value {
    json!({"event_id": id, "user_id": user, "name": name, "occurred_at": text(at)})
}

/// An exposure of a user to an arm.
#[must_use]
pub fn exposure(id: &str, user: &str, experiment: &str, arm: &str, at: DateTime<Utc>) -> Value {
    with(
        event(id, user, "Experiment Viewed", at),
        &json!({"properties": {"experiment_id": experiment, "variation_id": arm}}),
    )
}

/// An order of a user.
#[must_use]
pub fn order(id: &str, user: &str, value: &str, at: DateTime<Utc>) -> Value {
    with(event(id, user, "Order Completed", at), &json!({"value": value}))
}

/// The event with more fields, or others.
#[must_use]
pub fn with(mut event: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        event[name] = value.clone();
    }
    event
}

/// An experiment of control `off` and treatment `on`, with these metrics; the first is primary.
#[must_use]
pub fn experiment(metrics: &[&str]) -> Value {
    let uses = metrics
        .iter()
        .enumerate()
        .map(|(at, metric)| json!({"metric": metric, "role": if at == 0 { "primary" } else { "secondary" }}));
    json!({
        "name": "On or off", "control": "off", "arms": [{"key": "off", "weight": 1}, {"key": "on", "weight": 1}],
        "window_days": 14, "metrics": uses.collect::<Vec<_>>()
    })
}

/// The part of `results` about a metric.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn metric<'a>(results: &'a Value, key: &str) -> &'a Value {
    let metrics = results["metrics"].as_array().expect("metrics");
    metrics.iter().find(|metric| metric["metric"] == key).unwrap_or_else(|| panic!("no metric {key} in {results}"))
}

/// The part of `results` about a metric's arm.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn arm<'a>(results: &'a Value, key: &str, arm: &str) -> &'a Value {
    let arms = metric(results, key)["arms"].as_array().expect("arms");
    arms.iter().find(|entry| entry["arm"] == arm).unwrap_or_else(|| panic!("no arm {arm} of {key} in {results}"))
}

/// A check of `results`.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn check<'a>(results: &'a Value, name: &str) -> &'a Value {
    let checks = results["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no check {name} in {results}"))
}
