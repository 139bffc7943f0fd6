//! `/power`: what the traffic can show, and when.

use serde_json::{Value, json};
use tests::events::{experiment, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![
    the_outlook_follows_from_the_traffic,
    what_cannot_be_said_has_its_reason,
    questions_that_make_no_sense_are_refused,
];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

async fn power(tenant: &Tenant, query: &str) -> Value {
    tenant.read.get(&format!("/v1/experiments/e/power?{query}")).expect(200).await
}

fn split<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let splits = answer["arms"][0]["splits"].as_array().unwrap();
    splits.iter().find(|split| split["split"] == name).unwrap_or_else(|| panic!("no split {name} in {answer}"))
}

fn method<'a>(answer: &'a Value, of: &str, name: &str) -> &'a Value {
    let methods = split(answer, of)["methods"].as_array().unwrap();
    methods.iter().find(|method| method["method"] == name).unwrap_or_else(|| panic!("no method {name} in {answer}"))
}

/// 40 persons a day for 15 days, up to yesterday, a week each: three of four in control, of whom a quarter buys.
async fn example(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed", "goal": "decrease"})).await;
    let weights = json!({"arms": [{"key": "off", "weight": 3}, {"key": "on", "weight": 1}], "window_days": 7});
    tenant.experiment("e", &with(experiment(&["bought", "spend"]), &weights)).await;
    let mut events = Vec::new();
    for n in 0..600u64 {
        let (user, at) = (format!("u{n}"), days_ago(15 - n / 40));
        events.push(exposure(&format!("x{n}"), &user, "e", if n % 4 == 3 { "on" } else { "off" }, at));
        if n % 16 < 4 {
            events.push(order(&format!("o{n}"), &user, &format!("{}", 10 + n % 7), at + chrono::TimeDelta::hours(5)));
        }
    }
    tenant.accept(&events).await;
    tenant
}

async fn the_outlook_follows_from_the_traffic() {
    let world = World::new().await;
    let tenant = example(&world).await;
    let answer = power(&tenant, "mde=0.2").await;
    assert_eq!(
        (&answer["metric"], &answer["kind"], &answer["method"]),
        (&json!("bought"), &json!("conversion"), &json!("sequential"))
    );
    assert_eq!((&answer["mde"]["lift"], &answer["mde"]["from"]), (&json!(0.2), &json!("asked")));
    assert_eq!(
        (&answer["planned_persons"], &answer["window_days"], &answer["maturity"]),
        (&json!(5000), &json!(7), &json!("matured"))
    );
    assert_eq!(answer["traffic"], json!({"persons_per_day": 40.0, "reason": null}));
    let arm = &answer["arms"][0];
    assert_eq!((&arm["arm"], &arm["persons"], &arm["exposed"]), (&json!("on"), &json!(320), &json!(600)));
    // Those of the first eight days have matured: 240 in control, of whom 60 bought.
    let rate = 0.25;
    assert!((number(&arm["value"]) - rate).abs() < 1e-12, "{arm}");
    assert!((number(&arm["difference"]) - 0.2 * rate).abs() < 1e-12, "{arm}");
    // By the normal formula of textbooks; Student's t adds little at these numbers: source scipy's normal quantiles.
    let raised = 1.2 * rate;
    let z = 1.959_963_984_540_054 + 0.841_621_233_572_914_3;
    let per_control =
        |odds: f64| (z / (raised - rate)).powi(2) * (rate * (1.0 - rate) + raised * (1.0 - raised) / odds);
    for (name, share) in [("current", 0.25), ("50:50", 0.5), ("90:10", 0.1)] {
        let odds = share / (1.0 - share);
        let found = method(&answer, name, "frequentist");
        let needed = number(&found["persons_needed"]["total"]);
        let wanted = per_control(odds) * (1.0 + odds);
        assert!((needed / wanted - 1.0).abs() < 5e-3, "{name}: {needed} instead of {wanted}");
        assert!((number(&split(&answer, name)["share"]) - share).abs() < 1e-12);
        // The more is asked, the more it needs: at any time more than once, on both sides more than on one.
        let total = |method_name: &str| number(&method(&answer, name, method_name)["persons_needed"]["total"]);
        assert!(total("sequential") > needed && total("bayesian") < needed, "{answer}");
        for method_name in ["sequential", "frequentist", "bayesian"] {
            let found = method(&answer, name, method_name);
            let by: Vec<f64> = found["by_persons"].as_array().unwrap().iter().map(|at| number(&at["power"])).collect();
            assert!(by.len() > 3 && by.is_sorted() && by[0] < 0.8 && *by.last().unwrap() > 0.8, "{found}");
            let detectable = number(&found["minimum_detectable"]["difference"]);
            assert!((number(&found["minimum_detectable"]["lift"]) * rate - detectable).abs() < 1e-9);
        }
    }
    // 320 persons are fewer than normal theory asks for, and what is told of them says so.
    let warned = method(&answer, "current", "frequentist")["warning"].as_str().unwrap();
    assert!(warned.starts_with("power_now, minimum_detectable"), "{warned}");
    let from = number(&split(&answer, "current")["normal_theory_from"]);
    assert!(from > 320.0 && warned.contains(&format!("({from} of both arms")), "{warned}");
    // The persons of today count at the current split; at another one the experiment would begin anew.
    let (now, anew) = (method(&answer, "current", "frequentist"), method(&answer, "50:50", "frequentist"));
    let (total, more) = (number(&now["persons_needed"]["total"]), number(&now["more_persons"]));
    assert!((total - 320.0 - more).abs() <= 1.0, "{now}");
    // Whoever is exposed already only has to be waited for.
    assert!((number(&now["days"]) - ((total - 600.0) / 40.0).ceil() - 7.0).abs() <= 1.0, "{now}");
    assert_eq!(anew["more_persons"], anew["persons_needed"]["total"]);
    assert!((number(&anew["days"]) - (number(&anew["more_persons"]) / 40.0).ceil() - 7.0).abs() <= 1.0, "{anew}");
    // What is detectable now is detected now: asked for as the effect, it has the power.
    let lift = number(&now["minimum_detectable"]["lift"]);
    let again = power(&tenant, &format!("mde={lift}&split=current")).await;
    assert!((number(&method(&again, "current", "frequentist")["power_now"]) - 0.8).abs() < 1e-6, "{again}");
    // Solved to the last digits, and then rounded up.
    assert!(number(&method(&again, "current", "frequentist")["more_persons"]) <= 1.0, "{again}");
    // The proposal is a plan: with it, the sequence needs no more persons than with 5000.
    assert!(number(&arm["planned_persons_proposed"]) > 100.0);
    // A value, and one that should fall.
    let spend = power(&tenant, "metric=spend&split=90:10&power=0.9&confidence=0.9").await;
    assert!(number(&spend["arms"][0]["difference"]) < 0.0, "{spend}");
    assert_eq!((spend["arms"][0]["splits"].as_array().unwrap().len(), &spend["mde"]["from"]), (1, &json!("default")));
    assert_eq!(spend["power"], 0.9);
    // A copy holds as long as the numbers do; another question is another answer.
    let first = tenant.read.get("/v1/experiments/e/power?mde=0.2").send().await;
    let etag = first.header("etag").unwrap().to_owned();
    let same = tenant.read.get("/v1/experiments/e/power?mde=0.2").header("if-none-match", &etag).send().await;
    assert_eq!(same.status, 304);
    for query in ["mde=0.3", "mde=0.2&power=0.9", "mde=0.2&split=current", "mde=0.2&confidence=0.9"] {
        let other =
            tenant.read.get(&format!("/v1/experiments/e/power?{query}")).header("if-none-match", &etag).send().await;
        assert_eq!(other.status, 200, "{query}");
    }
    // As of the day before anybody came there is nobody.
    let early = power(&tenant, &format!("as_of={}", tests::moment::date_ago(40))).await;
    assert_eq!(early["arms"][0]["persons"], 0);
}

