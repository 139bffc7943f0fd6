//! Ready-made KPIs: each is defined as it stands, and is what one computes by hand of a small world.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::events::{arm, event, exposure, with};
use tests::{Tenant, World};

use super::at;

tests::cases![every_kpi_of_the_catalogue_is_what_one_computes_by_hand, a_tactic_and_a_metric_made_of_an_entry];

async fn catalogue(tenant: &Tenant, query: &str) -> Vec<Value> {
    let answer = tenant.read.get(&format!("/v1/metrics/catalogue{query}")).expect(200).await;
    answer["data"].as_array().expect("entries").clone()
}

/// Who did what how often, on which day, and with which properties. Everyone is exposed at the start of day 0.
fn world() -> Vec<Value> {
    let none = json!({});
    let did: Vec<(&str, &str, i64, i64, Value)> = vec![
        ("p1", "Product List Viewed", 2, 1, none.clone()),
        ("p1", "Product Clicked", 1, 1, none.clone()),
        ("p1", "Product Viewed", 4, 1, none.clone()),
        ("p1", "Product Added", 1, 1, none.clone()),
        ("p1", "Order Completed", 1, 2, json!({"value": 100, "properties": {"margin": 40}})),
        ("p1", "Order Completed", 1, 3, json!({"value": 50, "properties": {"margin": 20}})),
        ("p1", "Order Refunded", 1, 4, json!({"value": 30, "properties": {"margin": 10}})),
        ("p1", "Email Delivered", 2, 1, none.clone()),
        ("p1", "Email Opened", 1, 1, none.clone()),
        ("p1", "Email Link Clicked", 1, 1, none.clone()),
        ("p1", "Page Timed", 1, 1, json!({"properties": {"seconds": 30.5}})),
        ("p1", "Page Scrolled", 1, 1, json!({"properties": {"depth": 0.5}})),
        ("p1", "Page Viewed", 1, 7, none.clone()),
        ("p1", "Signed Up", 1, 1, none.clone()),
        ("p1", "Survey Answered", 1, 5, json!({"properties": {"survey": "nps", "score": 9}})),
        ("p1", "Survey Answered", 1, 6, json!({"properties": {"survey": "csat", "score": 5}})),
        ("p1", "Feedback Received", 1, 6, json!({"properties": {"sentiment": 0.8}})),
        ("p1", "Invite Sent", 3, 6, none.clone()),
        ("p1", "Cost Incurred", 1, 1, json!({"value": 20})),
        ("p2", "Product List Viewed", 2, 1, none.clone()),
        ("p2", "Product Viewed", 2, 1, none.clone()),
        ("p2", "Product Added", 1, 1, none.clone()),
        ("p2", "Order Completed", 1, 2, json!({"value": 60, "properties": {"margin": 15}})),
        ("p2", "Email Delivered", 2, 1, none.clone()),
        ("p2", "Unsubscribed", 1, 2, none.clone()),
        ("p2", "Page Timed", 1, 1, json!({"properties": {"seconds": 10.5}})),
        ("p2", "Page Timed", 1, 2, json!({"properties": {"seconds": 19}})),
        ("p2", "Survey Answered", 1, 3, json!({"properties": {"survey": "nps", "score": 3}})),
        ("p2", "Survey Answered", 1, 4, json!({"properties": {"survey": "nps", "score": 10}})),
        ("p2", "Survey Answered", 1, 5, json!({"properties": {"survey": "csat", "score": 2}})),
        ("p2", "Live Chat Conversation Started", 1, 5, none.clone()),
        ("p2", "Cost Incurred", 1, 1, json!({"value": 10})),
        ("p2", "Page Viewed", 1, 30, none.clone()),
        ("p3", "Promotion Viewed", 4, 1, none.clone()),
        ("p3", "Promotion Clicked", 1, 1, none.clone()),
        ("p3", "Email Delivered", 1, 1, none.clone()),
        ("p3", "SMS Delivered", 1, 1, none.clone()),
        ("p3", "Email Marked as Spam", 1, 1, none.clone()),
        ("p3", "Page Viewed", 1, 1, none.clone()),
        ("p3", "Product Reviewed", 1, 2, json!({"properties": {"rating": 4}})),
        ("p3", "Page Scrolled", 1, 1, json!({"properties": {"depth": 1}})),
        ("p3", "Signed Up", 1, 1, none.clone()),
        ("p3", "Survey Answered", 1, 5, json!({"properties": {"survey": "nps", "score": 6}})),
        ("p3", "Trial Started", 1, 1, none.clone()),
        ("p3", "Subscription Started", 1, 3, none.clone()),
        ("p3", "Subscription Updated", 1, 3, json!({"properties": {"mrr": 49}})),
        ("p3", "Subscription Updated", 1, 5, json!({"properties": {"mrr": 99}})),
        ("p3", "Feature Used", 2, 4, none.clone()),
        ("p4", "Product Reviewed", 1, 2, json!({"properties": {"rating": 2}})),
        ("p4", "Product Reviewed", 1, 3, json!({"properties": {"rating": 5}})),
        ("p4", "Push Notification Received", 2, 1, none.clone()),
        ("p4", "Store Visited", 2, 1, none.clone()),
        ("p4", "Feedback Received", 1, 2, json!({"properties": {"sentiment": -0.2}})),
        ("p4", "Trial Started", 1, 1, none.clone()),
        ("p4", "Subscription Updated", 1, 3, json!({"properties": {"mrr": 19}})),
        ("p4", "Feature Used", 3, 4, none),
    ];
    let mut events = Vec::new();
    for user in ["p1", "p2", "p3", "p4"] {
        events.push(exposure(&format!("x{user}"), user, "e", "on", at(0, 0)));
    }
    events.push(exposure("xq", "q", "e", "off", at(0, 0)));
    for (number, (user, name, times, days, more)) in did.into_iter().enumerate() {
        for time in 0..times {
            events.push(with(event(&format!("{number} {time}"), user, name, at(days, time)), &more));
        }
    }
    events
}

