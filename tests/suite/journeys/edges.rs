//! Every question answers sensibly where there is hardly anything to say.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{event, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![every_question_answers_whatever_there_is];

/// The questions, by the ends of their paths.
const QUESTIONS: &[&str] = &[
    "results?by=device&explain=true",
    "timeline",
    "segments?by=device",
    "retention",
    "clv",
    "power",
    "funnel?steps=Product Viewed,Product Added,Order Completed",
    "funnel?steps=Product Viewed,Order Completed&order=strict&maturity=live",
    "items",
    "items?by=device&would_have=device",
    "paths",
    "paths?by=channel&conversion=Product Added",
    "stages",
    "channels",
    "channels?trigger=Product Viewed",
    "roi?by=device",
    "before_after",
    "before_after?metric=clv",
    "holdout",
    "uplift",
    "changes?since=2026-01-01",
    "attribution",
    "attribution?model=markov&by=event",
    "attribution?model=shapley&by=event&maturity=live",
    "stages?stages=[{\"stage\":\"viewer\",\"event\":\"Product Viewed\"},{\"stage\":\"buyer\",\"event\":\"Order Completed\"}]",
];

fn at(minutes: i64) -> DateTime<Utc> {
    days_ago(40) + TimeDelta::minutes(minutes)
}

/// What somebody does: views, adds, and buys if they may.
fn journey(who: u32, arm: &str, buys: bool) -> Vec<Value> {
    let user = format!("u{who}");
    let did = |what: &str, minute| event(&format!("{who} {what}"), &user, what, at(minute));
    let mut events = vec![
        with(exposure(&format!("x{who}"), &user, "e", arm, at(0)), &json!({"context": {"device": {"type": "phone"}}})),
        with(did("Product Viewed", 5), &json!({"channel": "web", "stage": "consideration"})),
        did("Product Added", 9),
    ];
    if buys {
        events.push(order(&format!("o{who}"), &user, "20", at(20)));
    }
    events
}

async fn with_arms(world: &World, arms: usize) -> Tenant {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed", "curve": true})).await;
    tenant.metric("clv", &json!({"kind": "clv", "event": "Order Completed", "lifespan_days": 365})).await;
    tenant.metric("profit", &json!({"kind": "net", "event": "Order Completed", "margin": 0.4})).await;
    let keys: Vec<Value> = (0..arms).map(|arm| json!({"key": format!("arm {arm}"), "weight": 1})).collect();
    let body = json!({"control": "arm 0", "arms": keys, "window_days": 14, "dimensions": ["device", "bin(properties.score,0.1)"],
        "metrics": [{"metric": "bought", "role": "primary"}, "clv", "profit"]});
    tenant.experiment("e", &body).await;
    tenant
}

/// Nothing in an answer is a number that is none: JSON has no words for them, so they would stand there as text.
fn check(question: &str, world: &str, answer: &Value) {
    let text = answer.to_string();
    for word in ["NaN", "Infinity", "\"inf\"", "\"-inf\""] {
        assert!(!text.contains(word), "{question} of {world}: {text}");
    }
    assert_eq!(answer["fresh"]["pending_subjects"].as_u64().unwrap_or(0), 0, "{question} of {world}");
}

async fn every_question_answers_whatever_there_is() {
    let world = World::new().await;
    let worlds: [(&str, usize, Vec<Value>); 6] = [
        ("nobody", 2, Vec::new()),
        ("one person", 2, journey(0, "arm 1", true)),
        ("one arm", 2, (0..40).flat_map(|who| journey(who, "arm 0", who % 3 == 0)).collect()),
        ("no conversions", 2, (0..40).flat_map(|who| journey(who, &format!("arm {}", who % 2), false)).collect()),
        ("everyone converts", 2, (0..40).flat_map(|who| journey(who, &format!("arm {}", who % 2), true)).collect()),
        ("fifty arms", 50, (0..200).flat_map(|who| journey(who, &format!("arm {}", who % 50), who % 3 == 0)).collect()),
    ];
    for (name, arms, events) in worlds {
        let tenant = with_arms(&world, arms).await;
        if !events.is_empty() {
            tenant.accept(&events).await;
        }
        for question in QUESTIONS {
            let answer = super::measured(&tenant, &format!("/v1/experiments/e/{question}")).await;
            check(question, name, &answer);
        }
    }
}
