//! Kinds in which the latest event of a person stands, rates over time, and metrics that only describe.

use serde_json::{Value, json};
use tests::World;
use tests::events::{arm, event, exposure, order, with};

use super::{at, tally, tenant};

tests::cases![
    the_nth_event_and_the_latest_one_whatever_the_order_of_arrival,
    rates_are_over_the_time_under_observation,
    where_promoters_answer_more_often_there_is_no_verdict,
    what_only_describes_gives_no_verdict,
];

fn close(found: &Value, wanted: f64) {
    let found = found.as_f64().unwrap_or_else(|| panic!("{found} is no number"));
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{found} instead of {wanted}");
}

fn scored(id: &str, user: &str, name: &str, score: &Value, days: i64, hours: i64) -> Value {
    with(event(id, user, name, at(days, hours)), &json!({"properties": {"score": score}}))
}

async fn the_nth_event_and_the_latest_one_whatever_the_order_of_arrival() {
    let world = World::new().await;
    let metrics = [
        ("twice", json!({"kind": "conversion", "event": "Order Completed", "at_least": 2})),
        ("items", json!({"kind": "sum", "event": "Order Completed", "of": "properties.items"})),
        ("price", json!({"kind": "latest", "event": "Plan Changed", "of": "properties.score"})),
        ("nps", json!({"kind": "rating", "event": "Survey Answered", "of": "properties.score", "scale": "nps"})),
        (
            "mean",
            json!({"kind": "ratio", "numerator": {"event": "Survey Answered", "of": "properties.score"}, "denominator": {"event": "Survey Answered"}}),
        ),
    ];
    let events = [
        exposure("x1", "u1", "e", "on", at(0, 0)),
        exposure("x2", "u2", "e", "on", at(0, 0)),
        exposure("x3", "u3", "e", "off", at(0, 0)),
        with(order("o1", "u1", "10", at(1, 0)), &json!({"properties": {"items": 3}})),
        with(order("o2", "u1", "10", at(4, 0)), &json!({"properties": {"items": "2"}})),
        // A refund takes away what it carries; what is no number adds nothing.
        with(event("r1", "u1", "Order Refunded", at(5, 0)), &json!({"value": 4, "properties": {"items": 1}})),
        with(order("o3", "u2", "10", at(2, 0)), &json!({"properties": {"items": "many"}})),
        scored("p1", "u1", "Plan Changed", &json!(49), 2, 0),
        scored("p2", "u1", "Plan Changed", &json!(19.123_456_7), 3, 0),
        scored("p3", "u1", "Plan Changed", &Value::Null, 4, 0),
        // Of one instant, the larger id is the later one; ids that are UUIDs stand for themselves.
        scored("00000000-0000-4000-8000-000000000002", "u2", "Plan Changed", &json!(7), 6, 0),
        scored("00000000-0000-4000-8000-000000000001", "u2", "Plan Changed", &json!(5), 6, 0),
        scored("s1", "u1", "Survey Answered", &json!(3), 1, 0),
        scored("s2", "u1", "Survey Answered", &json!(10), 1, 5),
        scored("s3", "u2", "Survey Answered", &json!(6), 3, 0),
        // Not an answer from 0 to 10, and after the window.
        scored("s4", "u2", "Survey Answered", &json!(11), 4, 0),
        scored("s5", "u2", "Survey Answered", &json!(9), 14, 0),
    ];
    let mut answers = Vec::new();
    for turned in [false, true] {
        let tenant = tenant(&world, &metrics, &json!({})).await;
        let mut events = events.to_vec();
        if turned {
            events.reverse();
        }
        // One by one, each folded before the next arrives.
        for event in events {
            tenant.accept(&[event]).await;
            let _ = tenant.results("e", "").await;
        }
        let results = tenant.results("e", "").await;
        assert_eq!(tally(&results, "twice", "on"), (2, "1".into()));
        assert_eq!(tally(&results, "items", "on"), (2, "4".into()));
        assert_eq!(tally(&results, "price", "on"), (2, "26.123457".into()));
        assert_eq!(tally(&results, "nps", "on"), (2, "0".into()));
        let nps = arm(&results, "nps", "on");
        assert_eq!((&nps["tally"]["denominator_sum"], &nps["response"]["answered"]), (&json!("2"), &json!(2)), "{nps}");
        assert_eq!(arm(&results, "nps", "off")["response"]["answered"], 0);
        close(&arm(&results, "mean", "on")["value"], 30.0 / 4.0);
        // As of each day the latest so far stands, and the second order has not come yet.
        let then = |days: i64| format!("as_of={}&maturity=live", super::date(days));
        let early = tenant.results("e", &then(2)).await;
        assert_eq!((tally(&early, "twice", "on").1, tally(&early, "price", "on").1), ("0".into(), "49".into()));
        let later = tenant.results("e", &then(4)).await;
        assert_eq!((tally(&later, "twice", "on").1, tally(&later, "price", "on").1), ("1".into(), "19.123457".into()));
        assert_eq!(tally(&tenant.results("e", &then(1)).await, "nps", "on").1, "100");
        answers.push(results["metrics"].clone());
    }
    assert_eq!(answers[0], answers[1]);
}

