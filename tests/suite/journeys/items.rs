//! Items: what persons were shown, what they did, and what of it is an effect of the items.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{check, event, exposure, order, with};
use tests::moment::{days_ago, text};
use tests::{Tenant, World};

use super::of_arm;

tests::cases![
    a_person_stands_with_the_first_item_and_acceptance_looks_at_all_of_them,
    what_arrives_late_and_what_turns_out_to_be_one_person_is_told_as_if_it_had_been_in_time,
    items_that_were_drawn_are_estimated_as_if_everyone_had_been_shown_them,
    an_engine_that_shows_the_best_item_to_the_best_customers_makes_no_causal_claim,
    items_are_compared_with_what_control_would_have_been_shown,
    items_under_weights_that_changed_are_no_effect,
    of_many_items_the_largest_are_told_and_the_others_counted,
    questions_that_make_no_items_are_refused,
];

fn at(days: i64, minutes: i64) -> DateTime<Utc> {
    days_ago(60) + TimeDelta::days(days) + TimeDelta::minutes(minutes)
}

async fn with_experiment(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought"])).await;
    tenant
}

async fn ask(tenant: &Tenant, query: &str) -> Value {
    super::measured(tenant, &format!("/v1/experiments/e/items?{query}")).await
}

/// An exposure with more properties.
fn exposed(id: &str, user: &str, arm: &str, at: DateTime<Utc>, more: &Value) -> Value {
    let mut event = exposure(id, user, "e", arm, at);
    for (name, value) in more.as_object().unwrap() {
        event["properties"][name] = value.clone();
    }
    event
}

fn bought(id: &str, user: &str, value: &str, at: DateTime<Utc>, products: &[&str]) -> Value {
    let products: Vec<Value> = products.iter().map(|product| json!({"product_id": product})).collect();
    with(order(id, user, value, at), &json!({"properties": {"products": products}}))
}

fn item<'a>(answer: &'a Value, arm: &str, name: &str) -> &'a Value {
    let items = of_arm(&answer["arms"], arm)["items"].as_array().unwrap();
    items.iter().find(|item| item["item"] == name).unwrap_or_else(|| panic!("no {name} in {items:?}"))
}

/// Persons, conversions, mean value; ever shown, accepted.
fn counts(item: &Value) -> (i64, i64, f64, i64, i64) {
    let whole = |value: &Value| value.as_i64().unwrap();
    (
        whole(&item["persons"]),
        whole(&item["conversions"]),
        item["value"]["value"].as_f64().unwrap(),
        whole(&item["acceptance"]["shown"]),
        whole(&item["acceptance"]["accepted"]),
    )
}

/// Ada is shown boots and buys them; Bob hats and then boots, which he buys; Cy boots; Di, of control, nothing.
fn few() -> Vec<Value> {
    let shown = |item: &str| json!({"item_id": item});
    vec![
        exposed("xa", "ada", "on", at(0, 0), &shown("boots")),
        with(event("a1", "ada", "Product Viewed", at(0, 10)), &json!({"properties": {"product_id": "boots"}})),
        bought("a2", "ada", "20", at(1, 0), &["boots", "caps"]),
        // Before the item was shown, and after the window.
        bought("b0", "bob", "7", at(-1, 0), &["hats"]),
        exposed("xb", "bob", "on", at(0, 0), &shown("hats")),
        exposed("xb2", "bob", "on", at(1, 0), &shown("boots")),
        bought("b1", "bob", "30", at(2, 0), &["boots"]),
        bought("b2", "bob", "1000", at(14, 0), &["hats"]),
        exposed("xc", "cy", "on", at(0, 0), &shown("boots")),
        exposed("xd", "di", "off", at(0, 0), &json!({})),
        with(event("d1", "di", "Email Delivered", at(1, 0)), &json!({"properties": {"subject": "Hello"}})),
        bought("d2", "di", "5", at(2, 0), &[]),
        with(event("d3", "di", "Order Refunded", at(3, 0)), &json!({"value": "2"})),
    ]
}

