//! Weights that change on the way: arms are compared within phases, and what looks like an effect across them is none.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tests::events::{arm, check, exposure, metric, order, with};
use tests::moment::{days_ago, text};
use tests::{Tenant, World};

tests::cases![
    the_paradox_is_read_rightly_within_phases,
    other_weights_of_a_running_experiment_begin_a_phase,
    phases_without_sense_are_refused,
    probabilities_told_by_exposures_make_strata,
];

/// Persons of an arm exposed at a time, so many of whom buy the day after.
async fn expose(tenant: &Tenant, at: DateTime<Utc>, cells: &[(&str, u32, u32)], probability: Option<&str>) {
    let mut events = Vec::new();
    for (arm, persons, buyers) in cells {
        for n in 0..*persons {
            let user = format!("{arm} {n} {at}");
            let mut shown = exposure(&format!("x {user}"), &user, "e", arm, at);
            if let Some(probability) = probability {
                let own = if *arm == "off" {
                    probability.to_owned()
                } else {
                    format!("{:.1}", 1.0 - probability.parse::<f64>().unwrap())
                };
                shown["properties"]["probability"] = json!(own);
            }
            events.push(shown);
            if n < *buyers {
                events.push(order(&format!("o {user}"), &user, "10", at + chrono::TimeDelta::days(1)));
            }
        }
    }
    for some in events.chunks(5_000) {
        let _ = tests::world::deliver(&tenant.ingest, some).await;
    }
}

async fn tenant(world: &World, more: &Value) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.experiment("e", &with(tests::events::experiment(&["bought", "spend"]), more)).await;
    tenant
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// 30 % buy in the first phase and 6 % in the second one, a sixth less in the arm; and the arm is large when most buy.
const FIRST: [(&str, u32, u32); 2] = [("off", 300, 90), ("on", 2_700, 675)];
const SECOND: [(&str, u32, u32); 2] = [("off", 2_700, 162), ("on", 300, 15)];

