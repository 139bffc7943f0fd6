//! Funnels: how far everyone exposed gets, and where an arm loses them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{event, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

use super::of_arm;

tests::cases![
    steps_are_counted_in_order_and_as_of_any_day,
    strictly_nothing_lies_between,
    what_arrives_late_and_what_turns_out_to_be_one_person_is_counted_as_if_it_had_been_in_time,
    a_worse_step_is_a_friction_point_and_more_carts_with_equal_orders_are_none,
    a_funnel_of_nobody_says_why_there_is_no_number,
    questions_that_make_no_funnel_are_refused,
    what_was_asked_for_is_kept_and_an_archived_experiment_learns_nothing_new,
];

const STEPS: &str = "Product Viewed,Product Added,Order Completed";

fn path(query: &str) -> String {
    format!("/v1/experiments/e/funnel?{query}")
}

async fn ask(tenant: &Tenant, steps: &str, more: &str) -> Value {
    super::measured(tenant, &path(&format!("steps={steps}{more}"))).await
}

fn at(days: i64, minutes: i64) -> DateTime<Utc> {
    days_ago(60) + TimeDelta::days(days) + TimeDelta::minutes(minutes)
}

/// Persons who reached each step, of an arm, and those who were lost at each.
fn counts(answer: &Value, arm: &str) -> Vec<(i64, i64)> {
    let steps = answer["steps"].as_array().unwrap();
    let sum = |share: &Value| of_arm(&share["arms"], arm)["tally"]["sum"].as_str().unwrap().parse().unwrap();
    steps.iter().map(|step| (sum(&step["reach"]), sum(&step["drop"]))).collect()
}

async fn with_experiment(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought"])).await;
    tenant
}

/// Ada goes all the way, with a detour; Bob adds before he views; Cy buys a second after his window; Di does nothing.
fn few() -> Vec<Value> {
    let did = |id: &str, who: &str, what: &str, at| event(id, who, what, at);
    vec![
        exposure("xa", "ada", "e", "on", at(0, 0)),
        did("a1", "ada", "Product Viewed", at(0, 10)),
        did("a2", "ada", "Page Viewed", at(0, 11)),
        did("a3", "ada", "Product Added", at(1, 10)),
        order("a4", "ada", "20", at(3, 10)),
        exposure("xb", "bob", "e", "on", at(0, 0)),
        did("b1", "bob", "Product Added", at(0, 5)),
        did("b2", "bob", "Product Viewed", at(0, 6)),
        exposure("xc", "cy", "e", "off", at(0, 0)),
        did("c1", "cy", "Product Viewed", at(0, 30)),
        did("c2", "cy", "Product Added", at(0, 31)),
        order("c3", "cy", "20", at(14, 0)),
        exposure("xd", "di", "e", "off", at(0, 0)),
    ]
}

async fn steps_are_counted_in_order_and_as_of_any_day() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    let answer = ask(&tenant, STEPS, "").await;
    assert_eq!(answer["maturity"], "matured");
    assert_eq!(counts(&answer, "on"), [(2, 0), (1, 1), (1, 0)]);
    assert_eq!(counts(&answer, "off"), [(1, 1), (1, 0), (0, 1)]);
    let step = &answer["steps"][0];
    assert_eq!(of_arm(&step["reach"]["arms"], "on")["versus_control"]["causal"], true);
    // From the exposure Ada took ten minutes to the first step and Bob six.
    let onward = of_arm(&step["onward"], "on");
    assert_eq!((&onward["from"], &onward["reached"], &onward["causal"]), (&json!(2), &json!(2), &json!(false)));
    let (median, p90) = (onward["median_seconds"].as_f64().unwrap(), onward["p90_seconds"].as_f64().unwrap());
    assert!((360.0..=364.0).contains(&median) && (600.0..=607.0).contains(&p90), "{median}, {p90}");
    // As of a day it is the funnel of the events before its end; nobody had matured.
    let second_day = at(1, 0).date_naive();
    let early = ask(&tenant, STEPS, &format!("&as_of={second_day}&maturity=live")).await;
    assert_eq!(counts(&early, "on"), [(2, 0), (1, 1), (0, 1)]);
    let matured = ask(&tenant, STEPS, &format!("&as_of={second_day}")).await;
    assert_eq!(of_arm(&matured["steps"][0]["reach"]["arms"], "on")["persons"], 0);
    // Without a window of two weeks Cy's order counts.
    let longer = ask(&tenant, STEPS, "&window_days=30").await;
    assert_eq!(counts(&longer, "off"), [(1, 1), (1, 0), (1, 0)]);
    // A step may be named with conditions.
    let named = r#"["Product Viewed",{"event":"Order Completed","where":{"properties.coupon":"SPRING"}}]"#;
    let narrow = ask(&tenant, named, "").await;
    assert_eq!(counts(&narrow, "on"), [(2, 0), (0, 2)]);
    assert_eq!(narrow["steps"][1]["event"], "Order Completed where properties.coupon is SPRING");
}

