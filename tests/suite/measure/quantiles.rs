//! Quantiles of persons, and caps at a percentile, through the API alone.

use serde_json::{Value, json};
use tests::World;
use tests::events::{arm, event, exposure, metric, order, with};

use super::{at, date, tenant};

tests::cases![
    a_quantile_is_the_reference_to_a_bucket,
    a_quantile_gives_no_verdict_that_must_hold_at_any_time,
    a_quantile_without_persons_has_a_reason,
    a_percentile_cap_cuts_all_arms_at_one_value,
    a_percentile_can_leave_out_who_did_nothing,
    ranks_and_capped_values_are_asked_everywhere,
];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Revenue of person `i`, in cents: the made-up rows of example M. Source: gbstats 0.8.0, `QuantileStatistic`, on the rows
/// themselves.
fn revenue(i: i64, shift: i64) -> i64 {
    let (x, orders) = (37 * i % 101, 13 * i % 7 / 2);
    orders * (5 + 29 * i % 11) * 100 + 4 * x + if orders > 0 { shift } else { 0 }
}

fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

async fn a_quantile_is_the_reference_to_a_bucket() {
    let world = World::new().await;
    let p90 = json!({"kind": "quantile", "event": "Order Completed", "of": "value", "q": 0.9});
    let tenant = tenant(&world, &[("p90", p90)], &json!({"method": "frequentist"})).await;
    for (key, persons, shift) in [("off", 5_000, 0), ("on", 5_200, 80)] {
        let mut events = Vec::new();
        for i in 0..persons {
            let user = format!("{key}{i}");
            events.push(exposure(&format!("x{user}"), &user, "e", key, at(0, 0)));
            // In two orders, so that the person's total is what counts.
            let cents = revenue(i, shift);
            events.push(order(&format!("a{user}"), &user, &money(cents / 3), at(1, 0)));
            events.push(order(&format!("b{user}"), &user, &money(cents - cents / 3), at(2, 0)));
        }
        for some in events.chunks(5_000) {
            tenant.accept(some).await;
        }
    }
    let results = tenant.settled("e", "explain=true").await;
    let bucket = 0.0101;
    for (key, value, low, high) in [("off", 31.04, 30.6, 31.52), ("on", 31.844, 31.4, 32.339694)] {
        let found = arm(&results, "p90", key);
        assert!((number(&found["value"]) / value - 1.0).abs() < bucket, "{found}");
        // Outward: never narrower than that of the values themselves, and at most a bucket wider.
        let (ours, theirs) = (number(&found["interval"]["low"]), low);
        assert!(ours <= theirs && ours > theirs * (1.0 - bucket), "{found}");
        let (ours, theirs) = (number(&found["interval"]["high"]), high);
        assert!(ours >= theirs && ours < theirs * (1.0 + bucket), "{found}");
    }
    // The reference: 0.804 [0.146, 1.462], p 0.0166; the interval here is wider by up to a bucket on each of four sides.
    let versus = &arm(&results, "p90", "on")["versus_control"];
    let difference = &versus["difference"];
    assert!((number(&difference["value"]) - 0.804).abs() < 0.62, "{versus}");
    assert!(number(&difference["high"]) - number(&difference["low"]) >= 1.3151, "{versus}");
    assert_eq!(
        (&versus["inference"], &versus["anytime"], &versus["causal"]),
        (&json!("quantiles"), &json!(false), &json!(true))
    );
    assert!(versus["p_value"].is_number() && versus["lift"]["low"].is_number(), "{versus}");
    assert_eq!(versus["explain"]["used"]["name"], "quantiles", "{versus}");
    let notes = metric(&results, "p90")["notes"].to_string();
    assert!(notes.contains("each counts once"), "{notes}");
}