async fn a_person_stands_with_the_first_item_and_acceptance_looks_at_all_of_them() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    let answer = ask(&tenant, "").await;
    assert_eq!(answer["maturity"], "matured");
    let on = of_arm(&answer["arms"], "on");
    assert_eq!((&on["shown"], &on["conversions"], &on["value_sum"]), (&json!(3), &json!(2), &json!("50")));
    assert_eq!(counts(item(&answer, "on", "boots")), (2, 1, 10.0, 3, 2));
    assert_eq!(counts(item(&answer, "on", "hats")), (1, 1, 30.0, 1, 0));
    assert_eq!(on["items"][0]["item"], "boots");
    assert_eq!(of_arm(&answer["arms"], "off")["items"], json!([]));
    // Wilson's interval of 2 in 3 (Wilson 1927, evaluated by hand).
    let acceptance = &item(&answer, "on", "boots")["acceptance"];
    let (low, high) =
        (acceptance["interval"]["low"].as_f64().unwrap(), acceptance["interval"]["high"].as_f64().unwrap());
    assert!((low - 0.207_659_601).abs() < 1e-8 && (high - 0.938_508_055).abs() < 1e-8, "{acceptance}");
    for entry in on["items"].as_array().unwrap() {
        assert_eq!(
            (&entry["causal"], &entry["drawn"], &entry["acceptance"]["causal"]),
            (&json!(false), &Value::Null, &json!(false))
        );
        assert!(entry["reason"].as_str().unwrap().contains("an engine shows items to those whom they fit"));
    }
    assert_eq!((&answer["would_have"]["causal"], &answer["would_have"]["items"]), (&json!(false), &json!([])));
    // As of the first day nobody had bought, and no window had closed.
    let first_day = at(0, 0).date_naive();
    let early = ask(&tenant, &format!("as_of={first_day}&maturity=live")).await;
    assert_eq!(counts(item(&early, "on", "boots")), (2, 0, 0.0, 2, 1));
    assert_eq!(of_arm(&ask(&tenant, &format!("as_of={first_day}")).await["arms"], "on")["shown"], 0);
    // Items may be shown by other events, and be called by another property.
    let subjects = ask(&tenant, "by=properties.subject&shown=Email Delivered&product=properties.product_id").await;
    assert_eq!(counts(item(&subjects, "off", "Hello")), (1, 1, 3.0, 1, 0));
}

async fn what_arrives_late_and_what_turns_out_to_be_one_person_is_told_as_if_it_had_been_in_time() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    assert_eq!(counts(item(&ask(&tenant, "").await, "on", "hats")), (1, 1, 30.0, 1, 0));
    // Bob looked at the hats in time, says an event that comes late.
    let viewed = json!({"properties": {"product_id": "hats"}});
    tenant.accept(&[with(event("b3", "bob", "Product Viewed", at(0, 4)), &viewed)]).await;
    assert_eq!(counts(item(&ask(&tenant, "").await, "on", "hats")), (1, 1, 30.0, 1, 1));
    // What a device bought is Cy's, once Cy is known to hold it.
    let tablet = json!({"user_id": null, "anonymous_id": "tablet"});
    tenant.accept(&[with(bought("z1", "cy", "5", at(0, 40), &["boots"]), &tablet)]).await;
    assert_eq!(counts(item(&ask(&tenant, "").await, "on", "boots")), (2, 1, 10.0, 3, 2));
    tenant.accept(&[with(event("z2", "cy", "Page Viewed", at(2, 0)), &json!({"anonymous_id": "tablet"}))]).await;
    assert_eq!(counts(item(&ask(&tenant, "").await, "on", "boots")), (2, 2, 12.5, 3, 3));
    // Cy had been shown caps first.
    tenant.accept(&[exposed("xc0", "cy", "on", at(0, -10), &json!({"item_id": "caps"}))]).await;
    let answer = ask(&tenant, "").await;
    assert_eq!(counts(item(&answer, "on", "boots")), (1, 1, 20.0, 3, 3));
    assert_eq!(counts(item(&answer, "on", "caps")), (1, 1, 5.0, 1, 0));
}

