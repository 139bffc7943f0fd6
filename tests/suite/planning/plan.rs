//! How an experiment is judged is fixed by the first exposure that counts.

use serde_json::{Value, json};
use tests::events::{arm, experiment, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![
    it_changes_until_an_exposure_counts,
    afterwards_it_stays_and_everything_else_changes,
    dates_that_move_do_not_set_it_free,
    what_was_planned_is_what_results_use,
    an_archived_experiment_keeps_its_plan,
];

/// The experiment `e` with this plan.
fn planned(method: &str, persons: u32, cuped: bool) -> Value {
    let uses = json!([{"metric": "spend", "role": "primary", "cuped": cuped}, "bought"]);
    with(experiment(&[]), &json!({"method": method, "planned_persons": persons, "metrics": uses}))
}

async fn tenant(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant
}

async fn it_changes_until_an_exposure_counts() {
    let world = World::new().await;
    let tenant = tenant(&world).await;
    let dated = |body: Value| with(body, &json!({"starts_at": tests::moment::text(days_ago(10))}));
    tenant.experiment("e", &dated(experiment(&["spend"]))).await;
    let found = tenant.read.get("/v1/experiments/e").expect(200).await;
    assert_eq!((&found["method"], &found["planned_persons"]), (&json!("sequential"), &json!(5000)));
    assert_eq!(found["metrics"][0]["cuped"], false);
    // An exposure before the start, and one to an arm that there is not, count for nobody.
    tenant
        .accept(&[exposure("1", "early", "e", "on", days_ago(11)), exposure("2", "lost", "e", "other", days_ago(5))])
        .await;
    tenant.experiment("e", &dated(planned("frequentist", 8000, true))).await;
    let found = tenant.read.get("/v1/experiments/e").expect(200).await;
    assert_eq!((&found["planned_persons"], &found["metrics"][0]["cuped"]), (&json!(8000), &json!(true)));
    // What is answered may be sent back.
    assert_eq!(tenant.admin.put("/v1/experiments/e").json(&found).send().await.status, 200);
    // One that counts, not measured by anything yet: it is fixed from its acknowledgement on.
    tenant.accept(&[exposure("3", "early", "e", "on", days_ago(9))]).await;
    let refused = tenant.admin.put("/v1/experiments/e").json(&dated(planned("sequential", 8000, true))).send().await;
    let _ = refused.problem(409, "plan_fixed");
    for (body, pointer) in [
        (planned("frequentist", 0, true), "/planned_persons"),
        (with(planned("frequentist", 1, true), &json!({"planned_persons": -5})), "/planned_persons"),
        (
            with(planned("frequentist", 1, true), &json!({"metrics": [{"metric": "spend", "cuped": "yes"}]})),
            "/metrics/0/cuped",
        ),
    ] {
        let answer = tenant.admin.put("/v1/experiments/e").json(&body).invalid().send().await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["pointer"]),
            (400, &json!(pointer)),
            "{}",
            answer.text()
        );
    }
}

async fn afterwards_it_stays_and_everything_else_changes() {
    let world = World::new().await;
    let (tenant, other) = (tenant(&world).await, tenant(&world).await);
    tenant.experiment("e", &planned("sequential", 8000, false)).await;
    tenant.accept(&[exposure("1", "u", "e", "on", days_ago(20))]).await;
    let refused = tenant.admin.put("/v1/experiments/e").json(&planned("bayesian", 5000, true)).send().await;
    let problem = refused.problem(409, "plan_fixed");
    let faults = problem["errors"].as_array().unwrap();
    let pointers: Vec<&str> = faults.iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/method", "/planned_persons", "/metrics/0/cuped"], "{problem}");
    for (fault, told) in faults.iter().zip([
        ["method is sequential", "bayesian", "?method=bayesian", "a new experiment"],
        ["planned_persons is 8000", "5000", "/v1/analyze", "a new experiment"],
        ["cuped of the metric spend is false", "true", "?cuped=true", "a new experiment"],
    ]) {
        let detail = fault["detail"].as_str().unwrap();
        assert!(told.iter().all(|part| detail.contains(part)), "{told:?} in {detail}");
    }
    // Nothing of it was taken.
    let found = tenant.read.get("/v1/experiments/e").expect(200).await;
    assert_eq!(
        (&found["method"], &found["planned_persons"], &found["name"]),
        (&json!("sequential"), &json!(8000), &json!("On or off"))
    );
    // The rest changes; a metric that joins brings its own plan, which is fixed from then on.
    tenant.metric("orders", &json!({"kind": "count", "event": "Order Completed"})).await;
    let joined = json!({"name": "Another", "metrics": [
        {"metric": "orders", "cuped": true}, {"metric": "spend", "role": "secondary"}, {"metric": "bought", "role": "primary"}]});
    tenant.experiment("e", &with(planned("sequential", 8000, false), &joined)).await;
    let again = json!({"name": "Another", "metrics": ["orders", {"metric": "spend", "cuped": false}]});
    let refused =
        tenant.admin.put("/v1/experiments/e").json(&with(planned("sequential", 8000, false), &again)).send().await;
    assert_eq!(refused.problem(409, "plan_fixed")["errors"][0]["pointer"], "/metrics/0/cuped");
    // Another tenant's exposures fix nothing here.
    other.experiment("e", &planned("sequential", 8000, false)).await;
    other.experiment("e", &planned("bayesian", 100, true)).await;
}

