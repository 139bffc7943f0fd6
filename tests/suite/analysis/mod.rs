//! Sums that somebody brings: `POST /v1/analyze` and `journeylift analyze`.

mod asked;
mod command;
mod published;

use serde_json::{Value, json};
use tests::Tenant;

pub fn cases() -> Vec<tests::Case> {
    [published::cases(), asked::cases(), command::cases()].concat()
}

/// Relative to the reference.
const CLOSE: f64 = 1e-9;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn close(what: &str, found: &Value, wanted: f64) {
    near(what, found, wanted, CLOSE * wanted.abs());
}

/// For references that are printed with few digits: half of the last one.
fn near(what: &str, found: &Value, wanted: f64, within: f64) {
    let found = number(found);
    assert!((found - wanted).abs() <= within, "{what}: {found} instead of {wanted}");
}

async fn analyze(tenant: &Tenant, body: &Value) -> Value {
    tenant.read.post("/v1/analyze").json(body).expect(200).await
}

/// The second arm against the first.
fn versus(answer: &Value) -> &Value {
    &answer["arms"][1]["versus_control"]
}

fn body(kind: &str, arms: &[Value; 2], more: &Value) -> Value {
    let mut arms = arms.clone();
    for (arm, key) in arms.iter_mut().zip(["a", "b"]) {
        arm["arm"] = key.into();
    }
    tests::events::with(json!({"control": "a", "kind": kind, "arms": arms}), more)
}

/// Sums of 5000 and 5200 persons with a formula for everyone's revenue, orders and past; see `published` in `metrics`.
fn revenue() -> [Value; 2] {
    [
        json!({"count": 5000, "sum": "74282.32", "sum_of_squares": "1777100.9728"}),
        json!({"count": 5200, "sum": 80238.2, "sum_of_squares": 1_969_324.244_8}),
    ]
}
