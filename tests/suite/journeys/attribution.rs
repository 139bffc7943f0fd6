//! Attribution: what touches are credited with, and what arms caused.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{event, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

use super::of_arm;

tests::cases![
    every_model_divides_the_same_conversions_and_adds_up,
    refunds_late_touches_and_second_devices_count_as_if_they_had_been_in_time,
    a_channel_that_takes_credit_for_what_comes_anyway_is_over_credited,
    touches_have_many_names,
    without_anybody_or_anything_there_is_a_reason,
    questions_that_make_no_attribution_are_refused,
];

const MODELS: [&str; 7] = ["first", "last", "linear", "position", "time_decay", "markov", "shapley"];

async fn ask(tenant: &Tenant, query: &str) -> Value {
    super::measured(tenant, &format!("/v1/experiments/e/attribution?{query}")).await
}

fn at(days: i64, minutes: i64) -> DateTime<Utc> {
    days_ago(60) + TimeDelta::days(days) + TimeDelta::minutes(minutes)
}

async fn with_experiment(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought"])).await;
    tenant
}

fn touch(id: &str, who: &str, channel: &str, at: DateTime<Utc>) -> Value {
    with(event(id, who, "Message Opened", at), &json!({"channel": channel}))
}

/// Ada is touched by e-mail, then twice by push, and buys twice; Bob is touched and does not buy; Cy buys untouched.
fn few() -> Vec<Value> {
    vec![
        exposure("xa", "ada", "e", "on", at(0, 0)),
        touch("a1", "ada", "email", at(1, 0)),
        touch("a2", "ada", "push", at(2, 0)),
        touch("a3", "ada", "push", at(3, 0)),
        order("a4", "ada", "70", at(3, 1)),
        order("a5", "ada", "0.000001", at(5, 0)),
        exposure("xb", "bob", "e", "on", at(0, 0)),
        touch("b1", "bob", "push", at(1, 0)),
        exposure("xc", "cy", "e", "off", at(0, 0)),
        order("c1", "cy", "10", at(1, 0)),
    ]
}