async fn a_quantile_gives_no_verdict_that_must_hold_at_any_time() {
    let world = World::new().await;
    let median = json!({"kind": "quantile", "event": "Page Timed", "q": 0.5});
    let tenant =
        tenant(&world, &[("median", median), ("pages", json!({"kind": "count", "event": "Page Timed"}))], &json!({}))
            .await;
    let mut events = Vec::new();
    for (key, factor) in [("off", 1), ("on", 10)] {
        for i in 0..200i64 {
            let user = format!("{key}{i}");
            events.push(exposure(&format!("x{user}"), &user, "e", key, at(0, 0)));
            let value = ((100 + i) * factor).to_string();
            events.push(with(event(&format!("p{user}"), &user, "Page Timed", at(1, 0)), &json!({"value": value})));
        }
    }
    tenant.accept(&events).await;
    let results = tenant.results("e", "").await;
    let versus = &arm(&results, "median", "on")["versus_control"];
    assert!(number(&versus["p_value"]) < 1e-6, "{versus}");
    assert_eq!(versus["verdict"], "inconclusive", "{versus}");
    assert_eq!(versus["reason"], versus["anytime_reason"], "{versus}");
    // At one reading that was fixed beforehand it is one.
    let fixed = tenant.results("e", "method=frequentist").await;
    assert_eq!(arm(&fixed, "median", "on")["versus_control"]["verdict"], "better");
    // As of a day on which nobody had done anything, everyone has 0.
    let before = tenant.results("e", &format!("as_of={}&maturity=live", date(0))).await;
    assert_eq!(number(&arm(&before, "median", "on")["value"]), 0.0);
}

async fn a_quantile_without_persons_has_a_reason() {
    let world = World::new().await;
    let p99 = json!({"kind": "quantile", "event": "Page Timed", "q": 0.99});
    let tenant = tenant(&world, &[("p99", p99)], &json!({})).await;
    let nobody = tenant.results("e", "").await;
    assert_eq!(arm(&nobody, "p99", "on")["value"], Value::Null);
    assert!(arm(&nobody, "p99", "on")["reasons"]["value"].is_string(), "{nobody}");
    let mut events = Vec::new();
    for i in 0..20 {
        events.push(exposure(&format!("x{i}"), &format!("u{i}"), "e", "on", at(0, 0)));
    }
    tenant.accept(&events).await;
    // One arm alone, and too few persons beside the quantile.
    let few = tenant.results("e", "").await;
    let on = arm(&few, "p99", "on");
    assert_eq!((number(&on["value"]), &on["interval"]), (0.0, &Value::Null), "{on}");
    assert!(on["reasons"]["interval"].is_string(), "{on}");
    assert_eq!(on["versus_control"]["verdict"], "no_data", "{on}");
}

async fn a_percentile_cap_cuts_all_arms_at_one_value() {
    let world = World::new().await;
    let capped = json!({"kind": "sum", "event": "Order Completed", "cap": {"percentile": 0.9}});
    let plain = json!({"kind": "sum", "event": "Order Completed"});
    let tenant = tenant(&world, &[("capped", capped), ("plain", plain)], &json!({})).await;
    let mut events = Vec::new();
    // Values 1 to 100 over both arms; the larger ones in one of them.
    for i in 1..=100 {
        let (user, key) = (format!("u{i}"), if i <= 60 { "off" } else { "on" });
        events.push(exposure(&format!("x{i}"), &user, "e", key, at(0, 0)));
        events.push(order(&format!("o{i}"), &user, &i.to_string(), at(1, 0)));
    }
    tenant.accept(&events).await;
    let results = tenant.results("e", "").await;
    let cap = &metric(&results, "capped")["cap"];
    assert_eq!(cap["percentile"], json!(0.9));
    // The 90th of 100 values is 90; its bucket ends at most 1 % above.
    let value: f64 = cap["value"].as_str().unwrap().parse().unwrap();
    assert!((90.0..90.91).contains(&value), "{cap}");
    assert_eq!(cap["persons"], 10, "{cap}");
    let sum = |key: &str, which: &str| -> f64 {
        arm(&results, which, key)["tally"]["sum"].as_str().unwrap().parse().unwrap()
    };
    assert_eq!((sum("off", "capped"), sum("off", "plain")), (1830.0, 1830.0));
    let wanted: f64 = (61..=90).map(f64::from).sum::<f64>() + 10.0 * value;
    assert!((sum("on", "capped") - wanted).abs() < 1e-6, "{}", sum("on", "capped"));
    assert!(metric(&results, "plain").get("cap").is_none());
    // Before the large ones came the cap was another: as of that day it still is.
    let before = tenant.results("e", &format!("as_of={}&maturity=live", date(0))).await;
    assert_eq!(metric(&before, "capped")["cap"]["value"], "0");
}

