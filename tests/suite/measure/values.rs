//! What events are worth: refunds, caps, filters, late ones.

use serde_json::json;
use tests::World;
use tests::events::{arm, event, exposure, order, with};

use super::{at, spend, tally, tenant};

tests::cases![refunds_take_away, caps_bound_a_person, filters_select_events, late_events_count_where_they_belong];

async fn refunds_take_away() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("spend", spend())], &json!({})).await;
    tenant.accept(&[exposure("1", "u", "e", "on", at(0, 0)), order("2", "u", "50", at(1, 0))]).await;
    tenant.accept(&[with(event("3", "u", "Order Refunded", at(2, 0)), &json!({"value": "20"}))]).await;
    let results = tenant.results("e", "").await;
    assert_eq!(tally(&results, "spend", "on"), (1, "30".into()));
    assert_eq!(arm(&results, "spend", "on")["tally"]["sum_of_squares"], "900");
    // A negative value is a correction; the person may fall below zero.
    tenant
        .accept(&[
            with(event("4", "u", "Order Refunded", at(2, 0)), &json!({"value": "-5"})),
            order("5", "u", "-40.5", at(3, 0)),
        ])
        .await;
    assert_eq!(tally(&tenant.results("e", "").await, "spend", "on"), (1, "-15.5".into()));
    // Before the refund's day the order still stands.
    assert_eq!(
        tally(&tenant.results("e", &format!("maturity=live&as_of={}", super::date(1))).await, "spend", "on").1,
        "50"
    );
}

async fn caps_bound_a_person() {
    let world = World::new().await;
    let capped = json!({"kind": "sum", "event": "Order Completed", "cap": "100"});
    let tenant = tenant(&world, &[("spend", spend()), ("capped", capped)], &json!({})).await;
    tenant
        .accept(&[
            exposure("1", "u", "e", "on", at(0, 0)),
            order("2", "u", "80", at(1, 0)),
            order("3", "u", "80", at(1, 1)),
            with(event("4", "u", "Order Refunded", at(2, 0)), &json!({"value": "70"})),
            exposure("5", "v", "e", "on", at(0, 0)),
            order("6", "v", "30", at(1, 0)),
        ])
        .await;
    // The cap bounds what the person amounts to, not each event: 160 - 70 = 90 is below it again.
    for (day, sum, capped) in [(1, "190", "130"), (2, "120", "120")] {
        let results = tenant.results("e", &format!("maturity=live&as_of={}", super::date(day))).await;
        assert_eq!(
            (tally(&results, "spend", "on").1, tally(&results, "capped", "on").1),
            (sum.into(), capped.into()),
            "day {day}"
        );
    }
}

async fn filters_select_events() {
    let world = World::new().await;
    let of = |filter: serde_json::Value| json!({"kind": "count", "event": "Order Completed", "where": filter});
    let metrics = [
        ("boots", of(json!({"properties.category": "boots"}))),
        ("boots or hats", of(json!({"properties.category": ["boots", "hats"]}))),
        ("web", of(json!({"channel": "web"}))),
        ("number", of(json!({"properties.size": 5}))),
        ("both", of(json!({"channel": "web", "properties.category": "boots"}))),
    ];
    let metrics: Vec<_> = metrics.iter().map(|(key, body)| (*key, body.clone())).collect();
    let tenant = tenant(&world, &metrics, &json!({})).await;
    let bought = |id: &str, more: serde_json::Value| with(order(id, "u", "1", at(1, 0)), &more);
    tenant
        .accept(&[
            exposure("1", "u", "e", "on", at(0, 0)),
            bought("2", json!({"channel": "web", "properties": {"category": "boots", "size": 5}})),
            bought("3", json!({"channel": "app", "properties": {"category": ["hats", "boots"], "size": "5"}})),
            bought("4", json!({"channel": "web", "properties": {"category": "hats", "size": 5.5}})),
            bought("5", json!({})),
        ])
        .await;
    let results = tenant.results("e", "").await;
    for (metric, count) in [("boots", "2"), ("boots or hats", "3"), ("web", "2"), ("number", "2"), ("both", "1")] {
        assert_eq!(tally(&results, metric, "on").1, count, "{metric}");
    }
}

async fn late_events_count_where_they_belong() {
    let world = World::new().await;
    let tenant = tenant(&world, &[("spend", spend())], &json!({})).await;
    tenant.accept(&[exposure("1", "u", "e", "on", at(2, 0)), order("2", "u", "1", at(9, 0))]).await;
    let sum = async |day: i64| {
        tally(&tenant.results("e", &format!("maturity=live&as_of={}", super::date(day))).await, "spend", "on").1
    };
    assert_eq!((sum(5).await, sum(10).await), ("0".into(), "1".into()));
    tenant.accept(&[order("3", "u", "10", at(4, 0))]).await;
    assert_eq!((sum(3).await, sum(5).await, sum(10).await), ("0".into(), "10".into(), "11".into()));
    // A late exposure moves the window, and the events before it out of the window's covariate.
    tenant.accept(&[exposure("4", "u", "e", "on", at(-6, 0)), order("5", "u", "100", at(-5, 0))]).await;
    assert_eq!((sum(-5).await, sum(5).await, sum(10).await), ("100".into(), "110".into(), "110".into()));
}