/// Conversions and value credited in an arm, by label; `-` is nobody.
fn credits(answer: &Value, arm: &str) -> Vec<(String, String, String)> {
    let lines = of_arm(&answer["arms"], arm)["credits"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let told = |line: &Value| (text(&line["label"]), text(&line["conversions"]), text(&line["value"]));
    lines.iter().map(told).collect()
}

/// Whether the lines of every arm add up to its conversions and its value, in whole units.
fn adds_up(answer: &Value) {
    let units = |text: &Value| {
        let text = text.as_str().unwrap_or_else(|| panic!("{answer}"));
        journey::Amount::parse(text, "").unwrap().units()
    };
    for arm in answer["arms"].as_array().unwrap() {
        for what in ["conversions", "value"] {
            let sum: i64 = arm["credits"].as_array().unwrap().iter().map(|line| units(&line[what])).sum();
            assert_eq!(sum, units(&arm[what]), "{what} of {arm}");
        }
    }
}

async fn every_model_divides_the_same_conversions_and_adds_up() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    // Linear: one third to e-mail, two thirds to push, of each order; the odd millionth to the first of equal remainders.
    for (model, email, push) in [
        ("first", ["2", "70.000001"], ["0", "0"]),
        ("last", ["0", "0"], ["2", "70.000001"]),
        ("linear", ["0.666666", "23.333333"], ["1.333334", "46.666668"]),
        ("position", ["0.8", "28"], ["1.2", "42.000001"]),
        // Half-lives of a day: 1, 2 and 4 parts.
        ("time_decay", ["0.285714", "10"], ["1.714286", "60.000001"]),
        ("shapley", ["1", "35.000001"], ["1", "35"]),
    ] {
        let answer = ask(&tenant, &format!("model={model}&half_life_days=1")).await;
        let line = |label: &str, [conversions, value]: [&str; 2]| (label.to_owned(), conversions.into(), value.into());
        // In the order of linear credit, whatever the model.
        assert_eq!(
            credits(&answer, "on"),
            [line("push", push), line("email", email), line("-", ["0", "0"])],
            "{model}"
        );
        assert_eq!((&answer["model"], &answer["causal"]), (&json!(model), &json!(false)));
    }
    // Markov: of three journeys, two begin with e-mail and go on to push and convert; one begins with push and is lost. From push
    // two of three convert. Both orders pass through both labels.
    let markov = ask(&tenant, "model=markov&half_life_days=1").await;
    let on = of_arm(&markov["arms"], "on");
    assert!((on["chain_conversion"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-12, "{on}");
    // Without e-mail only the journey that begins with push converts: 2/9 of 2/3; without push none.
    let email = credits(&markov, "on").into_iter().find(|(label, ..)| label == "email").unwrap();
    assert_eq!(email.1, "0.8", "2 (2/3) / (2/3 + 1): {on}");
    for model in MODELS {
        let answer = ask(&tenant, &format!("model={model}&half_life_days=1")).await;
        adds_up(&answer);
        assert_eq!(credits(&answer, "off").last().unwrap(), &("-".to_owned(), "1".into(), "10".into()), "{model}");
        let lines = of_arm(&answer["arms"], "on")["credits"].as_array().unwrap();
        assert!(lines.iter().all(|line| line["causal"] == false), "{model}");
        // The experimental answer is the same beside every model: two conversions against one.
        let caused = &of_arm(&answer["arms"], "on")["caused"];
        assert_eq!(
            (&caused["conversions"]["value"], &caused["causal"]),
            (&json!(0.0), &json!(true)),
            "{model}: {caused}"
        );
        assert_eq!(of_arm(&answer["conversions"]["arms"], "on")["value"], 1.0);
    }
    // All of it came from one lens.
    let stored = tenant.read.get("/v1/experiments/e").expect(200).await;
    assert_eq!(stored["lenses"].as_array().unwrap().len(), 1, "{}", stored["lenses"]);
    // As of the day before the second order there was one.
    let day = at(4, 0).date_naive();
    let early = ask(&tenant, &format!("model=last&half_life_days=1&maturity=live&as_of={day}")).await;
    assert_eq!(of_arm(&early["arms"], "on")["conversions"], "1");
    adds_up(&early);
    // A shorter lookback leaves the second order, two days after the last touch, to nobody.
    let short = ask(&tenant, "model=linear&lookback_days=1").await;
    assert_eq!(credits(&short, "on").last().unwrap(), &("-".to_owned(), "1".into(), "0.000001".into()));
    // Few labels stand alone.
    let limited = ask(&tenant, "model=linear&half_life_days=1&limit=1").await;
    let kinds: Vec<&Value> =
        of_arm(&limited["arms"], "on")["credits"].as_array().unwrap().iter().map(|line| &line["kind"]).collect();
    assert_eq!(kinds, ["label", "others", "untouched"]);
    adds_up(&limited);
}

async fn refunds_late_touches_and_second_devices_count_as_if_they_had_been_in_time() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    tenant.accept(&few()).await;
    ask(&tenant, "model=linear").await;
    let refund = with(event("r1", "ada", "Order Refunded", at(6, 0)), &json!({"value": "20.000001"}));
    tenant.accept(&[refund, touch("a0", "ada", "sms", at(0, 30))]).await;
    let answer = ask(&tenant, "model=first").await;
    adds_up(&answer);
    assert_eq!(credits(&answer, "on")[..1], [("push".to_owned(), "0".into(), "0".into())]);
    let sms = credits(&answer, "on").into_iter().find(|(label, ..)| label == "sms").unwrap();
    assert_eq!((&*sms.1, &*sms.2), ("2", "50"));
    // A tablet that turns out to be Ada's was touched before everything else.
    let tablet = json!({"user_id": null, "anonymous_id": "tablet"});
    tenant.accept(&[with(touch("t1", "x", "web", at(0, 10)), &tablet)]).await;
    tenant.accept(&[with(event("t2", "ada", "Page Viewed", at(7, 0)), &json!({"anonymous_id": "tablet"}))]).await;
    let answer = ask(&tenant, "model=first").await;
    adds_up(&answer);
    let web = credits(&answer, "on").into_iter().find(|(label, ..)| label == "web").unwrap();
    assert_eq!((&*web.1, &*web.2), ("2", "50"));
}

/// Everybody in `on` gets an e-mail before an order that two of ten place in both arms, after having seen the web site.
async fn a_channel_that_takes_credit_for_what_comes_anyway_is_over_credited() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let mut events = Vec::new();
    for n in 0..2_000u32 {
        let user = format!("u{n}");
        let arm = if n % 2 == 0 { "off" } else { "on" };
        events.push(exposure(&format!("x{n}"), &user, "e", arm, at(0, 0)));
        events.push(touch(&format!("w{n}"), &user, "web", at(0, 10)));
        if arm == "on" {
            events.push(touch(&format!("m{n}"), &user, "email", at(1, 0)));
        }
        if (n / 2) % 10 < 2 {
            events.push(order(&format!("o{n}"), &user, "50", at(2, 0)));
        }
    }
    for part in events.chunks(4_000) {
        tenant.accept(part).await;
    }
    let answer = ask(&tenant, "model=last").await;
    let on = of_arm(&answer["arms"], "on");
    let caused = &on["caused"];
    assert_eq!((&caused["conversions"]["value"], &caused["anytime"]), (&json!(0.0), &json!(true)), "{caused}");
    assert!(caused["conversions"]["high"].as_f64().unwrap() < 150.0, "{caused}");
    let line = |label: &str| {
        let lines = on["credits"].as_array().unwrap();
        lines.iter().find(|line| line["label"] == label).unwrap()
    };
    let email = line("email");
    assert_eq!((&email["conversions"], &email["value"]), (&json!("200"), &json!("10000")));
    assert_eq!((&email["share"]["value"], &email["causal"]), (&json!(1.0), &json!(false)));
    let additional = &email["additional"];
    assert_eq!((&additional["conversions"]["value"], &additional["over_credited"]), (&json!(200.0), &json!(true)));
    assert_eq!(additional["causal"], true);
    // What e-mail gained, the web site lost: together it is what the arm caused, nothing.
    let web = &line("web")["additional"];
    assert_eq!((&web["conversions"]["value"], &web["over_credited"]), (&json!(-200.0), &json!(false)));
    assert!(on["sentence"].as_str().unwrap().starts_with("Over-credited: email with 200.0 conversions"), "{on}");
    assert!(of_arm(&answer["arms"], "off").get("caused").is_none());
    // By linear credit half of it; the share of either label has the interval of a ratio over persons.
    let answer = ask(&tenant, "model=linear").await;
    let on = of_arm(&answer["arms"], "on");
    assert_eq!(on["credits"][0]["conversions"], "100");
    for model in ["markov", "shapley"] {
        let answer = ask(&tenant, &format!("model={model}")).await;
        adds_up(&answer);
        let line = &of_arm(&answer["arms"], "on")["credits"][0];
        assert!(line["share"]["low"].is_null() && line["reasons"]["share.interval"].is_string(), "{line}");
        assert!(line["additional"]["reasons"]["conversions.interval"].is_string(), "{line}");
    }
}