fn is_read_rightly(results: &Value) {
    for key in ["bought", "spend"] {
        let versus = &arm(results, key, "on")["versus_control"];
        // Half of all persons in each phase: the arm has 25 % and 5 % where control has 30 % and 6 %.
        let unit = if key == "spend" { 10.0 } else { 1.0 };
        assert!((number(&versus["difference"]["value"]) + 0.03 * unit).abs() < 1e-9, "{versus}");
        assert!((number(&versus["lift"]["value"]) + 1.0 / 6.0).abs() < 1e-9);
        assert!((number(&arm(results, key, "off")["value"]) - 0.18 * unit).abs() < 1e-9);
        assert!(number(&versus["difference"]["low"]) < number(&versus["difference"]["high"]));
        assert_eq!((&versus["causal"], &versus["anytime"]), (&json!(true), &json!(true)));
        assert!(versus["causal_reason"].as_str().unwrap().contains("within phases"));
        assert_ne!(versus["verdict"], "better");
        let notes = metric(results, key)["notes"].to_string();
        assert!(notes.contains("compared within phases of constant weights"), "{notes}");
    }
    // Across phases the arm seems to sell twice as much.
    let sold = |key: &str| arm(results, "bought", key)["tally"]["sum"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(sold("on") / 3_000.0 > 2.0 * sold("off") / 3_000.0);
    for name in ["sample_ratio", "covariate_balance", "crossover_balance"] {
        assert_eq!(check(results, name)["ok"], true, "{}", check(results, name));
    }
}

async fn the_paradox_is_read_rightly_within_phases() {
    let world = World::new().await;
    let phases = json!([
        {"weights": {"off": 1, "on": 9}},
        {"from": text(days_ago(40)), "weights": {"off": 9, "on": 1}}
    ]);
    let arms = json!([{"key": "off"}, {"key": "on"}]);
    let tenant = tenant(&world, &json!({"phases": phases, "arms": arms, "dimensions": ["device"]})).await;
    let defined = tenant.read.get("/v1/experiments/e").expect(200).await;
    assert_eq!(defined["dimensions"], json!(["device", "exposure.phase"]));
    assert_eq!(defined["arms"][0]["weight"], 9, "the weights of arms are those of the last phase");
    expose(&tenant, days_ago(50), &FIRST, None).await;
    expose(&tenant, days_ago(30), &SECOND, None).await;
    let results = tenant.settled("e", "by=exposure.phase").await;
    is_read_rightly(&results);
    let told = &results["phases"];
    assert_eq!(told[0]["value"], "start");
    assert_eq!(told[0]["arms"][1], json!({"arm": "on", "weight": 9.0, "persons": 2_700}));
    assert_eq!((&told[1]["value"], &told[1]["arms"][1]["persons"]), (&json!(text(days_ago(40))), &json!(300)));
    // Each phase by itself is a comparison like any other.
    for value in results["breakdown"]["values"].as_array().unwrap() {
        let versus = &arm(value, "bought", "on")["versus_control"];
        assert_eq!(versus["causal"], true, "{versus}");
        assert!((number(&versus["lift"]["value"]) + 1.0 / 6.0).abs() < 1e-9);
    }
    assert_eq!(check(&results, "sample_ratio_by_dimension")["ok"], true);
    // Under every method, and day by day.
    for method in ["frequentist", "bayesian"] {
        let results = tenant.settled("e", &format!("method={method}")).await;
        let versus = &arm(&results, "spend", "on")["versus_control"];
        assert!((number(&versus["difference"]["value"]) + 0.3).abs() < 1e-9, "{versus}");
        assert!(number(&versus["lift"]["low"]) < number(&versus["lift"]["high"]));
    }
    let days = tenant.read.get("/v1/experiments/e/timeline?metric=spend").expect(200).await;
    let last = days["points"].as_array().unwrap().last().unwrap().clone();
    let versus = &last["arms"][1]["versus_control"];
    assert!((number(&versus["difference"]["value"]) + 0.3).abs() < 1e-9, "{versus}");
    // By any other dimension the phases are mixed, and nothing is an effect.
    let segments = tenant.read.get("/v1/experiments/e/segments?by=device").expect(200).await;
    let versus = &segments["values"][0]["arms"][1]["versus_control"];
    assert_eq!(versus["causal"], false);
    assert!(["inconclusive", "no_data"].contains(&versus["verdict"].as_str().unwrap()));
    let composition = check(&segments, "sample_ratio_by_dimension");
    assert!(composition["message"].as_str().unwrap().contains("exposure.phase"), "{composition}");
    // With the weights of the wrong time the arms' sizes do not fit, and the check says in which phase.
    let wrong = json!([{"weights": {"off": 1, "on": 9}}, {"from": text(days_ago(20)), "weights": {"off": 9, "on": 1}}]);
    let body = with(tests::events::experiment(&["bought", "spend"]), &json!({"phases": wrong, "arms": arms}));
    tenant.experiment("e", &body).await;
    world.caught_up(&tenant).await;
    let results = tenant.settled("e", "").await;
    let sizes = check(&results, "sample_ratio");
    assert_eq!(sizes["ok"], false, "{sizes}");
    assert!(sizes["message"].as_str().unwrap().contains("in the phase start"), "{sizes}");
}

async fn other_weights_of_a_running_experiment_begin_a_phase() {
    let world = World::new().await;
    let tenant = tenant(&world, &json!({})).await;
    let put = async |arms: Value, phases: Option<Value>| {
        let mut body = with(tests::events::experiment(&["bought", "spend"]), &json!({"arms": arms}));
        if let Some(phases) = phases {
            body["phases"] = phases;
        }
        tenant.admin.put("/v1/experiments/e").json(&body).expect(200).await
    };
    let weights = |off: u32, on: u32| json!([{"key": "off", "weight": off}, {"key": "on", "weight": on}]);
    // Before anybody was exposed other weights are just others.
    assert_eq!(put(weights(2, 1), None).await["phases"], json!([]));
    expose(&tenant, days_ago(30), &[("off", 20, 3), ("on", 10, 3)], None).await;
    // The same shares are no change.
    assert_eq!(put(weights(4, 2), None).await["phases"], json!([]));
    let begun = put(weights(1, 9), None).await;
    assert_eq!(begun["phases"][0], json!({"from": null, "weights": {"off": 4, "on": 2}}), "{begun}");
    assert_eq!(begun["phases"][1]["weights"], json!({"off": 1, "on": 9}));
    assert!(begun["phases"][1]["from"].as_str().unwrap() > text(days_ago(1)).as_str());
    assert_eq!(begun["dimensions"], json!(["exposure.phase"]));
    // Sent again, with the phases or without, nothing begins.
    assert_eq!(put(weights(1, 9), None).await["phases"], begun["phases"]);
    assert_eq!(put(weights(1, 9), Some(begun["phases"].clone())).await["phases"], begun["phases"]);
    // An answer that is changed and sent back begins one too.
    let third = put(weights(1, 1), Some(begun["phases"].clone())).await;
    assert_eq!(third["phases"].as_array().unwrap().len(), 3);
    world.caught_up(&tenant).await;
    let results = tenant.settled("e", "").await;
    assert_eq!(results["phases"].as_array().unwrap().len(), 1, "{}", results["phases"]);
    assert_eq!(check(&results, "sample_ratio")["ok"], true);
}

async fn phases_without_sense_are_refused() {
    let world = World::new().await;
    let tenant = tenant(&world, &json!({})).await;
    let refused = async |phases: Value| {
        let body = with(tests::events::experiment(&["bought"]), &json!({"phases": phases}));
        tenant.admin.put("/v1/experiments/e").json(&body).expect(400).await["errors"][0].clone()
    };
    let at = |days| text(days_ago(days));
    let one = json!({"off": 1, "on": 1});
    for (phases, pointer) in [
        (json!([{"weights": one}, {"weights": one}]), "/phases/1/from"),
        (json!([{"from": at(3), "weights": one}, {"from": at(5), "weights": one}]), "/phases/1/from"),
        (json!([{"weights": {"off": 1}}]), "/phases/0/weights/on"),
        (json!([{"weights": {"off": 0, "on": 0}}]), "/phases/0/weights"),
        (json!([{"weights": {"off": 1, "on": 1, "more": 1}}]), "/phases/0/weights/more"),
        (json!([{"weights": one}, {"from": at(3), "weights": {"off": 1, "on": 9}}]), "/arms/0/weight"),
    ] {
        let error = refused(phases).await;
        assert_eq!(error["pointer"], pointer, "{error}");
    }
}

async fn probabilities_told_by_exposures_make_strata() {
    let world = World::new().await;
    let tenant = tenant(&world, &json!({"dimensions": ["exposure.probability"]})).await;
    expose(&tenant, days_ago(50), &FIRST, Some("0.1")).await;
    expose(&tenant, days_ago(30), &SECOND, Some("0.9")).await;
    let results = tenant.settled("e", "").await;
    is_read_rightly(&results);
    assert_eq!(results["phases"][0]["dimension"], "exposure.probability");
    assert_eq!(results["phases"][0]["value"], "0.1");
}
