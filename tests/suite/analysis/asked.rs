//! Against the results of an experiment, and what is asked beside the sums; sums that nobody can have.

use serde_json::{Value, json};
use tests::World;

use super::{analyze, body, close, number, revenue, versus};

tests::cases![
    the_same_as_the_results_of_an_experiment,
    what_was_planned_is_kept_apart_from_what_was_found,
    sums_that_nobody_can_have_are_refused,
];

async fn the_same_as_the_results_of_an_experiment() {
    let world = World::new().await;
    let tenant = crate::read::example(&world).await;
    for method in ["sequential", "frequentist", "bayesian"] {
        let results = tenant.results("e", &format!("explain=true&method={method}&adjust=none")).await;
        for (metric, kind) in [("bought", "conversion"), ("spend", "sum")] {
            let theirs = tests::events::metric(&results, metric);
            let arms: Vec<Value> = theirs["arms"]
                .as_array()
                .unwrap()
                .iter()
                .map(|arm| {
                    let mut sums = arm["tally"].clone();
                    sums["arm"] = arm["arm"].clone();
                    sums["weight"] = 1.into();
                    if kind == "sum" {
                        sums["sum_of_cubes"] = arm["explain"]["sums"]["sum_of_cubes"].clone();
                    }
                    sums
                })
                .collect();
            let asked = json!({
                "control": "off", "kind": kind, "metric": metric, "arms": arms, "method": method, "role": theirs["role"],
                "adjust": "none", "explain": true
            });
            let ours = analyze(&tenant, &asked).await;
            for at in 0..2 {
                let arm = |answer: &Value| {
                    let mut arm = answer["arms"][at].clone();
                    let told = arm.as_object_mut().unwrap();
                    // An experiment also tells of everyone exposed, and how many join in a day; sums that it does not use for
                    // this metric may be there.
                    told.remove("live");
                    told.remove("explain");
                    if let Some(versus) = told.get_mut("versus_control").and_then(Value::as_object_mut) {
                        versus.remove("sentence");
                        versus.remove("adjusted");
                    }
                    arm
                };
                assert_eq!(arm(&ours), arm(theirs), "{method} {metric}");
            }
            assert_eq!(ours["notes"], theirs["notes"], "{method} {metric}");
        }
    }
}

async fn what_was_planned_is_kept_apart_from_what_was_found() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    // Sizes that do not fit the weights withhold the verdict; without weights nothing says that they should.
    let sizes = |weight: Value| {
        let mut arms = [json!({"count": 5000, "sum": 500}), json!({"count": 9000, "sum": 1200})];
        if !weight.is_null() {
            arms.iter_mut().for_each(|arm| arm["weight"] = weight.clone());
        }
        body("conversion", &arms, &json!({}))
    };
    let answer = analyze(&tenant, &sizes(json!(1))).await;
    let found = versus(&answer);
    assert_eq!((&found["verdict"], &found["causal"]), (&json!("inconclusive"), &json!(false)), "{answer}");
    assert!(answer["notes"].to_string().contains("do not fit their weights"), "{answer}");
    let answer = analyze(&tenant, &sizes(Value::Null)).await;
    assert_eq!(versus(&answer)["verdict"], "better");
    assert!(answer["notes"].to_string().contains("no weights were sent"), "{answer}");
    // Live sums give no verdict, guardrails are judged, and every arm has its place.
    let guarded = json!({"role": "guardrail", "max_harm": "0.05", "maturity": "live", "goal": "decrease"});
    let answer = analyze(&tenant, &body("sum", &revenue(), &guarded)).await;
    assert_eq!((&answer["maturity"], &answer["role"]), (&json!("live"), &json!("guardrail")));
    assert_eq!(versus(&answer)["verdict"], "inconclusive");
    assert!(versus(&answer)["guardrail"]["state"].is_string() && answer["window_days"].is_null(), "{answer}");
    let three = json!({
        "control": "b", "kind": "conversion", "method": "frequentist",
        "arms": [{"arm": "a", "count": 1000, "sum": 100}, {"arm": "b", "count": 1000, "sum": 100}, {"arm": "c", "count": 1000, "sum": 140}]
    });
    let answer = analyze(&tenant, &three).await;
    let arms = &answer["arms"];
    assert!(
        arms[1].get("versus_control").is_none() && arms[0]["versus_control"]["difference"]["value"] == 0.0,
        "{answer}"
    );
    // Holm over both arms: the smaller p-value counts twice.
    let (p, adjusted) = (&arms[2]["versus_control"]["p_value"], &arms[2]["versus_control"]["p_value_adjusted"]);
    close("adjusted", adjusted, 2.0 * number(p));
    // Nobody, and nothing to tell: null with the reason, never a number.
    let nobody = analyze(
        &tenant,
        &body("conversion", &[json!({"count": 0, "sum": 0}), json!({"count": 0, "sum": 0})], &json!({})),
    )
    .await;
    assert!(nobody["arms"][0]["value"].is_null() && nobody["arms"][0]["reasons"]["value"].is_string(), "{nobody}");
    assert_eq!(versus(&nobody)["verdict"], "no_data");
}

async fn sums_that_nobody_can_have_are_refused() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let [control, _] = revenue();
    let second = |kind: &str, arm: Value| {
        let first = if kind == "conversion" { json!({"count": 10, "sum": 1}) } else { control.clone() };
        body(kind, &[first, arm], &json!({}))
    };
    let with = |more: &Value| tests::events::with(body("sum", &revenue(), &json!({})), more);
    for (asked, code, pointer, told) in [
        (
            second("sum", json!({"count": 10, "sum": 100, "sum_of_squares": 999})),
            "impossible_sums",
            "/arms/1/sum_of_squares",
            "at least 1000",
        ),
        (second("conversion", json!({"count": 10, "sum": 11})), "impossible_sums", "/arms/1/sum", "11 of 10"),
        (
            second("sum", json!({"count": -1, "sum": 0, "sum_of_squares": 0})),
            "out_of_range",
            "/arms/1/count",
            "whole number",
        ),
        (second("sum", json!({"count": 10, "sum": 1})), "missing_field", "/arms/1/sum_of_squares", "vary"),
        (with(&json!({"control": "z"})), "unknown_arm", "/control", "a, b"),
        (with(&json!({"kind": "median"})), "unknown_word", "/kind", "sum or conversion or ratio"),
        (
            with(&json!({"arms": [{"arm": "a", "count": 1, "sum": 1, "sum_of_squares": 1}]})),
            "out_of_range",
            "/arms",
            "2 to 50",
        ),
        (with(&json!({"sums": []})), "unknown_field", "/sums", "arms"),
    ] {
        let problem = tenant.read.post("/v1/analyze").json(&asked).invalid().send().await.problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(problem["errors"][0]["detail"].as_str().unwrap().contains(told), "{problem}");
    }
    let _ = tenant
        .read
        .post("/v1/analyze")
        .bytes("application/json", &b"{"[..])
        .invalid()
        .send()
        .await
        .problem(400, "malformed_json");
    let _ = tenant
        .read
        .post("/v1/analyze?explain=true")
        .json(&body("sum", &revenue(), &json!({})))
        .invalid()
        .send()
        .await
        .problem(400, "unknown_parameter");
    let _ = tenant
        .ingest
        .post("/v1/analyze")
        .json(&body("sum", &revenue(), &json!({})))
        .send()
        .await
        .problem(403, "missing_scope");
    let _ = tenant.admin.post("/v1/analyze").json(&body("sum", &revenue(), &json!({}))).expect(200).await;
}
