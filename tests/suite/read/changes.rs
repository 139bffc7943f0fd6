//! Why did it change: what was told then, what is told now, and what came between, adding up.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{arm, event, exposure, order, with};
use tests::moment::{days_ago, text};
use tests::{Tenant, World};

tests::cases![
    moves_add_up_and_what_was_told_is_told_again,
    edited_definitions_begin_anew,
    what_can_not_be_asked_is_refused
];

async fn changes(tenant: &Tenant, query: &str) -> Value {
    for _ in 0..60 {
        let told = tenant.read.get(&format!("/v1/experiments/e/changes?{query}")).expect(200).await;
        if told["fresh"]["pending_subjects"] == 0 {
            return told;
        }
    }
    panic!("the measurement never catches up");
}

fn instant(text: &str) -> journey::Instant {
    journey::Instant::parse(text, "").unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The move of an arm by a cause.
fn moved<'a>(told: &'a Value, arm: usize, cause: &str) -> &'a Value {
    let moves = told["arms"][arm]["moves"].as_array().unwrap();
    moves.iter().find(|moved| moved["cause"] == cause).unwrap_or_else(|| panic!("no {cause} in {told}"))
}

/// Then is what the results were, now what they are, and the moves add up.
fn adds_up(told: &Value, before: &Value, after: &Value, metric: &str) {
    for (at, key) in ["off", "on"].into_iter().enumerate() {
        let (then, now) = (&told["arms"][at]["then"], &told["arms"][at]["now"]);
        for (state, results) in [(then, before), (now, after)] {
            let arm = arm(results, metric, key);
            assert_eq!((&state["persons"], &state["value"]), (&arm["persons"], &arm["value"]), "{told}");
            if key == "on" {
                assert_eq!(state["lift"]["value"], arm["versus_control"]["lift"]["value"]);
                assert_eq!(state["lift"]["low"], arm["versus_control"]["lift"]["low"]);
            }
        }
        let moves = told["arms"][at]["moves"].as_array().unwrap();
        assert_eq!(
            moves.iter().map(|moved| moved["cause"].clone()).collect::<Vec<_>>(),
            *told["order"].as_array().unwrap()
        );
        let persons: i64 = moves.iter().map(|moved| moved["persons"].as_i64().unwrap()).sum();
        assert_eq!(persons, now["persons"].as_i64().unwrap() - then["persons"].as_i64().unwrap());
        let value: f64 = moves.iter().map(|moved| number(&moved["value"])).sum();
        assert!((value - (number(&now["value"]) - number(&then["value"]))).abs() < 1e-9, "{told}");
        if key == "on" {
            let lift: f64 = moves.iter().map(|moved| number(&moved["lift"])).sum();
            let whole = number(&now["lift"]["value"]) - number(&then["lift"]["value"]);
            assert!((lift - whole).abs() < 1e-9, "{told}");
        }
    }
}

async fn moves_add_up_and_what_was_told_is_told_again() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let now = Utc::now();
    // Somebody exposed today, so that something of today can still count.
    tenant.accept(&[exposure("xt", "today", "e", "on", now - TimeDelta::minutes(90))]).await;
    world.caught_up(&tenant).await;
    let since = text(Utc::now());
    let before = ["matured", "live"].map(|maturity| format!("maturity={maturity}"));
    let before = [tenant.settled("e", &before[0]).await, tenant.settled("e", &before[1]).await];
    let still = changes(&tenant, &format!("since={since}")).await;
    adds_up(&still, &before[0], &before[0], "bought");
    assert_eq!(still["edited"], false, "{still}");

    let at = days_ago(30);
    let mut events = vec![
        // New: two in the arm, one of whom buys.
        exposure("n1", "new1", "e", "on", days_ago(25)),
        exposure("n2", "new2", "e", "on", days_ago(25)),
        order("n3", "new1", "7", days_ago(24)),
        // Late: an order of a month ago, of somebody who had bought nothing.
        order("l1", "u1", "100", at + TimeDelta::days(2)),
        // In time: an order of today.
        order("t1", "today", "50", now - TimeDelta::minutes(30)),
    ];
    // Two persons of different arms turn out to be one: u4 of the arm off, by the device of one of the arm on.
    events.push(with(event("m1", "u4", "Signed In", at + TimeDelta::days(3)), &json!({"anonymous_id": "phone"})));
    let shown = with(exposure("m2", "", "e", "on", at + TimeDelta::hours(1)), &json!({"anonymous_id": "phone"}));
    let mut shown = shown;
    shown.as_object_mut().unwrap().remove("user_id");
    tenant.accept(&[shown]).await;
    world.caught_up(&tenant).await;
    tenant.accept(&events).await;
    // Read at once, with what waits, and again once it is measured: the same.
    for round in 0..2 {
        if round == 1 {
            world.caught_up(&tenant).await;
        }
        for (maturity, before) in ["matured", "live"].into_iter().zip(&before) {
            for metric in ["bought", "spend"] {
                let after = tenant.settled("e", &format!("maturity={maturity}")).await;
                let told = changes(&tenant, &format!("since={since}&metric={metric}&maturity={maturity}")).await;
                assert_eq!(instant(told["since"].as_str().unwrap()), instant(&since));
                adds_up(&told, before, &after, metric);
                // Three came, of whom one, the phone, goes when it turns out to be u4.
                assert_eq!(moved(&told, 1, "new_persons")["persons"], 3, "{told}");
                assert_eq!(moved(&told, 1, "merges")["persons"], -1);
                assert_eq!(moved(&told, 0, "merges")["persons"], 0);
                assert!(number(&moved(&told, 1, "late_events")["value"]) > 0.0, "{told}");
                let in_time = number(&moved(&told, 1, "events")["value"]);
                assert_eq!(in_time > 0.0, maturity == "live", "{told}");
                assert_eq!(number(&moved(&told, 0, "late_events")["value"]), 0.0);
            }
        }
    }
}

async fn edited_definitions_begin_anew() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    world.caught_up(&tenant).await;
    let since = text(Utc::now());
    // Before it was defined there was nothing to tell.
    let told = changes(&tenant, &format!("since={}", text(days_ago(3)))).await;
    assert_eq!(told["edited"], true);
    assert!(told["since"].as_str().unwrap() > text(days_ago(1)).as_str() && told["reason"].is_string());
    assert_eq!(told["arms"][0]["then"]["persons"], 0, "{told}");
    assert_eq!(moved(&told, 0, "new_persons")["persons"], 60);
    // Another dimension is another version.
    let body = with(tests::events::experiment(&["bought", "spend"]), &json!({"dimensions": ["stage"]}));
    tenant.experiment("e", &body).await;
    world.caught_up(&tenant).await;
    let told = changes(&tenant, &format!("since={since}")).await;
    assert_eq!(told["edited"], true, "{told}");
    assert!(told["since"].as_str().unwrap() > since.as_str());
    assert_eq!(told["arms"][0]["then"]["persons"], 60);
}

async fn what_can_not_be_asked_is_refused() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let refused =
        async |query: &str| tenant.read.get(&format!("/v1/experiments/e/changes{query}")).invalid().expect(400).await;
    assert_eq!(refused("").await["errors"][0]["code"], "missing_parameter");
    for query in
        ["?since=yesterday", "?since=2999-01-01", "?since=2999-01-01T00:00:00Z", "?since=2026-11-01&metric=none"]
    {
        assert_eq!(refused(query).await["errors"][0]["code"], "invalid_parameter", "{query}");
    }
    tenant.read.get("/v1/experiments/none/changes?since=2026-11-01").expect(404).await;
}
