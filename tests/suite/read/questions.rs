//! Questions that make no sense are refused with the parameter and the remedy.

use serde_json::json;
use tests::World;

tests::cases![
    parameters_that_are_not_known_or_have_no_such_value,
    the_plan_is_told_from_exploration,
    explanations_hold_the_sums_and_formulas,
    lists_are_cut_into_parts,
];

async fn parameters_that_are_not_known_or_have_no_such_value() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    for (query, parameter) in [
        ("confidnce=0.9", "confidnce"),
        ("confidence=2", "confidence"),
        ("confidence=NaN", "confidence"),
        ("maturity=ripe", "maturity"),
        ("as_of=yesterday", "as_of"),
        ("as_of=2026-02-30", "as_of"),
        ("method=guess", "method"),
        ("adjust=much", "adjust"),
        ("cuped=maybe", "cuped"),
        ("crossovers=ignore", "crossovers"),
        ("baseline=nobody", "baseline"),
        ("metric=nothing", "metric"),
        ("by=shoe_size", "by"),
        ("consistency=some", "consistency"),
        ("explain=2", "explain"),
        ("metric=spend&metric=bought", "metric"),
    ] {
        let answer = tenant.asking("e", query).invalid().send().await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(parameter), "{problem}");
    }
    let _ = tenant.asking("nothing", "").send().await.problem(404, "not_found");
    let long = tenant.read.get(&format!("/v1/experiments/{}/results", "x".repeat(300))).invalid().send().await;
    assert!([400, 404].contains(&long.status));
}

async fn the_plan_is_told_from_exploration() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    for (query, exploratory) in [
        ("", false),
        ("crossovers=first", false),
        ("crossovers=exclude", true),
        ("baseline=on", true),
        ("as_of=2026-11-01", false),
        ("cuped=false", false),
        ("cuped=true", true),
        ("method=sequential", false),
        ("method=frequentist", true),
    ] {
        let results = tenant.results("e", query).await;
        assert_eq!(results["exploratory"], exploratory, "{query}");
    }
    let one = tenant.results("e", "metric=spend&baseline=on").await;
    assert_eq!(one["metrics"].as_array().unwrap().len(), 1);
    assert_eq!((&one["control"], &one["baseline"]), (&json!("off"), &json!("on")));
    // Each way round, the difference changes its sign.
    let other = tenant.results("e", "metric=spend").await;
    let difference = |results: &serde_json::Value, arm: &str| {
        tests::events::arm(results, "spend", arm)["versus_control"]["difference"]["value"].as_f64().unwrap()
    };
    assert!((difference(&one, "off") + difference(&other, "on")).abs() < 1e-12);
    let wide = async |confidence: &str| {
        let results = tenant.results("e", &format!("metric=spend&confidence={confidence}")).await;
        let found = tests::events::arm(&results, "spend", "on")["versus_control"]["difference"].clone();
        found["high"].as_f64().unwrap() - found["low"].as_f64().unwrap()
    };
    assert!(wide("0.8").await < wide("0.99").await);
}

async fn explanations_hold_the_sums_and_formulas() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let results = tenant.results("e", "explain=true").await;
    let arm = tests::events::arm(&results, "spend", "on");
    assert!(
        results["explain"].is_object() && arm["explain"].is_object() && arm["versus_control"]["explain"].is_object(),
        "{results}"
    );
    // Whoever has the tally can compute the mean again.
    let tally = &arm["tally"];
    let mean = tally["sum"].as_str().unwrap().parse::<f64>().unwrap() / tally["count"].as_f64().unwrap();
    assert!((mean - arm["value"].as_f64().unwrap()).abs() < 1e-12);
}

async fn lists_are_cut_into_parts() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("m", &json!({"kind": "sum", "event": "A"})).await;
    for n in 0..7 {
        tenant.experiment(&format!("e{n}"), &tests::events::experiment(&["m"])).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut call = tenant.read.get("/v1/experiments?limit=3");
        if let Some(cursor) = &cursor {
            call = call.query("cursor", cursor);
        }
        let part = call.expect(200).await;
        seen.extend(part["data"].as_array().unwrap().iter().map(|e| e["key"].as_str().unwrap().to_owned()));
        match part["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(seen, ["e0", "e1", "e2", "e3", "e4", "e5", "e6"]);
    for query in ["limit=0", "limit=501", "limit=x", "cursor=nonsense", "page=2"] {
        let answer = tenant.read.get(&format!("/v1/experiments?{query}")).invalid().send().await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
    }
    for _ in 0..3 {
        world.tenant().await;
    }
    let tenants = world.operator().get("/v1/tenants?limit=2").expect(200).await;
    assert_eq!(tenants["data"].as_array().unwrap().len(), 2);
    assert!(tenants["next_cursor"].is_string());
}