async fn strictly_nothing_lies_between() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    let answer = ask(&tenant, STEPS, "&order=strict").await;
    // Ada looked at a page in between; what Cy did after his window is not looked at.
    assert_eq!(counts(&answer, "on"), [(2, 0), (0, 2), (0, 0)]);
    assert_eq!(counts(&answer, "off"), [(1, 1), (1, 0), (0, 1)]);
}

async fn what_arrives_late_and_what_turns_out_to_be_one_person_is_counted_as_if_it_had_been_in_time() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    assert_eq!(counts(&ask(&tenant, STEPS, "").await, "on"), [(2, 0), (1, 1), (1, 0)]);
    // Bob viewed before he added after all, says an event that comes late; the very next answer knows.
    tenant.accept(&[event("b0", "bob", "Product Viewed", at(0, 4))]).await;
    assert_eq!(counts(&ask(&tenant, STEPS, "").await, "on"), [(2, 0), (2, 0), (1, 1)]);
    // And what a device did is Bob's, once he is known to hold it.
    tenant
        .accept(&[with(order("z1", "bob", "5", at(0, 40)), &json!({"user_id": null, "anonymous_id": "tablet"}))])
        .await;
    assert_eq!(counts(&ask(&tenant, STEPS, "").await, "on"), [(2, 0), (2, 0), (1, 1)]);
    tenant.accept(&[with(event("z2", "bob", "Page Viewed", at(2, 0)), &json!({"anonymous_id": "tablet"}))]).await;
    assert_eq!(counts(&ask(&tenant, STEPS, "").await, "on"), [(2, 0), (2, 0), (2, 0)]);
}

/// Persons of both arms, of whom so many in a hundred get to each step.
async fn of_rates(tenant: &Tenant, off: [u32; 3], on: [u32; 3]) {
    let mut events = Vec::new();
    for n in 0..4_000u32 {
        let user = format!("u{n}");
        let (arm, rates) = if n % 2 == 0 { ("off", off) } else { ("on", on) };
        events.push(exposure(&format!("x{n}"), &user, "e", arm, at(0, 0)));
        // Spread evenly, and nested: whoever reaches a step has reached those before.
        let place = (n / 2 * 37) % 100;
        for (step, name) in ["Product Viewed", "Product Added", "Order Completed"].into_iter().enumerate() {
            if place < rates[step] {
                events.push(event(&format!("s{step} {n}"), &user, name, at(0, 10 + 10 * i64::try_from(step).unwrap())));
            }
        }
    }
    for part in events.chunks(4_000) {
        tenant.accept(part).await;
    }
}

