//! What is measured: the experiments that persons are in, the metrics of each, and what each can be broken down by.

use serde_json::{Value, json};

use super::journeys::WINDOW_DAYS;

/// An experiment of the journeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trial {
    pub(super) key: &'static str,
    /// The first one is the control.
    pub(super) arms: &'static [&'static str],
}

const TWO: &[&str] = &["none", "personal"];
const THREE: &[&str] = &["none", "popular", "personal"];
const FOUR: &[&str] = &["none", "short", "long", "video"];

const fn trial(key: &'static str, arms: &'static [&'static str]) -> Trial {
    Trial { key, arms }
}

/// The experiments that there can be. Everyone is in the first one.
pub(super) const TRIALS: [Trial; 20] = [
    trial("recommendations", THREE),
    trial("welcome-offer", TWO),
    trial("onboarding-mail", FOUR),
    trial("home-page", TWO),
    trial("search-ranking", THREE),
    trial("free-delivery", TWO),
    trial("basket-reminder", FOUR),
    trial("loyalty-points", TWO),
    trial("push-timing", THREE),
    trial("category-order", TWO),
    trial("price-display", TWO),
    trial("returns-help", FOUR),
    trial("reviews", TWO),
    trial("size-advice", THREE),
    trial("chat-greeting", TWO),
    trial("win-back-mail", FOUR),
    trial("bundles", TWO),
    trial("newsletter-topic", THREE),
    trial("checkout-steps", TWO),
    trial("app-banner", TWO),
];

/// The experiment that only the probe of freshness is in.
pub(super) const PROBE: Trial = trial("freshness-probe", &["none", "probed"]);

/// What every experiment can be broken down by.
pub(super) const DIMENSIONS: [&str; 5] = ["device", "category", "brand", "campaign", "locale"];

/// The window of the retention, in days after the exposure.
pub(super) const RETURN_DAYS: (i64, i64) = (1, 7);
/// The cap of the capped revenue, in units of the currency.
pub(super) const CAP: i64 = 200;

/// The metrics of every experiment, the primary one first.
pub(super) fn metrics() -> [(&'static str, Value); 12] {
    let (from, to) = RETURN_DAYS;
    [
        ("buyers", json!({"kind": "conversion", "event": "Order Completed"})),
        ("revenue", json!({"kind": "sum", "event": "Order Completed", "unit": "EUR"})),
        (
            "order-value",
            json!({"kind": "ratio", "numerator": {"event": "Order Completed", "of": "value"},
                "denominator": {"event": "Order Completed", "of": "count"}}),
        ),
        ("capped-revenue", json!({"kind": "sum", "event": "Order Completed", "unit": "EUR", "cap": CAP.to_string()})),
        ("views", json!({"kind": "count", "event": "Product Viewed"})),
        ("viewers", json!({"kind": "conversion", "event": "Product Viewed"})),
        ("boots", json!({"kind": "count", "event": "Product Viewed", "where": {"properties.category": "boots"}})),
        ("pages", json!({"kind": "count", "event": "Page Viewed"})),
        ("opens", json!({"kind": "count", "event": "Email Opened"})),
        ("openers", json!({"kind": "conversion", "event": "Email Opened"})),
        ("return", json!({"kind": "retention", "event": "Product Viewed", "from_day": from, "to_day": to})),
        (
            "engagement",
            json!({"kind": "score", "parts": [{"event": "Product Viewed", "weight": "1"},
                {"event": "Order Completed", "weight": "5"}, {"event": "Email Opened", "weight": "0.5"}]}),
        ),
    ]
}

/// The metric that is added to an experiment that runs.
pub(super) fn added_metric() -> (&'static str, Value) {
    (
        "campaign-revenue",
        json!({"kind": "sum", "event": "Order Completed", "unit": "EUR", "where": {"properties.campaign": "spring-newsletter-2"}}),
    )
}

impl Trial {
    /// The experiment as it is put, with the metrics of these keys.
    pub(super) fn document(&self, starts_at: &str, metrics: &[&str]) -> Value {
        let arms: Vec<Value> = self.arms.iter().map(|arm| json!({"key": arm, "weight": 1})).collect();
        let role = |at: usize| if at == 0 { "primary" } else { "secondary" };
        let metrics: Vec<Value> =
            metrics.iter().enumerate().map(|(at, key)| json!({"metric": key, "role": role(at)})).collect();
        let dimensions: Vec<String> = DIMENSIONS.iter().map(|name| format!("properties.{name}")).collect();
        json!({
            "name": self.key, "tactic": "recommendation", "control": self.arms[0], "arms": arms,
            "starts_at": starts_at, "window_days": WINDOW_DAYS, "method": "frequentist",
            "metrics": metrics, "dimensions": dimensions,
        })
    }

    /// The path of its strong answer.
    pub(super) fn results(&self) -> String {
        format!("/v1/experiments/{}/results", self.key)
    }
}
