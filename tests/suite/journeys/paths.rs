//! Paths: along which touchpoints persons convert, or don't.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{event, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

use super::of_arm;

tests::cases![
    paths_are_counted_and_drawn,
    touchpoints_may_be_called_by_what_stands_at_a_path,
    what_arrives_late_changes_the_path,
    ten_thousand_paths_are_told_in_short,
    paths_of_nobody_and_questions_that_make_no_path,
];

async fn ask(tenant: &Tenant, query: &str) -> Value {
    super::measured(tenant, &format!("/v1/experiments/e/paths?{query}")).await
}

fn at(minutes: i64) -> DateTime<Utc> {
    days_ago(60) + TimeDelta::minutes(minutes)
}

async fn with_experiment(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought"])).await;
    tenant
}

/// What a person does after the exposure, a minute apart: a name, and the channel after a bar.
fn journey(who: &str, arm: &str, deeds: &[&str]) -> Vec<Value> {
    let mut events = vec![exposure(&format!("x{who}"), who, "e", arm, at(0))];
    for (minute, deed) in (1..).zip(deeds) {
        let (name, channel) = deed.split_once('|').unwrap_or((deed, "web"));
        let id = format!("{who} {minute}");
        events.push(with(event(&id, who, name, at(minute)), &json!({"channel": channel})));
    }
    events
}

fn everyone() -> Vec<Value> {
    [
        journey("a", "on", &["Page Viewed", "Page Viewed", "Product Viewed", "Order Completed", "Page Viewed"]),
        journey("b", "on", &["Page Viewed", "Product Viewed", "Order Completed"]),
        journey("c", "on", &["Page Viewed", "Product Viewed", "Page Viewed"]),
        journey("d", "on", &[]),
        journey("f", "off", &["Page Viewed", "Product Viewed", "Page Viewed", "Product Viewed", "Order Completed"]),
        journey("g", "off", &["Order Completed"]),
    ]
    .concat()
}

/// The paths of an arm to an end, as `touches: persons`.
fn told(answer: &Value, arm: &str, end: &str) -> Vec<String> {
    let paths = of_arm(&answer["arms"], arm)[end]["paths"].as_array().unwrap().iter();
    let text = |path: &Value| {
        let touches: Vec<&str> = path["touches"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
        let more = if path["more"] == true { " .." } else { "" };
        format!("{}{more}: {}", touches.join(" > "), path["persons"])
    };
    paths.map(text).collect()
}

async fn paths_are_counted_and_drawn() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&everyone()).await;
    let answer = ask(&tenant, "depth=3").await;
    assert_eq!(told(&answer, "on", "converted"), ["Page Viewed > Product Viewed: 2"]);
    assert_eq!(told(&answer, "on", "dropped_off"), [": 1", "Page Viewed > Product Viewed > Page Viewed: 1"]);
    assert_eq!(told(&answer, "off", "converted"), [": 1", "Page Viewed > Product Viewed > Page Viewed ..: 1"]);
    assert_eq!((&answer["causal"], &answer["anytime"]), (&json!(false), &json!(false)));
    // What flows into a node flows out of it, in each arm, and everyone comes to an end.
    let nodes = answer["nodes"].as_array().unwrap();
    for (arm, persons) in [("on", 4), ("off", 2)] {
        let mut balance = vec![0; nodes.len()];
        for edge in answer["edges"].as_array().unwrap() {
            let persons = of_arm(&edge["arms"], arm)["persons"].as_i64().unwrap();
            balance[usize::try_from(edge["from"].as_u64().unwrap()).unwrap()] -= persons;
            balance[usize::try_from(edge["to"].as_u64().unwrap()).unwrap()] += persons;
        }
        for (node, balance) in nodes.iter().zip(balance) {
            match node["kind"].as_str().unwrap() {
                "exposure" => assert_eq!(balance, -persons),
                "converted" => assert_eq!(balance, 2),
                "dropped_off" => assert_eq!(balance, persons - 2),
                _ => assert_eq!(balance, 0, "{node}"),
            }
        }
    }
    // Three of four began with a page, against one of two.
    let number = |kind: &str, touch: Value| {
        nodes
            .iter()
            .position(|n| n["kind"] == kind && n["touch"] == touch && n["place"] != 2 && n["place"] != 3)
            .unwrap()
    };
    let (from, to) = (number("exposure", Value::Null), number("touch", json!("Page Viewed")));
    let edge = answer["edges"].as_array().unwrap().iter().find(|e| e["from"] == from && e["to"] == to).unwrap();
    let on = of_arm(&edge["arms"], "on");
    assert_eq!((&on["share"], &on["difference"]), (&json!(0.75), &json!(0.25)));
    assert_eq!(of_arm(&edge["arms"], "off")["difference"], Value::Null);
}

