//! Definitions that come later or change: measured again from the events, beside the old version.

use std::time::Duration;

use serde_json::{Value, json};
use tests::events::{exposure, order, with};
use tests::{Tenant, World};

use super::{at, conversion, define, spend, tally};

tests::cases![
    an_experiment_that_is_defined_after_its_events,
    a_metric_that_changes_is_measured_again_beside_the_old_version,
    what_people_read_changes_at_once,
    a_metric_that_is_used_stays,
    definitions_are_refused_with_place_and_reason,
];

fn events(persons: usize) -> Vec<Value> {
    (0..persons)
        .flat_map(|n| {
            let user = format!("u{n}");
            let shown =
                exposure(&format!("x{n}"), &user, "e", if n % 2 == 0 { "off" } else { "on" }, at(n as i64 % 5, 0));
            [
                shown,
                order(&format!("o{n}"), &user, "2", at(n as i64 % 5 + 1, 0)),
                order(&format!("p{n}"), &user, "3", at(n as i64 % 5 + 9, 0)),
            ]
        })
        .collect()
}

/// Waits until nothing is being built, and tells whether anything was.
async fn built(tenant: &Tenant) -> bool {
    let mut building = false;
    for _ in 0..600 {
        let experiment = tenant.read.get("/v1/experiments/e").expect(200).await;
        if experiment["measuring"].is_null() {
            return building;
        }
        building = true;
        let (done, of) =
            (experiment["measuring"]["done"].as_u64().unwrap(), experiment["measuring"]["of"].as_u64().unwrap());
        assert!(done <= of, "{experiment}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the new version is never complete");
}

async fn an_experiment_that_is_defined_after_its_events() {
    let world = World::new().await;
    let (before, after) = (world.tenant().await, world.tenant().await);
    let metrics = [("bought", conversion()), ("spend", spend())];
    define(&before, &metrics, &json!({})).await;
    for part in events(600).chunks(500) {
        before.accept(part).await;
        after.accept(part).await;
    }
    define(&after, &metrics, &json!({})).await;
    built(&after).await;
    let (wanted, found) = (before.settled("e", "explain=true").await, after.settled("e", "explain=true").await);
    assert_eq!(tally(&wanted, "spend", "on"), (300, "1500".into()));
    assert_eq!(
        (&found["arms"], &found["metrics"], &found["checks"]),
        (&wanted["arms"], &wanted["metrics"], &wanted["checks"])
    );
}

async fn a_metric_that_changes_is_measured_again_beside_the_old_version() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    define(&tenant, &[("spend", spend())], &json!({})).await;
    for part in events(3_000).chunks(3_000) {
        tenant.accept(part).await;
    }
    assert_eq!(tally(&tenant.settled("e", "").await, "spend", "on"), (1_500, "7500".into()));
    tenant.metric("spend", &with(spend(), &json!({"window_days": 5}))).await;
    // From now on every answer is the old one or the new one, whole; events that come meanwhile are in both.
    let mut seen = [false; 2];
    for n in 0..2_000 {
        let results = tenant.results("e", "").await;
        match tally(&results, "spend", "on") {
            (1_500, sum) if sum == "7500" => {
                assert!(!seen[1], "an answer of the old version after one of the new");
                seen[0] = true;
            }
            (1_500, sum) if sum == "3000" => {
                seen[1] = true;
                break;
            }
            other => panic!("{other:?} at read {n}"),
        }
    }
    assert!(seen[1], "the new version never answers");
    built(&tenant).await;
    tenant.accept(&[order("more", "u1", "100", at(2, 0))]).await;
    assert_eq!(tally(&tenant.settled("e", "").await, "spend", "on"), (1_500, "3100".into()));
    // A metric that is added later, and a window of the experiment.
    tenant.metric("bought", &conversion()).await;
    tenant.experiment("e", &with(tests::events::experiment(&["bought", "spend"]), &json!({"window_days": 20}))).await;
    built(&tenant).await;
    let results = tenant.results("e", "").await;
    assert_eq!((tally(&results, "bought", "on").1, tally(&results, "spend", "on").1), ("1500".into(), "3100".into()));
}

