//! Definitions that come later or change: measured again from the events, beside the old version.

use std::time::Duration;

use serde_json::{Value, json};
use tests::events::{exposure, order, with};
use tests::{Tenant, World};

use super::{at, conversion, define, spend, tally};

tests::cases![
    an_experiment_that_is_defined_after_its_events,
    a_metric_that_is_added_counts_as_if_it_had_always_been_there,
    a_person_that_cannot_be_stored_keeps_no_version_from_being_built,
    a_person_that_cannot_be_stored_keeps_no_event_from_being_measured,
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

/// The new version is made from what is stored under the old one, while links, refunds and late events keep coming.
async fn a_metric_that_is_added_counts_as_if_it_had_always_been_there() {
    let world = World::new().await;
    let (grown, always) = (world.tenant().await, world.tenant().await);
    let views = json!({"kind": "count", "event": "Product Viewed", "where": {"properties.category": "boots"}});
    let metrics = [("bought", conversion()), ("spend", spend()), ("views", views)];
    let dimensions = json!({"dimensions": ["properties.category"]});
    define(&grown, &metrics[..1], &dimensions).await;
    define(&always, &metrics, &dimensions).await;
    let view = |n: usize, day: i64, category: &str| {
        json!({"event_id": format!("v{n}-{day}"), "anonymous_id": format!("a{n}"), "name": "Product Viewed",
            "occurred_at": at(n as i64 % 5 + day, 1).to_rfc3339(), "properties": {"category": category}})
    };
    let link = |n: usize| {
        json!({"event_id": format!("l{n}"), "user_id": format!("u{n}"), "anonymous_id": format!("a{n}"), "name": "Signed In",
            "occurred_at": at(n as i64 % 5 + 3, 2).to_rfc3339()})
    };
    let refund = |n: usize| {
        with(
            order(&format!("r{n}"), &format!("u{n}"), "1", at(n as i64 % 5 + 2, 3)),
            &json!({"name": "Order Refunded"}),
        )
    };
    let views = (0..400).flat_map(|n| [view(n, -2, "shoes"), view(n, 0, "boots"), view(n, 4, "boots")]);
    let first: Vec<Value> = events(400).into_iter().chain(views).chain((0..200).map(link)).collect();
    let late: Vec<Value> =
        (200..400).map(link).chain((0..300).map(refund)).chain((0..90).map(|n| view(n, 1, "boots"))).collect();
    for part in first.chunks(500) {
        grown.accept(part).await;
        always.accept(part).await;
    }
    world.caught_up(&grown).await;
    define(&grown, &metrics, &dimensions).await;
    for part in late.chunks(100) {
        grown.accept(part).await;
        always.accept(part).await;
    }
    built(&grown).await;
    let query = "explain=true&by=properties.category";
    let (wanted, found) = (always.settled("e", query).await, grown.settled("e", query).await);
    // 200 persons in the arm spend 5 each and get 1 back in three of four cases.
    assert_eq!(tally(&wanted, "spend", "on"), (200, "850".into()));
    for part in ["arms", "metrics", "checks", "breakdown"] {
        assert_eq!(found[part], wanted[part], "{part}");
    }
}

async fn a_person_that_cannot_be_stored_keeps_no_version_from_being_built() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    for part in events(60).chunks(500) {
        tenant.accept(part).await;
    }
    world.caught_up(&tenant).await;
    // A row that no transaction gets past, as one that is too large would be.
    let refuse = "ALTER TABLE contribution ADD CONSTRAINT poison CHECK (person <> 'u:u7')";
    sqlx::raw_sql(refuse).execute(&world.superuser().await).await.unwrap();
    define(&tenant, &[("spend", spend())], &json!({})).await;
    built(&tenant).await;
    let results = tenant.results("e", "").await;
    assert_eq!(tally(&results, "spend", "on"), (29, "145".into()), "everyone but the one");
    assert_eq!(tally(&results, "spend", "off"), (30, "150".into()));
    let aside = &results["fresh"]["set_aside"];
    assert_eq!(aside[0]["person"], "u:u7", "{aside}");
    assert!(aside[0]["reason"].as_str().is_some_and(|reason| reason.contains("poison")), "{aside}");
}

async fn a_person_that_cannot_be_stored_keeps_no_event_from_being_measured() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    define(&tenant, &[("spend", spend())], &json!({})).await;
    let superuser = world.superuser().await;
    let refuse = "ALTER TABLE contribution ADD CONSTRAINT poison CHECK (person <> 'u:u7')";
    sqlx::raw_sql(refuse).execute(&superuser).await.unwrap();
    // All at once, so that rows of the queue name the one and others.
    tenant.accept(&events(60)).await;
    world.caught_up(&tenant).await;
    let results = tenant.results("e", "").await;
    assert_eq!(tally(&results, "spend", "on"), (29, "145".into()), "everyone but the one");
    assert_eq!(tally(&results, "spend", "off"), (30, "150".into()));
    assert_eq!(results["fresh"]["set_aside"][0]["person"], "u:u7");
    // What was claimed of the one is not lost.
    sqlx::raw_sql("ALTER TABLE contribution DROP CONSTRAINT poison").execute(&superuser).await.unwrap();
    tenant.accept(&[order("more", "u7", "100", at(2, 0))]).await;
    world.caught_up(&tenant).await;
    let results = tenant.results("e", "").await;
    assert_eq!(tally(&results, "spend", "on"), (30, "250".into()));
    assert_eq!(results["fresh"]["set_aside"], json!([]));
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