/// Each KPI of the arm `on`, by hand; the events behind it in brackets, per person from p1 to p4.
const BY_HAND: &[(&str, f64)] = &[
    // [2, 1, 0, 0] orders of 100 + 50, 60; 30 given back; margins 40 + 20 - 10, 15.
    ("conversion_rate", 2.0 / 4.0),
    ("conversion_per_interaction", 3.0 / 6.0),
    ("add_to_cart_rate", 2.0 / 4.0),
    ("average_order_value", 180.0 / 3.0),
    ("revenue_per_visitor", 180.0 / 4.0),
    ("margin_per_visitor", 65.0 / 4.0),
    ("purchase_frequency", 3.0 / 4.0),
    ("repeat_purchase_rate", 1.0 / 4.0),
    ("customer_lifetime_value", 180.0 / (4.0 * 14.0) * 730.0),
    ("cost_per_new_customer", 30.0 / 2.0),
    ("store_visits", 2.0 / 4.0),
    // [21, 13, 16, 10] events that they did themselves within 14 days, in four persons' two weeks.
    ("interaction_frequency", 60.0 / 8.0),
    ("click_through_rate", 1.0 / 4.0),
    ("promotion_click_through_rate", 1.0 / 4.0),
    ("email_click_through_rate", 1.0 / 5.0),
    ("email_click_rate", 1.0 / 4.0),
    ("email_open_rate", 1.0 / 4.0),
    ("unsubscribe_rate", 1.0 / 4.0),
    ("complaint_rate", 1.0 / 4.0),
    // [2, 2, 2, 2] messages in four persons' two weeks.
    ("contact_pressure", 1.0),
    // [1 + 4 x 2 + 5, 2 x 2 + 5, 1 + 5, 2 x 5] points.
    ("engagement_score", 39.0 / 4.0),
    ("time_on_page", 60.0 / 3.0),
    ("scroll_depth", 1.5 / 2.0),
    ("retention_day_7", 1.0 / 4.0),
    // Only p2 did anything from the fifth week on.
    ("churn", 1.0 / 4.0),
    // Latest answers: 9, 10 and 6; 5 and 2; 0.8 and -0.2; 4 and 5.
    ("net_promoter_score", 100.0 / 3.0),
    ("customer_satisfaction", 1.0 / 2.0),
    ("sentiment", 0.3),
    ("product_rating", 4.5),
    ("survey_response_rate", 3.0 / 4.0),
    ("referrals", 3.0 / 4.0),
    ("support_contacts", 1.0 / 4.0),
    ("trial_start_rate", 2.0 / 4.0),
    ("trial_to_paid", 1.0 / 4.0),
    ("monthly_recurring_revenue", (99.0 + 19.0) / 4.0),
    ("feature_adoption", 1.0 / 4.0),
];

async fn every_kpi_of_the_catalogue_is_what_one_computes_by_hand() {
    let stage = World::new().await;
    let tenant = stage.tenant().await;
    let entries = catalogue(&tenant, "").await;
    let key = |entry: &Value| entry["key"].as_str().unwrap().to_owned();
    let keys: Vec<String> = entries.iter().map(key).collect();
    let by_hand: BTreeSet<&str> = BY_HAND.iter().map(|(key, _)| *key).collect();
    assert_eq!(keys.iter().map(String::as_str).collect::<BTreeSet<_>>(), by_hand);
    for entry in &entries {
        tenant.metric(entry["key"].as_str().unwrap(), &entry["definition"]).await;
    }
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    tenant.experiment("e", &tests::events::experiment(&keys)).await;
    tenant.accept(&world()).await;
    let results = tenant.settled("e", "").await;
    for (key, wanted) in BY_HAND {
        let found = arm(&results, key, "on")["value"].as_f64().unwrap_or_else(|| panic!("{key} has no value"));
        assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{key} is {found} instead of {wanted}");
    }
    assert_eq!(arm(&results, "net_promoter_score", "on")["response"]["answered"], 3);
}

async fn a_tactic_and_a_metric_made_of_an_entry() {
    let stage = World::new().await;
    let tenant = stage.tenant().await;
    let all = catalogue(&tenant, "").await;
    let pricing = catalogue(&tenant, "?tactic=pricing").await;
    assert!(!pricing.is_empty() && pricing.len() < all.len());
    for entry in &pricing {
        assert!(entry["tactics"].as_array().unwrap().contains(&json!("pricing")), "{entry}");
    }
    let guardrails: BTreeSet<&str> =
        all.iter().filter(|entry| entry["role"] == "guardrail").map(|entry| entry["key"].as_str().unwrap()).collect();
    assert_eq!(guardrails, BTreeSet::from(["complaint_rate", "contact_pressure", "unsubscribe_rate"]));
    let unknown = tenant.read.get("/v1/metrics/catalogue?tactic=magic").invalid().expect(400).await;
    assert_eq!(unknown["code"], "invalid_parameter", "{unknown}");
    // At once, and with a change.
    let made =
        tenant.admin.put("/v1/metrics/orders").json(&json!({"from": "purchase_frequency", "cap": 5})).expect(201).await;
    assert_eq!(
        (&made["kind"], &made["event"], &made["cap"]),
        (&json!("count"), &json!("Order Completed"), &json!("5"))
    );
    let wrong = tenant.admin.put("/v1/metrics/x").json(&json!({"from": "purchase frequency"})).expect(400).await;
    let detail = wrong["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("did you mean purchase_frequency?"), "{wrong}");
}