/// A number between 0 and 1 that looks as if it were drawn (SplitMix64: Steele, Lea, Flood 2014).
fn dice(person: u64, what: u64) -> f64 {
    let mut z = person.wrapping_mul(1_000_003).wrapping_add(what).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as f64 / 2f64.powi(64)
}

/// As many persons in `off`, who are shown nothing. In `on` every other person is a good customer, who buys in 40 of 100 cases, the others in 5; item `b` adds 10. The
/// engine shows `a` to good customers with the probability `fits` and to others with 1 less that. `weight`: what it sends.
async fn engine(tenant: &Tenant, fits: f64, weight: impl Fn(f64) -> Value) {
    let mut events = Vec::new();
    for n in 0..4_000 {
        let user = format!("u{n}");
        let good = n % 2 == 0;
        let of_a = if good { fits } else { 1.0 - fits };
        let (item, probability) = if dice(n, 1) < of_a { ("a", of_a) } else { ("b", 1.0 - of_a) };
        let properties = json!({"item_id": item, "item_weight": weight(probability)});
        events.push(exposed(&format!("x{n}"), &user, "on", at(0, 0), &properties));
        events.push(exposed(&format!("c{n}"), &format!("control {n}"), "off", at(0, 0), &json!({})));
        let rate = if good { 0.4 } else { 0.05 } + if item == "b" { 0.1 } else { 0.0 };
        if dice(n, 7) < rate {
            events.push(bought(&format!("o{n}"), &user, "10", at(1, 0), &[item]));
        }
    }
    for part in events.chunks(4_000) {
        tenant.accept(part).await;
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

async fn items_that_were_drawn_are_estimated_as_if_everyone_had_been_shown_them() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    engine(&tenant, 0.8, |probability| json!(probability)).await;
    let answer = ask(&tenant, "").await;
    assert_eq!(of_arm(&answer["arms"], "on")["causal"], true, "{}", of_arm(&answer["arms"], "on")["reason"]);
    let (a, b) = (item(&answer, "on", "a"), item(&answer, "on", "b"));
    // Those who were shown a buy more often, because they are the good customers.
    assert!(number(&a["rate"]["value"]) > number(&b["rate"]["value"]) + 0.05);
    for (item, rate) in [(a, 0.225), (b, 0.325)] {
        let drawn = &item["drawn"];
        for (told, truth) in [(&drawn["rate"], rate), (&drawn["value"], 10.0 * rate)] {
            assert!(number(&told["low"]) < truth && truth < number(&told["high"]), "{told} for {truth}");
            assert!((number(&told["value"]) - truth).abs() < 0.15 * truth, "{told} for {truth}");
        }
        assert_eq!((&item["causal"], &drawn["rate_versus_arm"]["causal"]), (&json!(false), &json!(true)));
    }
    // The arm as it was: 0.5 (0.8 0.4 + 0.2 0.5) + 0.5 (0.2 0.05 + 0.8 0.15) = 0.275.
    for (item, verdict, truth) in [(a, "worse", -0.05), (b, "better", 0.05)] {
        let versus = &item["drawn"]["rate_versus_arm"];
        assert_eq!((&versus["verdict"], &versus["anytime"]), (&json!(verdict), &json!(true)), "{versus}");
        assert!(
            number(&versus["difference"]["low"]) < truth && truth < number(&versus["difference"]["high"]),
            "{versus}"
        );
    }
    let frequentist = ask(&tenant, "method=frequentist").await;
    let versus = &item(&frequentist, "on", "b")["drawn"]["rate_versus_arm"];
    assert_eq!((&versus["anytime"], &versus["verdict"]), (&json!(false), &json!("better")));
    // A reading that still moves decides nothing.
    let live = ask(&tenant, "maturity=live").await;
    let versus = &item(&live, "on", "b")["drawn"]["rate_versus_arm"];
    assert_eq!((&versus["anytime"], &versus["verdict"]), (&json!(false), &json!("inconclusive")));
}

async fn an_engine_that_shows_the_best_item_to_the_best_customers_makes_no_causal_claim() {
    let world = World::new().await;
    // Without probabilities; with one that is none; and with a lie.
    for (weight, wanted) in [
        (json!(null), "an engine shows items to those whom they fit"),
        (json!(0), "an engine shows items to those whom they fit"),
        (json!(1), "do not add up to the persons of the arm"),
    ] {
        let tenant = with_experiment(&world).await;
        engine(&tenant, 1.0, |_| weight.clone()).await;
        let answer = ask(&tenant, "").await;
        for name in ["a", "b"] {
            let item = item(&answer, "on", name);
            assert_eq!((&item["causal"], &item["drawn"]), (&json!(false), &Value::Null), "{item}");
            assert!(item["reason"].as_str().unwrap().contains(wanted), "{item}");
        }
        assert!(!answer.to_string().contains("\"better\""));
    }
    // Where only some come with a probability, nobody knows whom they stand for.
    let tenant = with_experiment(&world).await;
    engine(&tenant, 0.8, |probability| if probability > 0.5 { json!(probability) } else { json!("often") }).await;
    let answer = ask(&tenant, "").await;
    assert!(item(&answer, "on", "a")["reason"].as_str().unwrap().contains("some persons were shown"));
}

/// Both arms, the item picked from what is known of the person; `a` adds 12 of 100, `b` nothing. `would`: what control sends.
async fn holdout(tenant: &Tenant, would: impl Fn(&'static str) -> &'static str) {
    let mut events = Vec::new();
    for n in 0..6_000 {
        let user = format!("u{n}");
        let good = dice(n, 3) < 0.5;
        let item = if good { "a" } else { "b" };
        let on = dice(n, 4) < 0.5;
        let (arm, properties) =
            if on { ("on", json!({"item_id": item})) } else { ("off", json!({"would_have": would(item)})) };
        events.push(exposed(&format!("x{n}"), &user, arm, at(0, 0), &properties));
        let rate = if good { 0.3 } else { 0.1 } + if on && item == "a" { 0.12 } else { 0.0 };
        if dice(n, 5) < rate {
            events.push(order(&format!("o{n}"), &user, "10", at(1, 0)));
        }
    }
    for part in events.chunks(4_000) {
        tenant.accept(part).await;
    }
}

async fn items_are_compared_with_what_control_would_have_been_shown() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    holdout(&tenant, |item| item).await;
    let answer = ask(&tenant, "").await;
    assert_eq!(check(&answer, "sample_ratio_by_item")["ok"], true);
    let would_have = &answer["would_have"];
    assert_eq!(would_have["causal"], true, "{would_have}");
    let versus = |name: &str, what: &str| {
        let items = would_have["items"].as_array().unwrap();
        let item = items.iter().find(|item| item["item"] == name).unwrap();
        of_arm(&item[what], "on")["versus_control"].clone()
    };
    let (a, b) = (versus("a", "conversions"), versus("b", "conversions"));
    assert_eq!((&a["verdict"], &a["causal"], &a["anytime"]), (&json!("better"), &json!(true), &json!(true)), "{a}");
    assert!(number(&a["difference"]["low"]) < 0.12 && 0.12 < number(&a["difference"]["high"]), "{a}");
    assert_eq!((&b["verdict"], &b["causal"]), (&json!("inconclusive"), &json!(true)), "{b}");
    assert_eq!((&a["adjusted"]["size"], &a["adjusted"]["correction"]), (&json!(2), &json!("holm")));
    assert_eq!(versus("a", "values")["verdict"], "better");
    // Beside it the table stays a description.
    assert_eq!(item(&answer, "on", "a")["causal"], false);
    // Control that names one item for everyone names nobody's.
    let tenant = with_experiment(&world).await;
    holdout(&tenant, |_| "a").await;
    let answer = ask(&tenant, "").await;
    let check = check(&answer, "sample_ratio_by_item");
    assert_eq!((&check["ok"], &check["blocking"]), (&json!(false), &json!(true)), "{check}");
    assert_eq!(answer["would_have"]["causal"], false);
    let item = &answer["would_have"]["items"][0];
    assert_ne!(of_arm(&item["conversions"], "on")["versus_control"]["verdict"], "better");
}

/// From phase to phase the arms' shares change, and nothing by item is compared within phases.
async fn items_under_weights_that_changed_are_no_effect() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let phases = json!([{"weights": {"off": 1, "on": 1}}, {"from": text(at(20, 0)), "weights": {"off": 3, "on": 1}}]);
    let arms = json!([{"key": "off", "weight": 3}, {"key": "on", "weight": 1}]);
    let body = with(tests::events::experiment(&["bought"]), &json!({"phases": phases, "arms": arms}));
    tenant.experiment("e", &body).await;
    holdout(&tenant, |item| item).await;
    let answer = ask(&tenant, "").await;
    let check = check(&answer, "sample_ratio_by_item");
    assert_eq!(
        (&check["ok"], &check["p_value"], &check["anytime"]),
        (&json!(true), &Value::Null, &Value::Null),
        "{check}"
    );
    let would_have = &answer["would_have"];
    assert_eq!(would_have["causal"], false, "{would_have}");
    for item in would_have["items"].as_array().unwrap() {
        for what in ["conversions", "values"] {
            let versus = &of_arm(&item[what], "on")["versus_control"];
            assert_eq!((&versus["causal"], &versus["verdict"]), (&json!(false), &json!("inconclusive")), "{versus}");
        }
    }
}