async fn rates_are_over_the_time_under_observation() {
    let world = World::new().await;
    let parts = json!([{"event": "Email Delivered"}, {"event": "SMS Delivered", "weight": 2}]);
    let metrics = [
        ("pressure", json!({"kind": "score", "parts": parts, "per": "week", "goal": "decrease"})),
        ("visits", json!({"kind": "count", "event": "Page Viewed", "per": "day"})),
        ("spend", json!({"kind": "sum", "event": "Order Completed", "per": "day", "window_days": 7})),
    ];
    let tenant = tenant(&world, &metrics, &json!({"window_days": 14})).await;
    let did = |id: &str, user: &str, name: &str, days: i64| event(id, user, name, at(days, 0));
    tenant
        .accept(&[
            exposure("x1", "u1", "e", "on", at(0, 0)),
            exposure("x2", "u2", "e", "on", at(0, 0)),
            exposure("x3", "u3", "e", "off", at(0, 0)),
            did("1", "u1", "Email Delivered", 1),
            did("2", "u1", "SMS Delivered", 2),
            did("3", "u2", "Email Delivered", 13),
            did("4", "u2", "Email Delivered", 15),
            did("5", "u1", "Page Viewed", 1),
            order("6", "u1", "21", at(3, 0)),
        ])
        .await;
    let results = tenant.results("e", "").await;
    // 1 + 2 + 1 in two persons' two weeks; 1 in 28 person-days; 21 in 14.
    close(&arm(&results, "pressure", "on")["value"], 1.0);
    close(&arm(&results, "visits", "on")["value"], 1.0 / 28.0);
    close(&arm(&results, "spend", "on")["value"], 21.0 / 14.0);
    assert_eq!(arm(&results, "visits", "on")["tally"]["denominator_sum"], "28");
    // While windows are open, the days so far are what counts: the end of the fourth day.
    let early = tenant.results("e", &format!("as_of={}&maturity=live", super::date(3))).await;
    close(&arm(&early, "visits", "on")["value"], 1.0 / 8.0);
    close(&arm(&early, "pressure", "on")["value"], 3.0 / 8.0 * 7.0);
}

/// 600 persons an arm: those who answer, and what they say.
fn survey(arm: &str, promoters: u32, detractors: u32) -> Vec<Value> {
    let mut events = Vec::new();
    for n in 0..600 {
        let user = format!("{arm}{n}");
        events.push(exposure(&format!("x{user}"), &user, "e", arm, at(0, 0)));
        let answer = if n < promoters {
            json!(10)
        } else if n < promoters + detractors {
            json!(2)
        } else {
            continue;
        };
        events.push(scored(&format!("s{user}"), &user, "Survey Answered", &answer, 1, 0));
    }
    events
}

async fn where_promoters_answer_more_often_there_is_no_verdict() {
    let world = World::new().await;
    let nps = json!({"kind": "rating", "event": "Survey Answered", "of": "properties.score", "scale": "nps"});
    for method in ["sequential", "frequentist", "bayesian"] {
        let more = json!({"method": method});
        // Half of control's answers are promoters', and as many again come from promoters alone in the arm.
        let tenant = tenant(&world, &[("nps", nps.clone())], &more).await;
        tenant.accept(&[survey("off", 100, 100), survey("on", 260, 100)].concat()).await;
        let results = tenant.results("e", "").await;
        let versus = &arm(&results, "nps", "on")["versus_control"];
        assert_eq!((&versus["verdict"], &versus["causal"]), (&json!("inconclusive"), &json!(false)), "{versus}");
        assert!(versus["reason"].as_str().unwrap().contains("response rate differs"), "{versus}");
        assert_eq!((&versus["response"]["differs"], &versus["response"]["causal"]), (&json!(true), &json!(true)));
        close(&arm(&results, "nps", "on")["response"]["rate"]["value"], 0.6);
        close(&versus["response"]["difference"]["value"], 360.0 / 600.0 - 200.0 / 600.0);
        // Where as many answer, what they say may be compared.
        let fair = super::tenant(&world, &[("nps", nps.clone())], &more).await;
        fair.accept(&[survey("off", 100, 100), survey("on", 170, 30)].concat()).await;
        let results = fair.results("e", "").await;
        let versus = &arm(&results, "nps", "on")["versus_control"];
        assert_eq!((&versus["verdict"], &versus["causal"]), (&json!("better"), &json!(true)), "{versus}");
        assert!(versus["causal_reason"].as_str().unwrap().contains("of those who answered"), "{versus}");
        close(&versus["difference"]["value"], 70.0);
    }
}

async fn what_only_describes_gives_no_verdict() {
    let world = World::new().await;
    let metrics = [
        ("opened", json!({"kind": "conversion", "event": "Email Opened"})),
        ("asked", json!({"kind": "conversion", "event": "Email Opened", "verdict": true})),
        ("silent", json!({"kind": "conversion", "event": "Email Link Clicked", "verdict": false})),
    ];
    let tenant = tenant(&world, &metrics, &json!({})).await;
    let mut events = Vec::new();
    for n in 0..400 {
        for (arm, share) in [("off", 4), ("on", 2)] {
            let user = format!("{arm}{n}");
            events.push(exposure(&format!("x{user}"), &user, "e", arm, at(0, 0)));
            if n % share == 0 {
                events.push(event(&format!("o{user}"), &user, "Email Opened", at(1, 0)));
                events.push(event(&format!("c{user}"), &user, "Email Link Clicked", at(1, 0)));
            }
        }
    }
    tenant.accept(&events).await;
    let results = tenant.results("e", "").await;
    let verdict = |metric: &str| {
        let versus = &arm(&results, metric, "on")["versus_control"];
        (versus["verdict"].as_str().unwrap().to_owned(), versus["reason"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(verdict("asked"), ("better".into(), String::new()));
    let (opened, why) = verdict("opened");
    assert!(opened == "inconclusive" && why.contains("proxies"), "{opened}: {why}");
    let (silent, why) = verdict("silent");
    assert!(silent == "inconclusive" && why.contains("describes"), "{silent}: {why}");
    let read = tenant.read.get("/v1/metrics/opened").expect(200).await;
    assert_eq!(read["verdict"], false);
}
