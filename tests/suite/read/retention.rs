//! Curves of who stays, who comes back, and when, through the API alone.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{event, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![
    curves_are_those_of_the_remission_trial,
    a_retention_says_who_is_still_there,
    a_rolling_retention_counts_those_whose_span_has_begun,
    a_curve_as_of_a_day_is_the_curve_of_the_events_before_its_end,
    what_is_not_there_is_said_with_its_reason,
    questions_without_an_answer_are_refused,
];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn close(found: &Value, wanted: f64, relative: f64) {
    let found = number(found);
    assert!((found - wanted).abs() <= relative * wanted.abs().max(1e-12), "{found} instead of {wanted}");
}

async fn ask(tenant: &Tenant, query: &str) -> Value {
    tenant.read.get(&format!("/v1/experiments/e/retention?{query}")).expect(200).await
}

fn at(days: i64, hours: i64) -> DateTime<Utc> {
    days_ago(100) + TimeDelta::days(days) + TimeDelta::hours(hours)
}

fn date(days: i64) -> String {
    at(days, 0).date_naive().to_string()
}

fn curve<'a>(answer: &'a Value, metric: &str, ends: &str) -> &'a Value {
    let metrics = answer["metrics"].as_array().unwrap();
    let found =
        metrics.iter().find(|found| found["metric"] == metric).unwrap_or_else(|| panic!("{metric} in {answer}"));
    let curves = found["curves"].as_array().unwrap();
    curves.iter().find(|curve| curve["ends"] == ends).unwrap_or_else(|| panic!("{ends} in {found}"))
}

fn arm<'a>(curve: &'a Value, key: &str) -> &'a Value {
    curve["arms"].as_array().unwrap().iter().find(|arm| arm["arm"] == key).unwrap()
}

/// Weeks to relapse, or of remission so far, of 21 pairs of children with leukaemia: Freireich and others, Blood 21 (1963).
const MERCAPTOPURINE: [(i64, bool); 21] = [
    (6, true),
    (6, true),
    (6, true),
    (6, false),
    (7, true),
    (9, false),
    (10, true),
    (10, false),
    (11, false),
    (13, true),
    (16, true),
    (17, false),
    (19, false),
    (20, false),
    (22, true),
    (23, true),
    (25, false),
    (32, false),
    (32, false),
    (34, false),
    (35, false),
];
const PLACEBO: [i64; 21] = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23];

/// The weeks are days here, and who was watched for so many days was exposed so long before the day of the answer.
async fn curves_are_those_of_the_remission_trial() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant
        .metric("relapse", &json!({"kind": "conversion", "event": "Relapsed", "curve": true, "goal": "decrease"}))
        .await;
    tenant.experiment("e", &with(tests::events::experiment(&["relapse"]), &json!({"window_days": null}))).await;
    let end = 50;
    let mut events = Vec::new();
    for (n, (days, relapsed)) in MERCAPTOPURINE.into_iter().enumerate() {
        let user = format!("m{n}");
        // Whoever relapsed was exposed 35 days before the end, and would have been watched on.
        let exposed = if relapsed { end - 35 } else { end - days };
        events.push(exposure(&format!("x{user}"), &user, "e", "on", at(exposed, 9)));
        if relapsed {
            events.push(event(&format!("r{user}"), &user, "Relapsed", at(exposed + days, 1)));
        }
    }
    for (n, days) in PLACEBO.into_iter().enumerate() {
        let user = format!("p{n}");
        events.push(exposure(&format!("x{user}"), &user, "e", "off", at(end - 40, 9)));
        events.push(event(&format!("r{user}"), &user, "Relapsed", at(end - 40 + days, 23)));
    }
    tenant.accept(&events).await;
    let answer = ask(&tenant, &format!("as_of={}", date(end))).await;
    let found = curve(&answer, "relapse", "first");
    // Source: lifelines, KaplanMeierFitter and logrank_test, of the same durations.
    let points = arm(found, "on")["points"].as_array().unwrap();
    let at_day = |day: u64| points.iter().find(|point| point["day"] == day).unwrap();
    close(&at_day(10)["survival"], 0.752_941_176_470_587_8, 1e-9);
    close(&at_day(10)["interval"]["low"], 0.503_199_5, 1e-6);
    close(&at_day(10)["interval"]["high"], 0.889_361_8, 1e-6);
    close(&at_day(23)["survival"], 0.448_179_27, 1e-6);
    let test = &found["log_rank"];
    close(&test["chi_square"], 16.792_940_989_216_547, 1e-9);
    close(&test["p_value"], 4.168_809e-5, 1e-6);
    assert_eq!(
        (&test["anytime"], &found["causal"], &found["method"]),
        (&json!(false), &json!(true), &json!("kaplan_meier"))
    );
    assert_eq!((&arm(found, "off")["median_days"], &arm(found, "on")["median_days"]), (&json!(8), &json!(23)));
    // 9 relapses in 359 weeks against 21 in 182: a churn rate with its interval.
    let rate = &arm(found, "on")["rate_per_day"];
    close(&rate["value"], 9.0 / 359.0, 1e-9);
    assert!(number(&rate["low"]) < 9.0 / 359.0 && number(&rate["high"]) > 9.0 / 359.0);
    close(&arm(found, "off")["rate_per_day"]["value"], 21.0 / 182.0, 1e-9);
}