async fn what_people_read_changes_at_once() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    define(&tenant, &[("spend", spend())], &json!({})).await;
    tenant.accept(&events(100)).await;
    let before = tenant.results("e", "").await;
    tenant.metric("spend", &with(spend(), &json!({"goal": "decrease", "description": "less is more"}))).await;
    tenant
        .experiment(
            "e",
            &with(tests::events::experiment(&["spend"]), &json!({"name": "Another name", "control": "on"})),
        )
        .await;
    let experiment = tenant.read.get("/v1/experiments/e").expect(200).await;
    assert!(experiment["measuring"].is_null(), "nothing has to be measured again: {experiment}");
    let after = tenant.results("e", "").await;
    assert_eq!((&after["control"], &after["metrics"][0]["goal"]), (&json!("on"), &json!("decrease")));
    assert_eq!(tally(&after, "spend", "on"), tally(&before, "spend", "on"));
}

async fn a_metric_that_is_used_stays() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    define(&tenant, &[("spend", spend())], &json!({})).await;
    let _ = tenant.admin.delete("/v1/metrics/spend").send().await.problem(409, "metric_in_use");
    let made = tenant.admin.put("/v1/metrics/other").json(&conversion()).send().await;
    assert_eq!(made.status, 201);
    let same = tenant.admin.put("/v1/metrics/other").json(&conversion()).send().await;
    assert_eq!((same.status, made.json()["kind"].as_str()), (200, Some("conversion")));
    let list = tenant.read.get("/v1/metrics?limit=1").expect(200).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    let cursor = list["next_cursor"].as_str().unwrap();
    let rest = tenant.read.get("/v1/metrics").query("cursor", cursor).expect(200).await;
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    assert_eq!(tenant.read.get("/v1/metrics/other").expect(200).await["kind"], "conversion");
    let _ = tenant.admin.delete("/v1/metrics/other").expect(204).await;
    let _ = tenant.read.get("/v1/metrics/other").send().await.problem(404, "not_found");
    assert_eq!(tenant.read.get("/v1/experiments").expect(200).await["data"].as_array().unwrap().len(), 1);
    let _ = tenant.admin.delete("/v1/experiments/e").expect(204).await;
    let _ = tenant.read.get("/v1/experiments/e").send().await.problem(404, "not_found");
    let _ = tenant.asking("e", "").send().await.problem(404, "not_found");
}

async fn definitions_are_refused_with_place_and_reason() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("spend", &spend()).await;
    let experiment = |more: Value| with(tests::events::experiment(&["spend"]), &more);
    for (body, code, pointer) in [
        (experiment(json!({"control": "none"})), "unknown_arm", "/control"),
        (experiment(json!({"metrics": ["nothing"]})), "unknown_metric", "/metrics/0"),
        (experiment(json!({"window_days": 0})), "out_of_range", "/window_days"),
        (experiment(json!({"windows": 5})), "unknown_field", "/windows"),
        (experiment(json!({"arms": [{"key": "off", "weight": 0}, {"key": "on"}]})), "out_of_range", "/arms/0/weight"),
        (experiment(json!({"arms": [{"key": "off"}]})), "out_of_range", "/arms"),
        (experiment(json!({"tactic": "magic"})), "unknown_word", "/tactic"),
        (experiment(json!({"dimensions": ["a.b"]})), "invalid_path", "/dimensions/0"),
    ] {
        let answer = tenant.admin.put("/v1/experiments/e").json(&body).invalid().send().await;
        let problem = answer.problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    for (body, code, pointer) in [
        (json!({"kind": "miracle", "event": "A"}), "unknown_word", "/kind"),
        (json!({"kind": "sum"}), "missing_field", "/event"),
        (json!({"kind": "conversion", "event": "A", "cap": 5}), "out_of_place", "/cap"),
        (json!({"kind": "retention", "event": "*", "from_day": 7, "to_day": 7}), "out_of_range", "/to_day"),
    ] {
        let answer = tenant.admin.put("/v1/metrics/m").json(&body).invalid().send().await;
        let problem = answer.problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let broken = tenant.admin.put("/v1/metrics/m").bytes("application/json", &b"{"[..]).invalid().send().await;
    let _ = broken.problem(400, "malformed_json");
}