async fn a_worse_step_is_a_friction_point_and_more_carts_with_equal_orders_are_none() {
    let world = World::new().await;
    let worse = with_experiment(&world).await;
    of_rates(&worse, [60, 40, 20], [60, 40, 10]).await;
    let answer = ask(&worse, STEPS, "").await;
    let friction = of_arm(&answer["friction"], "on");
    assert_eq!((&friction["point"]["step"], &friction["point"]["event"]), (&json!(3), &json!("Order Completed")));
    assert!((friction["point"]["difference"].as_f64().unwrap() - 0.1).abs() < 1e-12, "{friction}");
    assert!(friction["sentence"].as_str().unwrap().starts_with("on loses 10.00 more of 100"), "{friction}");
    assert_eq!(
        (&friction["relief"], &friction["causal"], &friction["anytime"]),
        (&Value::Null, &json!(true), &json!(true))
    );
    // More carts, but as many orders: the additional carts are lost later on, and nobody else is.
    let carts = with_experiment(&world).await;
    of_rates(&carts, [60, 30, 20], [60, 45, 20]).await;
    let answer = ask(&carts, STEPS, "").await;
    let drop = of_arm(&answer["steps"][2]["drop"]["arms"], "on");
    assert!(drop["versus_control"]["p_value"].as_f64().unwrap() < 0.001, "{drop}");
    let friction = of_arm(&answer["friction"], "on");
    assert_eq!((&friction["point"], &friction["relief"]["step"]), (&Value::Null, &json!(2)));
}

async fn a_funnel_of_nobody_says_why_there_is_no_number() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let answer = ask(&tenant, STEPS, "").await;
    let arm = of_arm(&answer["steps"][0]["reach"]["arms"], "on");
    assert_eq!((&arm["persons"], &arm["value"]), (&json!(0), &Value::Null));
    assert!(arm["reasons"]["value"].is_string(), "{arm}");
    assert_eq!(answer["steps"][0]["onward"][0]["rate"], Value::Null);
    assert_eq!(of_arm(&answer["friction"], "on")["point"], Value::Null);
    // One person alone, in one arm.
    tenant.accept(&few()[..2]).await;
    let answer = ask(&tenant, STEPS, "").await;
    assert_eq!(counts(&answer, "on"), [(1, 0), (0, 1), (0, 0)]);
    assert!(!answer.to_string().contains("NaN"));
}

async fn questions_that_make_no_funnel_are_refused() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    for (query, parameter, wanted) in [
        ("", "steps", "Product Viewed,Product Added,Order Completed"),
        ("steps=Order Completed", "steps", "has 1 steps: a funnel has 2 to 12"),
        ("steps=a,,b", "steps", ""),
        ("steps=[1]", "steps", ""),
        ("steps=[a", "steps", "JSON"),
        ("steps=a,b&order=fuzzy", "order", "loose or strict"),
        ("steps=a,b&window_days=0", "window_days", "1 to 3650"),
        ("steps=a,b&window_days=x", "window_days", "1 to 3650"),
        ("steps=a,b&metric=x", "metric", "steps"),
    ] {
        let refused = tenant.read.get(&path(query)).invalid().expect(400).await;
        let fault = &refused["errors"][0];
        assert_eq!(fault["parameter"], parameter, "{query}: {refused}");
        assert!(fault["detail"].as_str().unwrap().contains(wanted), "{query}: {refused}");
    }
    let missing = tenant.read.get("/v1/experiments/none/funnel?steps=a,b").expect(404).await;
    assert_eq!(missing["code"], "not_found");
}

async fn what_was_asked_for_is_kept_and_an_archived_experiment_learns_nothing_new() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    let before = ask(&tenant, STEPS, "").await;
    let stored = tenant.read.get("/v1/experiments/e").expect(200).await;
    assert_eq!(stored["lenses"][0]["lens"], "funnel");
    // A change of the experiment, sent as it was answered, keeps what was asked for.
    tenant.experiment("e", &with(stored, &json!({"name": "Another"}))).await;
    let stored = tenant.read.get("/v1/experiments/e").expect(200).await;
    assert_eq!(stored["lenses"].as_array().unwrap().len(), 1);
    tenant.experiment("e", &with(stored, &json!({"archived": true}))).await;
    assert_eq!(ask(&tenant, STEPS, "").await["steps"], before["steps"]);
    let refused = tenant.read.get(&path("steps=Product Viewed,Order Completed")).expect(409).await;
    assert_eq!(refused["code"], "experiment_archived");
}
