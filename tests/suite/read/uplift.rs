//! Whether a score that was known before the exposure finds those who respond.

use serde_json::{Value, json};
use tests::events::{check, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![
    a_score_that_ranks_responses_has_a_curve_above_the_line,
    an_engine_that_scores_those_it_treats_claims_nothing,
    questions_without_a_score_are_refused,
];

async fn tenant(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant
        .metric(
            "basket",
            &json!({"kind": "ratio", "numerator": {"event": "Order Completed", "of": "value"},
                "denominator": {"event": "Order Completed", "of": "count"}}),
        )
        .await;
    let body = with(
        tests::events::experiment(&["bought", "basket"]),
        &json!({"dimensions": ["device", "bin(properties.score,0.1)"]}),
    );
    tenant.experiment("e", &body).await;
    tenant
}

/// A person in an arm with a score in tenths, and whether it buys.
fn person(user: &str, arm: &str, tenths: Option<u32>, buys: bool) -> Vec<Value> {
    let at = days_ago(30);
    let mut shown = exposure(&format!("x {user}"), user, "e", arm, at);
    if let Some(tenths) = tenths {
        shown["properties"]["score"] = json!(f64::from(tenths) / 10.0 + 0.05);
    }
    let mut events = vec![shown];
    if buys {
        events.push(order(&format!("o {user}"), user, "10", at + chrono::TimeDelta::days(1)));
    }
    events
}

async fn send(tenant: &Tenant, events: &[Value]) {
    for some in events.chunks(5_000) {
        let _ = tests::world::deliver(&tenant.ingest, some).await;
    }
}

async fn uplift(tenant: &Tenant, query: &str) -> Value {
    for _ in 0..60 {
        let told = tenant.read.get(&format!("/v1/experiments/e/uplift?{query}")).expect(200).await;
        if told["fresh"]["pending_subjects"] == 0 {
            return told;
        }
    }
    panic!("the measurement never catches up");
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

async fn a_score_that_ranks_responses_has_a_curve_above_the_line() {
    let world = World::new().await;
    let tenant = tenant(&world).await;
    let mut events = Vec::new();
    // In each tenth 60 persons an arm. Control buys as the score says; the arm adds 4 % in the lowest tenth, 40 % in the highest.
    for tenths in 0..10u32 {
        for n in 0..60u32 {
            let buyers = [60 * (2 * tenths + 1) / 20, 60 * (2 * tenths + 1) / 20 + 12 * (tenths + 1) / 10];
            for (arm, buyers) in ["off", "on"].into_iter().zip(buyers) {
                events.extend(person(&format!("{arm} {tenths} {n}"), arm, Some(tenths), n < buyers.min(60)));
            }
        }
    }
    events.extend((0..10).flat_map(|n| person(&format!("none {n}"), ["off", "on"][n % 2], None, false)));
    send(&tenant, &events).await;
    let told = uplift(&tenant, "score=properties.score").await;
    assert_eq!(
        (&told["metric"], &told["dimension"], &told["without_score"]),
        (&json!("bought"), &json!("bin(properties.score,0.1)"), &json!(10))
    );
    let deciles = told["deciles"].as_array().unwrap();
    assert_eq!(deciles.len(), 10);
    for (at, decile) in deciles.iter().enumerate() {
        assert_eq!((&decile["persons"], &decile["bins"]), (&json!(120), &json!(1)));
        assert!((number(&decile["from"]) - at as f64 / 10.0).abs() < 1e-12);
        let calibration = &decile["calibration"];
        assert_eq!((&calibration["persons"], &calibration["agrees"]), (&json!(60), &json!(true)), "{calibration}");
        assert_eq!(calibration["causal"], false);
        let versus = &decile["arms"][1]["versus_control"];
        assert_eq!(versus["adjusted"]["size"], 10, "the deciles are a family of their own");
        assert_eq!(versus["causal"], true);
    }
    assert_eq!(told["calibration"]["agrees"], true);
    let qini = &told["qini"][0];
    assert_eq!((&qini["arm"], &qini["causal"], &qini["anytime"]), (&json!("on"), &json!(true), &json!(false)));
    let points = qini["points"].as_array().unwrap();
    assert_eq!(points.len(), 10);
    // Equal arms in equal tenths: the gains add up what the arm added, over all its 600 persons.
    let (mut gain, mut area) = (0.0, 0.0);
    for (at, point) in points.iter().enumerate() {
        let tenths = 9 - u32::try_from(at).unwrap();
        let control = 60 * (2 * tenths + 1) / 20;
        let added = (control + 12 * (tenths + 1) / 10).min(60) - control;
        area += 0.1 * (gain + f64::from(added) / 1200.0);
        gain += f64::from(added) / 600.0;
        assert!((number(&point["gain"]["value"]) - gain).abs() < 1e-9, "{point}");
        assert!(number(&point["gain"]["low"]) < gain && gain < number(&point["gain"]["high"]));
    }
    let coefficient = &qini["coefficient"];
    assert!((number(&coefficient["value"]) - (area - gain / 2.0)).abs() < 1e-9, "{coefficient}");
    assert!(number(&coefficient["low"]) < number(&coefficient["high"]));
    assert!(qini["reason"].is_null());
    // A ratio has deciles, and no curve.
    let told = uplift(&tenant, "metric=basket").await;
    assert!(told["qini"][0]["reason"].as_str().unwrap().contains("means and shares"), "{}", told["qini"]);
    assert!(told["calibration"].is_null() && told["calibration_reason"].is_string());
}

async fn an_engine_that_scores_those_it_treats_claims_nothing() {
    let world = World::new().await;
    let tenant = tenant(&world).await;
    // Only the treated have a score, and the best customers, who buy anyway, have the highest.
    let mut events = Vec::new();
    for n in 0..600u32 {
        let buys = n % 10 >= 7;
        events.extend(person(&format!("off {n}"), "off", None, buys));
        events.extend(person(&format!("on {n}"), "on", Some(n % 10), buys));
    }
    send(&tenant, &events).await;
    let told = uplift(&tenant, "score=properties.score").await;
    let failed = check(&told, "sample_ratio_by_dimension");
    assert_eq!((&failed["ok"], &failed["blocking"]), (&json!(false), &json!(true)));
    let qini = &told["qini"][0];
    assert_eq!((&qini["causal"], &qini["coefficient"]["value"]), (&json!(false), &Value::Null));
    assert!(qini["reason"].as_str().unwrap().contains("sample_ratio_by_dimension"), "{qini}");
    for decile in told["deciles"].as_array().unwrap() {
        let versus = &decile["arms"][1]["versus_control"];
        assert_eq!(versus["causal"], false);
        assert!(["inconclusive", "no_data"].contains(&versus["verdict"].as_str().unwrap()), "{versus}");
    }
}

async fn questions_without_a_score_are_refused() {
    let world = World::new().await;
    let tenant = tenant(&world).await;
    let told = uplift(&tenant, "").await;
    assert_eq!((&told["deciles"], &told["without_score"]), (&json!([]), &json!(0)), "nobody was exposed yet");
    assert!(told["qini"][0]["reason"].is_string() && told["calibration_reason"].is_string());
    let refused = async |query: &str| {
        tenant.read.get(&format!("/v1/experiments/e/uplift?{query}")).expect(400).await["detail"].to_string()
    };
    assert!(refused("score=properties.rank").await.contains("bin(properties.rank,0.05)"));
    assert!(refused("metric=nothing").await.contains("bought"));
    tenant.read.get("/v1/experiments/none/uplift").expect(404).await;
    tenant.experiment("plain", &tests::events::experiment(&["bought"])).await;
    let refused = tenant.read.get("/v1/experiments/plain/uplift").expect(400).await;
    assert!(refused["detail"].as_str().unwrap().contains("bin(properties.score,0.05)"), "{refused}");
}