async fn touches_have_many_names() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let seen = |id: &str, more: &Value, minutes: i64| with(event(id, "ada", "Product Viewed", at(0, minutes)), more);
    tenant
        .accept(&[
            exposure("xa", "ada", "e", "on", at(0, 0)),
            seen("1", &json!({"context": {"campaign": {"name": "spring"}}, "channel": "email"}), 1),
            seen("2", &json!({"properties": {"tactic": "offer", "product_id": "p1", "creative": "red"}}), 2),
            order("3", "ada", "8", at(0, 3)),
            with(event("4", "ada", "Sign Up", at(0, 4)), &json!({"properties": {"plan": "gold"}})),
        ])
        .await;
    for (by, label) in [
        ("campaign", "spring"),
        ("tactic", "offer"),
        ("item", "p1"),
        ("channel", "email"),
        ("event", "Product Viewed"),
        ("properties.creative", "red"),
    ] {
        let answer = ask(&tenant, &format!("by={by}")).await;
        assert_eq!(credits(&answer, "on")[0], (label.to_owned(), "1".into(), "8".into()), "{by}");
        adds_up(&answer);
    }
    // Another conversion; the order before it is a touch of its own by name.
    let signed = r#"{"event":"Sign Up","where":{"properties.plan":"gold"}}"#;
    let answer = ask(&tenant, &format!("by=event&model=last&conversion={signed}")).await;
    assert_eq!(credits(&answer, "on")[1], ("Order Completed".to_owned(), "1".into(), "0".into()));
    // All value is zero, so there is no share of it.
    let line = &of_arm(&answer["arms"], "on")["credits"][1];
    assert!(line["value_share"]["value"].is_null() && line["reasons"]["value_share"].is_string(), "{line}");
}