/// Moving the dates past all exposures, changing the plan, and moving them back would choose a method after having looked.
async fn dates_that_move_do_not_set_it_free() {
    let world = World::new().await;
    let tenant = tenant(&world).await;
    tenant.experiment("e", &planned("sequential", 8000, false)).await;
    tenant.accept(&[exposure("1", "u", "e", "on", days_ago(20))]).await;
    let later = json!({"starts_at": tests::moment::text(days_ago(1))});
    tenant.experiment("e", &with(planned("sequential", 8000, false), &later)).await;
    let moved = with(planned("bayesian", 100, false), &later);
    let refused = tenant.admin.put("/v1/experiments/e").json(&moved).send().await;
    let problem = refused.problem(409, "plan_fixed");
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(2), "{problem}");
    // Back again, it is as it was.
    tenant.experiment("e", &planned("sequential", 8000, false)).await;
    let found = tenant.read.get("/v1/experiments/e").expect(200).await;
    assert_eq!((&found["method"], &found["planned_persons"]), (&json!("sequential"), &json!(8000)));
    // Deleted and defined again it is another experiment.
    let _ = tenant.admin.delete("/v1/experiments/e").expect(204).await;
    tenant.experiment("e", &moved).await;
}

async fn what_was_planned_is_what_results_use() {
    let world = World::new().await;
    let tenant = tenant(&world).await;
    tenant.experiment("e", &planned("sequential", 8000, true)).await;
    let at = days_ago(30);
    let mut events = Vec::new();
    for n in 0..200i64 {
        let user = format!("u{n}");
        let side = if n % 2 == 0 { "off" } else { "on" };
        events.push(exposure(&format!("x{n}"), &user, "e", side, at));
        // Who spent more before spends more after.
        events.push(order(&format!("b{n}"), &user, &format!("{}", 10 + n % 9), at - chrono::TimeDelta::days(2)));
        events.push(order(
            &format!("a{n}"),
            &user,
            &format!("{}", 12 + n % 9 + n % 3),
            at + chrono::TimeDelta::days(2),
        ));
    }
    tenant.accept(&events).await;
    let found = async |query: &str| {
        let results = tenant.results("e", query).await;
        let versus = arm(&results, "spend", "on")["versus_control"].clone();
        (results, versus)
    };
    let (plain, versus) = found("explain=true").await;
    assert_eq!(
        (&plain["planned_persons"], &plain["cuped"], &plain["exploratory"]),
        (&json!(8000), &json!(true), &json!(false))
    );
    assert_eq!(versus["explain"]["used"]["numbers"]["N*"], 8000.0);
    assert!(versus["explain"]["cuped"]["theta"].as_f64().unwrap() > 0.5, "{versus}");
    let told = |results: &Value, key: &str| tests::events::metric(results, key)["cuped"].clone();
    assert_eq!((told(&plain, "spend"), told(&plain, "bought")), (json!(true), json!(false)));
    // As the experiment says of each metric; another reading is exploratory.
    let (same, as_asked) = found("explain=true&cuped=true&metric=spend").await;
    assert_eq!((&as_asked["difference"], &same["exploratory"]), (&versus["difference"], &json!(false)));
    let (whole, _) = found("cuped=true").await;
    assert_eq!(whole["exploratory"], true, "bought was not planned so");
    let (without, unadjusted) = found("cuped=false").await;
    assert_eq!((&without["exploratory"], &without["cuped"]), (&json!(true), &json!(false)));
    assert_ne!(unadjusted["difference"], versus["difference"]);
    let (other, _) = found("method=bayesian").await;
    assert_eq!(other["exploratory"], true);
    let timeline = tenant.read.get("/v1/experiments/e/timeline?metric=spend").expect(200).await;
    let last = timeline["points"].as_array().unwrap().last().unwrap();
    assert_eq!(last["arms"][1]["versus_control"]["difference"], versus["difference"]);
}

async fn an_archived_experiment_keeps_its_plan() {
    let world = World::new().await;
    let tenant = tenant(&world).await;
    tenant.experiment("e", &planned("sequential", 8000, false)).await;
    tenant.accept(&[exposure("1", "u", "e", "on", days_ago(20))]).await;
    let archived = |body: Value| with(body, &json!({"archived": true}));
    tenant.experiment("e", &archived(planned("sequential", 8000, false))).await;
    let refused =
        tenant.admin.put("/v1/experiments/e").json(&archived(planned("frequentist", 8000, false))).send().await;
    let _ = refused.problem(409, "plan_fixed");
    tenant.experiment("e", &with(archived(planned("sequential", 8000, false)), &json!({"name": "Old"}))).await;
}