async fn what_cannot_be_said_has_its_reason() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.experiment("e", &experiment(&["bought", "spend"])).await;
    let told = |answer: &Value| {
        let arm = &answer["arms"][0];
        assert!(arm["variance"].is_null() && arm["planned_persons_proposed"].is_null(), "{answer}");
        let sequential = &arm["splits"][0]["methods"][0];
        for name in ["power_now", "persons_needed", "more_persons", "days"] {
            assert!(sequential[name].is_null() && sequential["reasons"][name].is_string(), "{name}: {answer}");
        }
        arm["reasons"]["variance"].as_str().unwrap().to_owned()
    };
    // Nobody yet.
    let nobody = power(&tenant, "").await;
    assert!(nobody["traffic"]["persons_per_day"].is_null() && nobody["traffic"]["reason"].is_string(), "{nobody}");
    assert!(told(&nobody).contains("no persons"), "{nobody}");
    // Persons, but nobody buys; then everybody spends alike.
    let mut events: Vec<Value> = (0..40)
        .map(|n| exposure(&format!("x{n}"), &format!("u{n}"), "e", if n % 2 == 0 { "off" } else { "on" }, days_ago(20)))
        .collect();
    tenant.accept(&events).await;
    let nothing = power(&tenant, "metric=bought").await;
    assert!(told(&nothing).contains("nobody in control has converted"), "{nothing}");
    assert!(nothing["traffic"]["persons_per_day"].is_number());
    events = (0..40).map(|n| order(&format!("o{n}"), &format!("u{n}"), "5", days_ago(19))).collect();
    tenant.accept(&events).await;
    assert!(told(&power(&tenant, "metric=spend").await).contains("same value"));
    assert!(told(&power(&tenant, "metric=bought").await).contains("everyone in control has converted"));
    // Without any metric there is nothing to plan for.
    tenant.experiment("bare", &experiment(&[])).await;
    let _ = tenant.read.get("/v1/experiments/bare/power").send().await.problem(400, "no_metrics");
}

async fn questions_that_make_no_sense_are_refused() {
    let world = World::new().await;
    let tenant = example(&world).await;
    for (query, parameter) in [
        ("power=1", "power"),
        ("power=0.01", "power"),
        ("power=high", "power"),
        ("mde=0", "mde"),
        ("mde=-0.1", "mde"),
        ("split=half", "split"),
        ("split=0:1", "split"),
        ("confidence=1", "confidence"),
        ("metric=nothing", "metric"),
        ("as_of=tomorrow", "as_of"),
        ("method=bayesian", "method"),
    ] {
        let answer = tenant.read.get(&format!("/v1/experiments/e/power?{query}")).invalid().send().await;
        assert_eq!(
            (answer.status, &answer.json()["errors"][0]["parameter"]),
            (400, &json!(parameter)),
            "{query}: {}",
            answer.text()
        );
    }
    // What belongs to another tenant is not there.
    let other = world.tenant().await;
    let _ = other.read.get("/v1/experiments/e/power").send().await.problem(404, "not_found");
    let _ = tenant.ingest.get("/v1/experiments/e/power").send().await.problem(403, "missing_scope");
}
