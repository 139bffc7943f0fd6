//! By context: what was known at the first exposure, read off events or worked out.

use serde_json::{Value, json};
use tests::World;
use tests::events::{event, exposure, with};
use tests::moment::{days_ago, plus_hours};

tests::cases![values_are_those_known_at_the_exposure, what_is_no_dimension_is_refused];

/// The values of a dimension with the persons of each, sorted by value.
async fn values(tenant: &tests::Tenant, dimension: &str) -> Vec<(Value, u64)> {
    let results = tenant.results("e", &format!("by={dimension}")).await;
    let values = results["breakdown"]["values"].as_array().unwrap_or_else(|| panic!("{}", results["breakdown"]));
    let mut found: Vec<_> =
        values.iter().map(|value| (value["value"].clone(), value["persons"].as_u64().unwrap())).collect();
    found.sort_by_key(|(value, _)| value.to_string());
    found
}

async fn values_are_those_known_at_the_exposure() {
    let world = World::new().await;
    let tenant = world.tenant_in("EUR", "Europe/Berlin").await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    let dimensions = [
        "exposure.hour",
        "exposure.weekday",
        "before.channels",
        "before.active",
        "exposure.probability",
        "bin( properties.score, 0.050 )",
        "device",
        "country",
        "region",
        "store",
        "traits.plan",
    ];
    let body = with(tests::events::experiment(&["bought"]), &json!({"dimensions": dimensions}));
    tenant.experiment("e", &body).await;
    let told = tenant.read.get("/v1/experiments/e").expect(200).await;
    assert_eq!(told["dimensions"][5], "bin(properties.score,0.05)");

    // 23:30 UTC is half past midnight, or past one in summer, of the next day in Berlin.
    let at = days_ago(40).date_naive().and_hms_opt(23, 30, 0).unwrap().and_utc();
    let probability = |arm: &str| if arm == "off" { "0.1" } else { "0.9" };
    let mut events = Vec::new();
    for (user, arm) in [("a", "off"), ("b", "on"), ("c", "on")] {
        let shown = exposure(&format!("x{user}"), user, "e", arm, at);
        let mut shown = with(shown, &json!({"channel": "push", "context": {"device": {"type": "phone"}}}));
        shown["properties"]["probability"] = json!(probability(arm));
        events.push(shown);
    }
    let on = |id: &str, user: &str, name: &str, hours: i64, more: Value| {
        with(event(id, user, name, plus_hours(at, hours)), &more)
    };
    events.extend([
        on(
            "1",
            "a",
            "Page Viewed",
            -1,
            json!({"channel": "web", "properties": {"score": 0.1234567, "store": "north"}}),
        ),
        on(
            "2",
            "a",
            "Page Viewed",
            -27 * 24,
            json!({"channel": "app", "context": {"location": {"country": "DE", "region": "BE"}}}),
        ),
        // Too early, not by the person, and after the exposure.
        on("3", "a", "Page Viewed", -29 * 24, json!({"channel": "social"})),
        on("4", "b", "Email Delivered", -1, json!({"channel": "email", "properties": {"score": "high"}})),
        on(
            "5",
            "b",
            "Page Viewed",
            1,
            json!({"channel": "web", "properties": {"score": 0.9}, "traits": {"plan": "pro"}}),
        ),
        on("6", "c", "Store Visited", -2, json!({"channel": "in_store", "traits": {"plan": "free"}})),
    ]);
    tenant.accept(&events).await;

    let berlin = journey::Zone::parse("Europe/Berlin", "").unwrap();
    let day = berlin.day_of(at.into());
    let since_midnight = journey::Instant::from(at).micros() - berlin.end_of(day.previous()).micros();
    let hour = (since_midnight / 3_600_000_000).to_string();
    let weekday = day.to_date().format("%A").to_string().to_lowercase();
    assert_eq!(values(&tenant, "exposure.hour").await, [(json!(hour), 3)]);
    assert_eq!(values(&tenant, "exposure.weekday").await, [(json!(weekday), 3)]);
    assert_eq!(
        values(&tenant, "before.channels").await,
        [(json!("app+web"), 1), (json!("in_store"), 1), (json!("none"), 1)]
    );
    assert_eq!(values(&tenant, "before.active").await, [(json!("no"), 1), (json!("yes"), 2)]);
    assert_eq!(values(&tenant, "exposure.probability").await, [(json!("0.1"), 3)]);
    assert_eq!(values(&tenant, "bin(properties.score,0.05)").await, [(json!("0.1"), 1), (Value::Null, 2)]);
    assert_eq!(values(&tenant, "device").await, [(json!("phone"), 3)]);
    assert_eq!(values(&tenant, "country").await, [(json!("DE"), 1), (Value::Null, 2)]);
    assert_eq!(values(&tenant, "region").await, [(json!("BE"), 1), (Value::Null, 2)]);
    assert_eq!(values(&tenant, "store").await, [(json!("north"), 1), (Value::Null, 2)]);
    assert_eq!(values(&tenant, "traits.plan").await, [(json!("free"), 1), (Value::Null, 2)]);

    // What comes late but happened before is known all the same.
    let late = on("7", "b", "Page Viewed", -3, json!({"channel": "ads", "properties": {"score": 0.42}}));
    tenant.accept(&[late]).await;
    assert_eq!(
        values(&tenant, "before.channels").await,
        [(json!("ads"), 1), (json!("app+web"), 1), (json!("in_store"), 1)]
    );
    assert_eq!(values(&tenant, "before.active").await, [(json!("yes"), 3)]);
    assert_eq!(
        values(&tenant, "bin(properties.score,0.05)").await,
        [(json!("0.1"), 1), (json!("0.4"), 1), (Value::Null, 1)]
    );
}

async fn what_is_no_dimension_is_refused() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let refused = async |dimension: &str, arms: Value| {
        let body = json!({"control": "off", "arms": arms, "dimensions": [dimension]});
        tenant.admin.put("/v1/experiments/e").json(&body).expect(400).await["errors"][0].clone()
    };
    let two = json!([{"key": "off"}, {"key": "on"}]);
    let error = refused("exposure.minute", two.clone()).await;
    assert_eq!((&error["code"], &error["pointer"]), (&json!("invalid_dimension"), &json!("/dimensions/0")));
    assert!(error["detail"].as_str().unwrap().contains("exposure.hour"), "{error}");
    assert_eq!(refused("bin(properties.score,0)", two).await["code"], "invalid_bin");
    let three = json!([{"key": "off"}, {"key": "on"}, {"key": "more"}]);
    let error = refused("exposure.probability", three).await;
    assert_eq!((&error["code"], &error["pointer"]), (&json!("out_of_place"), &json!("/dimensions/0")));
}