async fn a_retention_says_who_is_still_there() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant
        .metric(
            "back",
            &json!({"kind": "retention", "event": "*", "from_day": 1, "to_day": 2, "align": "calendar", "curve": true}),
        )
        .await;
    tenant.metric("orders", &json!({"kind": "count", "event": "Order Completed", "curve": true})).await;
    tenant.experiment("e", &with(tests::events::experiment(&["back", "orders"]), &json!({"window_days": null}))).await;
    let mut events = Vec::new();
    let mut see = |user: &str, days: &[i64]| {
        events.push(exposure(&format!("x{user}"), user, "e", "on", at(0, 20)));
        for day in days {
            events.push(event(&format!("v{user}{day}"), user, "Page Viewed", at(*day, 1)));
        }
    };
    // Day 1 of the calendar begins four hours after the exposure.
    see("a", &[1, 2, 3, 10]);
    see("b", &[1, 4]);
    see("c", &[]);
    see("d", &[2]);
    events.push(order("o1", "a", "5", at(3, 0)));
    events.push(order("o2", "a", "5", at(5, 0)));
    events.push(order("o3", "b", "5", at(4, 2)));
    tenant.accept(&events).await;
    let answer = ask(&tenant, &format!("as_of={}&inactive_days=5", date(12))).await;
    let metric = &answer["metrics"][0];
    let returned = metric["returned"].as_array().unwrap().iter().find(|arm| arm["arm"] == "on").unwrap();
    assert_eq!((&returned["persons"], &returned["counted"]), (&json!(4), &json!(2)), "{metric}");
    let days = metric["active_days"].as_array().unwrap().iter().find(|arm| arm["arm"] == "on").unwrap();
    let active: Vec<u64> = days["days"].as_array().unwrap().iter().map(|day| day["active"].as_u64().unwrap()).collect();
    assert_eq!(active, [0, 2, 2, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0], "{days}");
    // By day 7, five days before the end, c has left on day 0, d on 2, b on 4; a was seen again later.
    let leaving = arm(curve(&answer, "back", "leaving"), "on");
    assert_eq!((&leaving["persons"], &leaving["events"]), (&json!(4), &json!(3)), "{leaving}");
    let survival: Vec<f64> =
        leaving["points"].as_array().unwrap().iter().map(|point| number(&point["survival"])).collect();
    assert_eq!(survival, [0.75, 0.5, 0.25, 0.25], "{leaving}");
    // Orders: two persons bought, one of them again, two days later.
    let second = arm(curve(&answer, "orders", "second"), "on");
    assert_eq!((&second["persons"], &second["events"]), (&json!(4), &json!(1)));
    let again = curve(&answer, "orders", "repeat");
    assert_eq!((&arm(again, "on")["persons"], &arm(again, "on")["median_days"]), (&json!(2), &json!(2)));
    assert_eq!(again["causal"], false);
    let repeat = &answer["metrics"][1]["repeat_purchases"]["arms"];
    let repeat = repeat.as_array().unwrap().iter().find(|arm| arm["arm"] == "on").unwrap();
    assert_eq!((&repeat["persons"], &repeat["counted"], &repeat["share"]), (&json!(2), &json!(1), &json!(0.5)));
    // A late event is in the next answer.
    tenant.accept(&[event("late", "c", "Page Viewed", at(9, 0))]).await;
    let later = ask(&tenant, &format!("as_of={}&inactive_days=5&metric=back", date(12))).await;
    assert_eq!(arm(curve(&later, "back", "leaving"), "on")["events"], 2);
    assert_eq!(later["fresh"]["pending_subjects"], 0);
}

