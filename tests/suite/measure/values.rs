//! What events are worth: refunds, caps, filters, late ones.

use serde_json::{Value, json};
use tests::World;
use tests::events::{arm, event, exposure, order, with};

use super::{at, spend, tally, tenant};

tests::cases![
    refunds_take_away,
    caps_bound_a_person,
    filters_select_events,
    late_events_count_where_they_belong,
    an_event_is_measured_alike_from_memory_and_from_what_is_stored,
    a_dimension_is_known_from_long_before_the_exposure,
];

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
    let of = |filter: Value| json!({"kind": "count", "event": "Order Completed", "where": filter});
    let metrics = [
        ("boots", of(json!({"properties.category": "boots"}))),
        ("boots or hats", of(json!({"properties.category": ["boots", "hats"]}))),
        ("web", of(json!({"channel": "web"}))),
        ("number", of(json!({"properties.size": 5}))),
        ("both", of(json!({"channel": "web", "properties.category": "boots"}))),
    ];
    let metrics: Vec<_> = metrics.iter().map(|(key, body)| (*key, body.clone())).collect();
    let tenant = tenant(&world, &metrics, &json!({})).await;
    let bought = |id: &str, more: Value| with(order(id, "u", "1", at(1, 0)), &more);
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

/// A further event goes onto what is stored and is still in memory; an experiment that is defined later reads all events.
async fn an_event_is_measured_alike_from_memory_and_from_what_is_stored() {
    let world = World::new().await;
    // Postgres stores other digits than were sent: without an exponent, and a zero without its sign.
    let texts = [
        ("large", "1e20", "100000000000000000000"),
        ("small", "1.5e-7", "0.00000015"),
        ("unsigned", "18446744073709551615", "18446744073709551615"),
        ("padded", "2.50", "2.5"),
        ("whole", "3.0", "3"),
        ("zero", "-0.0", "0"),
        ("flag", "true", "true"),
        ("text", r#""a\u00e9\"b""#, "a\u{e9}\"b"),
        ("list", r#"["x",{"y":1},4.0]"#, "4"),
    ];
    let metrics: Vec<_> = texts
        .iter()
        .map(|(key, _, text)| {
            let place = format!("properties.{key}");
            (*key, json!({"kind": "count", "event": "Order Completed", "where": {place: text}}))
        })
        .collect();
    let tenant = tenant(&world, &metrics, &json!({})).await;
    tenant.accept(&["e", "later"].map(|key| exposure(key, "u", key, "on", at(0, 0)))).await;
    tenant.settled("e", "").await;
    let properties: Vec<String> = texts.iter().map(|(key, json, _)| format!("\"{key}\":{json}")).collect();
    let body = format!(
        "[{{\"event_id\":\"o\",\"user_id\":\"u\",\"name\":\"Order Completed\",\"occurred_at\":\"{}\",\"properties\":{{{}}}}}]",
        tests::moment::text(at(1, 0)),
        properties.join(",")
    );
    tenant.ingest.post("/v1/events").bytes("application/json", body).expect(200).await;
    let first = tenant.settled("e", "").await;
    let keys: Vec<_> = metrics.iter().map(|(key, _)| *key).collect();
    tenant.experiment("later", &tests::events::experiment(&keys)).await;
    let second = tenant.settled("later", "").await;
    for key in keys {
        assert_eq!(tally(&first, key, "on"), (1, "1".into()), "{key} from memory");
        assert_eq!(tally(&second, key, "on"), (1, "1".into()), "{key} as stored");
    }
}

/// The last value before the exposure stands, however many events lie between them; what comes later does not count.
async fn a_dimension_is_known_from_long_before_the_exposure() {
    let world = World::new().await;
    let boots = json!({"kind": "count", "event": "Order Completed", "where": {"properties.category": "boots"}});
    let dimensions = json!({"dimensions": ["properties.plan", "bin(properties.age,30)", "properties.never"]});
    let tenant = tenant(&world, &[("boots", boots)], &dimensions).await;
    // Of a third the last page before the exposure tells the plan, of a third one many pages ago, and the age; of a third none.
    let of_person = |n: usize| {
        let page = |id: &str, hours: i64, properties: Value| {
            let anonymous = json!({"event_id": format!("{id}{n}"), "anonymous_id": format!("a{n}"), "name": "Page Viewed",
                "occurred_at": tests::moment::text(at(1, hours)), "properties": properties});
            if n.is_multiple_of(2) { with(anonymous, &json!({"user_id": format!("u{n}")})) } else { anonymous }
        };
        let mut events: Vec<Value> =
            (1..8).map(|hours| page(&format!("p{hours}-"), hours, json!({"plan": ""}))).collect();
        match n % 3 {
            0 => events.push(page("last", 9, json!({"plan": "pro"}))),
            1 => events.push(page("early", 0, json!({"plan": "basic", "age": 34}))),
            _ => events.push(page("later", 11, json!({"plan": "pro", "age": 20}))),
        }
        let mut shown = exposure(&format!("e{n}"), &format!("u{n}"), "e", "on", at(1, 10));
        if !n.is_multiple_of(2) {
            shown["user_id"] = Value::Null;
            shown["anonymous_id"] = json!(format!("a{n}"));
        }
        (events, shown)
    };
    let (pages, shown): (Vec<_>, Vec<_>) = (0..900).map(of_person).unzip();
    for part in pages.concat().chunks(1_000) {
        tenant.accept(part).await;
    }
    tenant.settled("e", "").await;
    for part in shown.chunks(450) {
        tenant.accept(part).await;
        tenant.settled("e", "").await;
    }
    let told = async |dimension: &str| -> Vec<(Value, u64)> {
        let results = tenant.settled("e", &format!("by={dimension}")).await;
        let values = results["breakdown"]["values"].as_array().expect("values");
        let mut told: Vec<_> =
            values.iter().map(|value| (value["value"].clone(), value["persons"].as_u64().expect("a count"))).collect();
        told.sort_by_key(|(value, _)| value.to_string());
        told
    };
    assert_eq!(told("properties.plan").await, [(json!("basic"), 300), (json!("pro"), 300), (Value::Null, 300)]);
    assert_eq!(told("bin(properties.age,30)").await, [(json!("30"), 300), (Value::Null, 600)]);
    assert_eq!(told("properties.never").await, [(Value::Null, 900)]);
}