async fn touchpoints_may_be_called_by_what_stands_at_a_path() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let journeys = [
        journey("a", "on", &["Email Opened|email", "Page Viewed|web", "Product Viewed|web", "Order Completed|app"]),
        journey("b", "on", &["Page Viewed|web", "Email Opened|email", "Page Viewed|web"]),
    ];
    tenant.accept(&journeys.concat()).await;
    let answer = ask(&tenant, "by=channel").await;
    assert_eq!(told(&answer, "on", "converted"), ["email > web: 1"]);
    assert_eq!(told(&answer, "on", "dropped_off"), ["web > email > web: 1"]);
    let other = ask(&tenant, "by=channel&conversion=Product Viewed").await;
    assert_eq!(told(&other, "on", "converted"), ["email > web: 1"]);
}

async fn what_arrives_late_changes_the_path() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&everyone()).await;
    assert_eq!(told(&ask(&tenant, "").await, "on", "converted"), ["Page Viewed > Product Viewed: 2"]);
    tenant.accept(&[order("late", "a", "1", at(1) + TimeDelta::seconds(30))]).await;
    let answer = ask(&tenant, "").await;
    assert_eq!(told(&answer, "on", "converted"), ["Page Viewed: 1", "Page Viewed > Product Viewed: 1"]);
}

async fn ten_thousand_paths_are_told_in_short() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let mut events = Vec::new();
    for n in 0..10_000u32 {
        let user = format!("u{n}");
        events.push(exposure(&format!("x{n}"), &user, "e", if n % 2 == 0 { "off" } else { "on" }, at(0)));
        let places = [("First", n % 100), ("Second", n / 100)];
        for (minute, (name, number)) in (1..).zip(places) {
            events.push(event(&format!("{n} {minute}"), &user, &format!("{name} {number}"), at(minute)));
        }
    }
    for part in events.chunks(5_000) {
        tests::world::deliver(&tenant.ingest, part).await;
    }
    let mut answer = tenant.read.get("/v1/experiments/e/paths?limit=7&branches=4").send().await;
    for _ in 0..100 {
        if answer.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        answer = tenant.read.get("/v1/experiments/e/paths?limit=7&branches=4").send().await;
    }
    let answer = answer.expect(200);
    let list = &of_arm(&answer["arms"], "on")["dropped_off"];
    assert_eq!(list["paths"].as_array().unwrap().len(), 7);
    assert_eq!(
        (&list["persons"], &list["other_paths"], &list["other_persons"]),
        (&json!(5_000), &json!(4_993), &json!(4_993))
    );
    // Four touchpoints and the others, at two places, between beginning and end.
    assert_eq!(answer["nodes"].as_array().unwrap().len(), 2 + 2 * 5);
}

async fn paths_of_nobody_and_questions_that_make_no_path() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let answer = ask(&tenant, "").await;
    assert_eq!((&answer["nodes"], &answer["edges"]), (&json!([]), &json!([])));
    assert_eq!(of_arm(&answer["arms"], "on")["persons"], 0);
    for (query, parameter, wanted) in [
        ("depth=0", "depth", "1 to 10"),
        ("depth=11", "depth", "1 to 10"),
        ("limit=0", "limit", "1 to 200"),
        ("branches=51", "branches", "1 to 50"),
        ("by=properties", "by", "path"),
        ("conversion=a,b", "conversion", "one event"),
        ("step=x", "step", "conversion"),
    ] {
        let call = tenant.read.get(&format!("/v1/experiments/e/paths?{query}"));
        let refused = call.invalid().expect(400).await;
        let fault = &refused["errors"][0];
        assert_eq!(fault["parameter"], parameter, "{query}: {refused}");
        assert!(fault["detail"].as_str().unwrap().contains(wanted), "{query}: {refused}");
    }
}