async fn a_percentile_can_leave_out_who_did_nothing() {
    let world = World::new().await;
    let all = json!({"kind": "sum", "event": "Order Completed", "cap": {"percentile": 0.5}});
    let buyers = json!({"kind": "sum", "event": "Order Completed", "cap": {"percentile": 0.5, "ignore_zeros": true}});
    let tenant = tenant(&world, &[("all", all), ("buyers", buyers)], &json!({})).await;
    let mut events = Vec::new();
    for i in 0..10 {
        let user = format!("u{i}");
        events.push(exposure(&format!("x{i}"), &user, "e", if i % 2 == 0 { "on" } else { "off" }, at(0, 0)));
        if i >= 6 {
            events.push(order(&format!("o{i}"), &user, &(i * 10).to_string(), at(1, 0)));
        }
    }
    tenant.accept(&events).await;
    let results = tenant.results("e", "").await;
    assert_eq!(metric(&results, "all")["cap"]["value"], "0");
    // Of 60, 70, 80 and 90 the second.
    let cap = metric(&results, "buyers")["cap"]["value"].as_str().unwrap().parse::<f64>().unwrap();
    assert!((70.0..70.71).contains(&cap), "{cap}");
}

/// Segments, breakdowns, the outlook and the timeline read the distribution as results do.
async fn ranks_and_capped_values_are_asked_everywhere() {
    let world = World::new().await;
    let capped = json!({"kind": "sum", "event": "Order Completed", "cap": {"percentile": 0.9}});
    let median = json!({"kind": "quantile", "event": "Order Completed", "of": "value", "q": 0.5});
    let tenant = tenant(&world, &[("capped", capped), ("median", median)], &json!({"dimensions": ["device"]})).await;
    let mut events = Vec::new();
    for i in 0..400i64 {
        let (user, key) = (format!("u{i}"), if i % 2 == 0 { "off" } else { "on" });
        let device = json!({"context": {"device": {"type": if i % 4 < 2 { "web" } else { "ios" }}}});
        events.push(with(exposure(&format!("x{i}"), &user, "e", key, at(i / 100, 0)), &device));
        // One in twenty spends a hundred times as much.
        let value = (100 + 7 * i % 90) * if i % 20 == 1 { 100 } else { 1 };
        events.push(order(&format!("o{i}"), &user, &value.to_string(), at(i / 100, 5)));
    }
    tenant.accept(&events).await;
    let whole = tenant.settled("e", "by=device").await;
    let of = |value: &Value, key: &str| value[key].clone();
    for name in ["capped", "median"] {
        let told = tenant.read.get(&format!("/v1/experiments/e/segments?by=device&metric={name}")).expect(200).await;
        let values = told["values"].as_array().unwrap();
        let broken_down = whole["breakdown"]["values"].as_array().unwrap();
        assert_eq!((values.len(), broken_down.len()), (2, 2), "{told}");
        for (value, other) in values.iter().zip(broken_down) {
            let (one, same) = (&value["arms"][1], arm(other, name, "on"));
            assert!(number(&one["value"]) < 300.0, "what a few spend is cut, or beyond the median: {one}");
            // Both are one family: the numbers, adjusted ones too, are the same.
            for part in ["difference", "p_value", "p_value_adjusted", "verdict"] {
                assert_eq!(of(&one["versus_control"], part), of(&same["versus_control"], part), "{part} of {name}");
            }
        }
        let compared = &told["comparisons"][0];
        assert_eq!(compared["common_lift"]["anytime"], false, "{compared}");
        assert!(
            compared["common_lift"]["value"].is_number() && compared["values"][0]["shrunken_lift"]["value"].is_number()
        );
        let outlook =
            tenant.read.get(&format!("/v1/experiments/e/power?metric={name}&split=current")).expect(200).await;
        let methods = outlook["arms"][0]["splits"][0]["methods"].as_array().unwrap();
        let by = |method: &str| methods.iter().find(|found| found["method"] == method).unwrap();
        assert!(by("frequentist")["by_persons"][0]["power"].is_number(), "{outlook}");
        assert_eq!(by("sequential")["by_persons"][0]["power"].is_number(), name == "capped", "{outlook}");
        let hopeless = by("sequential").to_string().contains("a quantile has no test that holds at any time");
        assert_eq!(hopeless, name == "median", "{outlook}");
        let timeline = tenant.read.get(&format!("/v1/experiments/e/timeline?metric={name}")).expect(200).await;
        let last = timeline["points"].as_array().unwrap().last().unwrap();
        assert_eq!(last["arms"][1]["value"], arm(&whole, name, "on")["value"], "{last}");
    }
    // Uncut, the arm with all the large values would differ beyond doubt.
    assert_eq!(arm(&whole, "capped", "on")["versus_control"]["causal"], true);
}