/// Whoever was exposed yesterday can't have come back after a week, and is not among those who did not.
async fn a_rolling_retention_counts_those_whose_span_has_begun() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("back", &json!({"kind": "retention", "event": "*", "from_day": 7, "to_day": null})).await;
    tenant.experiment("e", &with(tests::events::experiment(&["back"]), &json!({"window_days": null}))).await;
    let exposed = [("a", 0), ("b", 0), ("c", 5), ("d", 6), ("e", 11)];
    let mut events: Vec<Value> =
        exposed.iter().map(|(user, day)| exposure(&format!("x{user}"), user, "e", "on", at(*day, 20))).collect();
    events.push(event("seen", "a", "Page Viewed", at(9, 0)));
    events.push(event("early", "b", "Page Viewed", at(3, 0)));
    tenant.accept(&events).await;
    for (day, persons, counted) in [(12, 3, 1), (13, 4, 1), (8, 2, 0), (4, 0, 0)] {
        let answer = ask(&tenant, &format!("as_of={}", date(day))).await;
        let metric = &answer["metrics"][0];
        let returned = metric["returned"].as_array().unwrap().iter().find(|arm| arm["arm"] == "on").unwrap();
        assert_eq!((&returned["persons"], &returned["counted"]), (&json!(persons), &json!(counted)), "{day}: {metric}");
    }
}

async fn a_curve_as_of_a_day_is_the_curve_of_the_events_before_its_end() {
    let world = World::new().await;
    let mut answers = Vec::new();
    for whole in [true, false] {
        let tenant = world.tenant_in("EUR", "Europe/Berlin").await;
        let zone = journey::Zone::parse("Europe/Berlin", "").unwrap();
        tenant
            .metric("orders", &json!({"kind": "clv", "event": "Order Completed", "lifespan_days": 100, "curve": true}))
            .await;
        tenant
            .metric("back", &json!({"kind": "retention", "event": "Order Completed", "from_day": 0, "curve": true}))
            .await;
        tenant
            .experiment("e", &with(tests::events::experiment(&["orders", "back"]), &json!({"window_days": 10})))
            .await;
        let mut events = Vec::new();
        for n in 0..60i64 {
            let (user, key) = (format!("u{n}"), if n % 2 == 0 { "on" } else { "off" });
            events.push((at(n % 9, n), exposure(&format!("x{n}"), &user, "e", key, at(n % 9, n))));
            for k in 0..n % 4 {
                let when = at(n % 9, n) + TimeDelta::hours(7 * n * (k + 1) % 290);
                events.push((when, order(&format!("o{n}-{k}"), &user, "3", when)));
            }
        }
        let last = zone.day_of(at(11, 0).into());
        let kept: Vec<Value> = events
            .into_iter()
            .filter(|(when, _)| whole || zone.day_of((*when).into()) <= last)
            .map(|(_, event)| event)
            .collect();
        // In two halves, the later one first.
        let (early, late) = kept.split_at(kept.len() / 2);
        tenant.accept(late).await;
        tenant.accept(early).await;
        let mut answer = ask(&tenant, &format!("as_of={last}&inactive_days=3")).await;
        answer["fresh"] = Value::Null;
        answers.push(answer);
    }
    assert!(number(&arm(curve(&answers[0], "orders", "first"), "on")["events"]) > 5.0, "{}", answers[0]);
    assert_eq!(answers[0], answers[1]);
}