async fn without_anybody_or_anything_there_is_a_reason() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    let check = |answer: &Value, persons: i64, lines: usize| {
        assert!(!answer.to_string().contains("NaN"));
        let on = of_arm(&answer["arms"], "on");
        assert_eq!((&on["persons"], &on["conversions"]), (&json!(persons), &json!("0")), "{on}");
        assert_eq!(on["credits"].as_array().unwrap().len(), lines, "{on}");
        let untouched = on["credits"].as_array().unwrap().last().unwrap();
        assert!(untouched["reasons"]["share"].is_string(), "{untouched}");
        assert!(on["caused"]["reasons"]["conversions.interval"].is_string(), "{on}");
    };
    for model in MODELS {
        check(&ask(&tenant, &format!("model={model}")).await, 0, 1);
    }
    // One person who is touched and does not convert.
    tenant.accept(&[exposure("x", "ada", "e", "on", at(0, 0)), touch("t", "ada", "email", at(0, 1))]).await;
    for model in MODELS {
        let answer = ask(&tenant, &format!("model={model}")).await;
        check(&answer, 1, 2);
        let email = &of_arm(&answer["arms"], "on")["credits"][0];
        assert_eq!((&email["label"], &email["conversions"]), (&json!("email"), &json!("0")), "{model}: {email}");
    }
}

async fn questions_that_make_no_attribution_are_refused() {
    let world = World::new().await;
    let tenant = with_experiment(&world).await;
    for (query, parameter, wanted) in [
        ("model=best", "model", "first or last or linear or position or time_decay or markov or shapley"),
        ("by=properties..x", "by", "channel, campaign, tactic, item, event or a path"),
        ("conversion=a,b", "conversion", "one event"),
        ("lookback_days=0", "lookback_days", "1 to 3650"),
        ("lookback_days=x", "lookback_days", "1 to 3650"),
        ("half_life_days=0", "half_life_days", "above 0"),
        ("half_life_days=-1", "half_life_days", "above 0"),
        ("half_life_days=9999", "half_life_days", "above 0"),
        ("limit=0", "limit", "1 to 100"),
        ("window_days=0", "window_days", "1 to 3650"),
        ("steps=a,b", "steps", "model"),
    ] {
        let refused = tenant.read.get(&format!("/v1/experiments/e/attribution?{query}")).invalid().expect(400).await;
        let fault = &refused["errors"][0];
        assert_eq!(fault["parameter"], parameter, "{query}: {refused}");
        assert!(fault["detail"].as_str().unwrap().contains(wanted), "{query}: {refused}");
    }
    let missing = tenant.read.get("/v1/experiments/none/attribution").expect(404).await;
    assert_eq!(missing["code"], "not_found");
}
