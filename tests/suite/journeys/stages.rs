//! Lifecycle stages: who reaches them, who is where, and for how long.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{event, exposure, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

use super::of_arm;

tests::cases![
    stages_are_those_that_events_name,
    stages_may_follow_rules_on_events,
    stages_of_nobody_and_questions_that_make_no_stages,
];

async fn ask(tenant: &Tenant, query: &str) -> Value {
    super::measured(tenant, &format!("/v1/experiments/e/stages?{query}")).await
}

fn at(days: i64, hours: i64) -> DateTime<Utc> {
    days_ago(60) + TimeDelta::days(days) + TimeDelta::hours(hours)
}

async fn with_experiment(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought"])).await;
    tenant
}

fn seen(id: &str, who: &str, stage: &str, at: DateTime<Utc>) -> Value {
    with(event(id, who, "Page Viewed", at), &json!({"stage": stage}))
}

fn everyone() -> Vec<Value> {
    vec![
        exposure("xa", "a", "e", "on", at(0, 0)),
        seen("a1", "a", "awareness", at(0, 1)),
        seen("a2", "a", "awareness", at(0, 2)),
        seen("a3", "a", "decision", at(1, 1)),
        seen("a4", "a", "loyalty", at(3, 1)),
        seen("a5", "a", "decision", at(4, 1)),
        exposure("xb", "b", "e", "on", at(0, 0)),
        seen("b1", "b", "consideration", at(0, 0)),
        seen("b2", "b", "decision", at(2, 0)),
        exposure("xc", "c", "e", "off", at(0, 0)),
        seen("c0", "c", "loyalty", at(-1, 0)),
    ]
}

fn reached(answer: &Value, arm: &str) -> Vec<String> {
    let stages = answer["stages"].as_array().unwrap().iter();
    stages.map(|stage| of_arm(&stage["reached"]["arms"], arm)["tally"]["sum"].as_str().unwrap().to_owned()).collect()
}

async fn stages_are_those_that_events_name() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&everyone()).await;
    let answer = ask(&tenant, "").await;
    assert_eq!(reached(&answer, "on"), ["1", "1", "2", "1"]);
    assert_eq!(reached(&answer, "off"), ["0", "0", "0", "0"]);
    let versus = &of_arm(&answer["stages"][2]["reached"]["arms"], "on")["versus_control"];
    assert_eq!(versus["causal"], true);
    let on = of_arm(&answer["arms"], "on");
    assert_eq!((&on["persons"], &on["unknown"], &on["now"]), (&json!(2), &json!(0), &json!([0, 0, 2, 0])));
    assert_eq!(on["moves"], json!([[0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 0]]));
    assert_eq!(on["move_shares"][2], json!([0.0, 0.0, 0.0, 1.0]));
    // From the first event that named the stage, a day.
    assert_eq!(on["stays"][0]["mean_seconds"].as_f64().unwrap(), 86_400.0);
    assert_eq!((&on["stays"][2]["ended"], &on["stays"][2]["interval"]), (&json!(1), &Value::Null));
    assert_eq!(of_arm(&answer["arms"], "off")["unknown"], 1);
    // What was known of a day is what its events said.
    let day = |days: i64| {
        let date = at(days, 0).date_naive().to_string();
        let found = answer["days"].as_array().unwrap().iter().find(|day| day["day"] == date.as_str()).unwrap();
        of_arm(&found["arms"], "on")["now"].clone()
    };
    assert_eq!([day(0), day(1), day(3)], [json!([1, 1, 0, 0]), json!([0, 1, 1, 0]), json!([0, 0, 1, 1])]);
    // A late event splits a stay.
    tenant.accept(&[seen("late", "a", "consideration", at(0, 13))]).await;
    let answer = ask(&tenant, "").await;
    assert_eq!(of_arm(&answer["arms"], "on")["stays"][0]["mean_seconds"].as_f64().unwrap(), 43_200.0);
    assert_eq!(reached(&answer, "on"), ["1", "2", "2", "1"]);
}

async fn stages_may_follow_rules_on_events() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let did = |id: &str, name: &str, at| event(id, "a", name, at);
    tenant
        .accept(&[
            exposure("xa", "a", "e", "on", at(0, 0)),
            did("1", "Trial Started", at(0, 1)),
            with(did("2", "Order Completed", at(2, 1)), &json!({"properties": {"plan": "basic"}})),
            with(did("3", "Order Completed", at(3, 1)), &json!({"properties": {"plan": "gold"}})),
        ])
        .await;
    let rules = r#"stages=[{"stage":"trial","event":"Trial Started"},{"stage":"paid","event":"Order Completed"},{"stage":"gold","event":"Order Completed","where":{"properties.plan":"gold"}}]"#;
    let answer = ask(&tenant, rules).await;
    assert_eq!(reached(&answer, "on"), ["1", "1", "1"]);
    assert_eq!(answer["stages"][2]["by"], "Order Completed where properties.plan is gold");
    assert_eq!(of_arm(&answer["arms"], "on")["now"], json!([0, 0, 1]));
}

async fn stages_of_nobody_and_questions_that_make_no_stages() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let answer = ask(&tenant, "stages=new,old").await;
    assert_eq!(answer["days"], json!([]));
    let arm = of_arm(&answer["stages"][0]["reached"]["arms"], "on");
    assert!(arm["value"].is_null() && arm["reasons"]["value"].is_string(), "{arm}");
    assert_eq!(of_arm(&answer["arms"], "on")["stays"][0]["mean_seconds"], Value::Null);
    for (query, wanted) in [
        ("stages=one", "2 to 20"),
        ("stages=a,b,a", "stands twice"),
        ("stages=[1,2]", ""),
        ("stages=[\"a\"", "JSON"),
        ("stages=[{\"stage\":\"a\"},\"b\"]", "name the events"),
    ] {
        let refused = tenant.read.get(&format!("/v1/experiments/e/stages?{query}")).invalid().expect(400).await;
        let fault = &refused["errors"][0];
        assert_eq!(fault["parameter"], "stages", "{query}: {refused}");
        assert!(fault["detail"].as_str().unwrap().contains(wanted), "{query}: {refused}");
    }
}
