//! The kinds of metrics, and the worked examples of the field.

use serde_json::{Value, json};
use tests::World;
use tests::events::{arm, event, exposure, order, with};

use super::{at, conversion, tally, tenant};

tests::cases![
    count_ratio_retention_and_score,
    a_lifetime_value_is_value_times_frequency_times_lifespan,
    two_percent_to_three_is_an_impact_score_of_fifty,
    a_number_that_does_not_exist_is_null_with_its_reason,
];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn close(found: &Value, wanted: f64) {
    let found = number(found);
    assert!((found - wanted).abs() <= 1e-12 * wanted.abs().max(1.0), "{found} instead of {wanted}");
}

async fn count_ratio_retention_and_score() {
    let world = World::new().await;
    let metrics = [
        ("viewed", json!({"kind": "count", "event": "Product Viewed"})),
        (
            "aov",
            json!({"kind": "ratio", "numerator": {"event": "Order Completed", "of": "value"}, "denominator": {"event": "Order Completed", "of": "count"}}),
        ),
        ("back", json!({"kind": "retention", "event": "*", "from_day": 7, "to_day": 8})),
        (
            "score",
            json!({"kind": "score", "parts": [{"event": "Page Viewed", "weight": 1}, {"event": "Product Shared", "weight": 5}]}),
        ),
    ];
    let tenant = tenant(&world, &metrics, &json!({})).await;
    let did = |id: &str, user: &str, name: &str, days: i64, hours: i64| event(id, user, name, at(days, hours));
    tenant
        .accept(&[
            exposure("x1", "u1", "e", "on", at(0, 0)),
            exposure("x2", "u2", "e", "on", at(0, 0)),
            exposure("x3", "u3", "e", "off", at(0, 0)),
            did("1", "u1", "Product Viewed", 1, 0),
            did("2", "u1", "Product Viewed", 2, 0),
            order("3", "u1", "10", at(3, 0)),
            order("4", "u1", "20", at(3, 1)),
            order("5", "u2", "60", at(3, 1)),
            // Came back: in [7 d, 8 d) counts, just before and at 8 d does not.
            did("6", "u1", "Page Viewed", 7, 0),
            did("7", "u2", "Page Viewed", 8, 0),
            did("8", "u3", "Page Viewed", 6, 23),
            did("9", "u1", "Product Shared", 9, 0),
            // An opened mail is no sign of a person, and an exposure neither.
            did("10", "u3", "Email Opened", 7, 5),
            exposure("x4", "u3", "e", "off", at(7, 6)),
        ])
        .await;
    let results = tenant.results("e", "").await;
    assert_eq!(tally(&results, "viewed", "on"), (2, "2".into()));
    close(&arm(&results, "viewed", "on")["value"], 1.0);
    close(&arm(&results, "aov", "on")["value"], 30.0);
    assert_eq!(tally(&results, "back", "on"), (2, "1".into()));
    close(&arm(&results, "back", "on")["value"], 0.5);
    close(&arm(&results, "back", "off")["value"], 0.0);
    assert_eq!(tally(&results, "score", "on"), (2, "7".into()), "2 views and a share of 5");
}

async fn a_lifetime_value_is_value_times_frequency_times_lifespan() {
    let world = World::new().await;
    let clv = json!({"kind": "clv", "event": "Order Completed", "lifespan_days": 730});
    let tenant = tenant(&world, &[("clv", clv)], &json!({"window_days": 14})).await;
    let mut events = Vec::new();
    for (user, values) in [("u1", &["50", "50", "30"][..]), ("u2", &["70"][..]), ("u3", &[][..])] {
        events.push(exposure(&format!("x{user}"), user, "e", "on", at(0, 0)));
        for (n, value) in values.iter().enumerate() {
            events.push(order(&format!("{user}-{n}"), user, value, at(1 + n as i64, 0)));
        }
    }
    tenant.accept(&events).await;
    // Four orders of 200 in all: 50 each. Three persons were observed for 14 days: 4 / 42 a day. 730 days.
    let results = tenant.results("e", "explain=true").await;
    let arm = arm(&results, "clv", "on");
    close(&arm["value"], 200.0 / 4.0 * (4.0 / 42.0) * 730.0);
}

async fn two_percent_to_three_is_an_impact_score_of_fifty() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("bought", conversion())], &json!({})).await;
    let mut events = Vec::new();
    for (arm, buyers) in [("off", 20), ("on", 30)] {
        for n in 0..1_000 {
            let user = format!("{arm}{n}");
            events.push(exposure(&format!("x{user}"), &user, "e", arm, at(0, 0)));
            if n < buyers {
                events.push(order(&format!("o{user}"), &user, "1", at(1, 0)));
            }
        }
    }
    tenant.accept(&events).await;
    let results = tenant.results("e", "method=frequentist&cuped=false&adjust=none").await;
    let versus = &arm(&results, "bought", "on")["versus_control"];
    close(&arm(&results, "bought", "off")["value"], 0.02);
    close(&versus["difference"]["value"], 0.01);
    close(&versus["lift"]["value"], 0.5);
    close(&versus["impact_score"], 50.0);
    assert_eq!(versus["verdict"], "inconclusive", "{versus}");
}

async fn a_number_that_does_not_exist_is_null_with_its_reason() {
    let world = World::new().await;
    let aov = json!({"kind": "ratio", "numerator": {"event": "Order Completed", "of": "value"}, "denominator": {"event": "Order Completed", "of": "count"}});
    let tenant = tenant(&world, &[("aov", aov), ("bought", conversion())], &json!({})).await;
    let nobody = tenant.results("e", "").await;
    for metric in ["aov", "bought"] {
        assert_eq!(arm(&nobody, metric, "on")["value"], Value::Null);
        assert_eq!(arm(&nobody, metric, "on")["versus_control"]["verdict"], "no_data", "{nobody}");
    }
    tenant
        .accept(&[exposure("1", "u", "e", "on", at(0, 0)), with(exposure("2", "v", "e", "off", at(0, 0)), &json!({}))])
        .await;
    let results = tenant.results("e", "").await;
    let found = arm(&results, "aov", "on");
    assert_eq!(found["value"], Value::Null);
    assert!(found["reasons"]["value"].as_str().is_some_and(|reason| !reason.is_empty()), "{found}");
    assert!(!results.to_string().contains("NaN"));
    let versus = &arm(&results, "bought", "on")["versus_control"];
    assert!(versus["p_value"].is_null() && versus["reasons"]["p_value"].is_string(), "{versus}");
}