async fn what_is_not_there_is_said_with_its_reason() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought"])).await;
    let answer = ask(&tenant, "").await;
    assert_eq!(answer["metrics"], json!([]));
    assert!(answer["reason"].as_str().unwrap().contains("\"curve\": true"), "{answer}");
    // A retention without its curve says who came back, and how to have the curve.
    tenant.metric("back", &json!({"kind": "retention", "event": "*", "from_day": 1, "to_day": 2})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought", "back"])).await;
    let answer = ask(&tenant, "metric=back").await;
    assert!(answer["metrics"][0]["reason"].as_str().unwrap().contains("curve"), "{answer}");
    assert_eq!(answer["metrics"][0]["returned"][0]["share"], Value::Null);
    // With the curve, but nobody there yet; and then one arm alone, where nothing happened.
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed", "curve": true})).await;
    let answer = ask(&tenant, "metric=bought").await;
    let found = curve(&answer, "bought", "first");
    assert_eq!(found["log_rank"], Value::Null);
    assert!(found["reasons"]["log_rank"].is_string() && arm(found, "on")["reasons"]["points"].is_string(), "{found}");
    tenant.accept(&[exposure("x1", "u1", "e", "on", at(0, 0)), exposure("x2", "u2", "e", "on", at(0, 0))]).await;
    let answer = ask(&tenant, "metric=bought").await;
    let found = curve(&answer, "bought", "first");
    assert!(found["reasons"]["log_rank"].is_string(), "{found}");
    assert_eq!((&arm(found, "on")["persons"], &arm(found, "on")["events"]), (&json!(2), &json!(0)));
    assert_eq!(arm(found, "on")["points"][0]["interval"], Value::Null);
    // The window of 14 days bounds the curve.
    assert_eq!((&answer["metrics"][0]["days"], &arm(found, "on")["points"][0]["day"]), (&json!(14), &json!(13)));
}

async fn questions_without_an_answer_are_refused() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed", "curve": true})).await;
    tenant.experiment("e", &tests::events::experiment(&["spend", "bought"])).await;
    for (query, about) in [
        ("metric=nothing", "metric"),
        ("metric=spend", "curve"),
        ("event=Viewed", "event"),
        ("inactive_days=0", "1 to 365"),
        ("inactive_days=many", "1 to 365"),
        ("confidence=2", "between 0 and 1"),
        ("as_of=tomorrow", "as_of"),
        ("by=device", "by"),
    ] {
        let answer = tenant.read.get(&format!("/v1/experiments/e/retention?{query}")).invalid().send().await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(answer.text().contains(about), "{query}: {}", answer.text());
    }
    let of_event = tenant.read.get("/v1/experiments/e/retention").query("event", "Order Completed").expect(200).await;
    assert_eq!(of_event["metrics"].as_array().unwrap().len(), 1);
    let missing = tenant.read.get("/v1/experiments/none/retention").send().await;
    assert_eq!(missing.status, 404);
    // The same question has the same validator, another has another.
    let tag = |answer: &tests::Answer| answer.header("etag").map(str::to_owned);
    let one = tenant.read.get("/v1/experiments/e/retention").send().await;
    let other = tenant.read.get("/v1/experiments/e/retention?inactive_days=9").send().await;
    assert_ne!(tag(&one), tag(&other));
    let again = tenant.read.get("/v1/experiments/e/retention").header("if-none-match", tag(&one).unwrap()).send().await;
    assert_eq!(again.status, 304);
}