async fn of_many_items_the_largest_are_told_and_the_others_counted() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let mut events = Vec::new();
    for n in 0..1_100 {
        // A hundred persons with the first item, and one with each of a thousand others.
        let name = if n < 100 { "item 0".to_owned() } else { format!("item {}", n - 99) };
        let user = format!("u{n}");
        events.push(exposed(&format!("x{n}"), &user, "on", at(0, 0), &json!({"item_id": name})));
        if n % 10 == 0 {
            events.push(bought(&format!("o{n}"), &user, "10", at(1, 0), &[&name]));
        }
    }
    tenant.accept(&events).await;
    let answer = ask(&tenant, "").await;
    let on = of_arm(&answer["arms"], "on");
    assert_eq!((&on["shown"], &on["conversions"]), (&json!(1_100), &json!(110)));
    assert_eq!(on["items"].as_array().unwrap().len(), 200);
    assert_eq!((&on["items"][0]["item"], &on["items"][0]["persons"]), (&json!("item 0"), &json!(100)));
    assert_eq!((&on["other"]["items"], &on["other"]["persons"]), (&json!(801), &json!(801)));
    // Who bought after the only showing of an item is not expected to do so again.
    let lucky = on["items"].as_array().unwrap().iter().find(|item| item["persons"] == 1 && item["conversions"] == 1);
    let lucky = lucky.expect("an item whose only person bought");
    assert_eq!(lucky["rate"]["value"], 1.0);
    assert!(number(&lucky["expected_rate"]["value"]) < 0.6, "{lucky}");
}

async fn questions_that_make_no_items_are_refused() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    for (query, parameter, wanted) in [
        ("by=properties", "by", "is no path"),
        ("by=properties..x", "by", "is no path"),
        ("product=a,b,c,d,e", "product", "1 to 4"),
        ("accepted=a,,b", "accepted", ""),
        ("conversion=a,b", "conversion", "one event"),
        ("shown=[1]", "shown", ""),
        ("window_days=0", "window_days", "1 to 3650"),
        ("metric=x", "metric", "conversion"),
    ] {
        let refused = tenant.read.get(&format!("/v1/experiments/e/items?{query}")).invalid().expect(400).await;
        let fault = &refused["errors"][0];
        assert_eq!(fault["parameter"], parameter, "{query}: {refused}");
        assert!(fault["detail"].as_str().unwrap().contains(wanted), "{query}: {refused}");
    }
    let missing = tenant.read.get("/v1/experiments/none/items").expect(404).await;
    assert_eq!(missing["code"], "not_found");
}
