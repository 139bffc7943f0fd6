//! Checks: what arrives late or from a wrong clock, lifts that wear off, values that normal theory is not made for.

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{check, event, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![
    late_and_shifted_events_are_counted_once,
    a_lift_that_wears_off_is_warned_of,
    every_check_has_a_threshold_and_says_whether_it_blocks,
];

/// The experiment was defined this many days ago, as far as the service knows.
async fn defined(world: &World, tenant: &Tenant, days: i32) {
    let pool = world.superuser().await;
    let id: uuid::Uuid = tenant.id.parse().unwrap();
    let done =
        sqlx::query("UPDATE experiment SET created_at = created_at - make_interval(days => $2) WHERE tenant_id = $1")
            .bind(id)
            .bind(days)
            .execute(&pool)
            .await
            .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

async fn late_and_shifted_events_are_counted_once() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    // The example is an import of the past: it happened before the experiment was defined.
    let fine = tenant.results("e", "").await;
    let (late, ahead) = (check(&fine, "late_data"), check(&fine, "clock_ahead"));
    assert_eq!((&late["count"], &late["ok"], &late["blocking"]), (&json!(0), &json!(true), &json!(false)));
    assert_eq!((&ahead["count"], &ahead["ok"]), (&json!(0), &json!(true)));
    // Had it been defined before, all of its 160 events would have come late.
    defined(&world, &tenant, 60).await;
    let found = tenant.results("e", "").await;
    let late = check(&found, "late_data");
    assert_eq!((&late["count"], &late["ok"]), (&json!(160), &json!(false)), "{late}");
    assert!((late["share"].as_f64().unwrap() - 160.0 / 120.0).abs() < 1e-12);
    assert!(late["message"].as_str().unwrap().contains("look for queues"), "{late}");
    // As of the day of the exposures, those alone were late.
    let then = tenant.results("e", &format!("as_of={}", tests::moment::date_ago(30))).await;
    assert_eq!(check(&then, "late_data")["count"], 120);
    // What is sent again counts once, and what is dated hours ahead is told, also across two services.
    let tag = tenant.asking("e", "").send().await.header("etag").unwrap().to_owned();
    let wrong = event("wrong clock", "u1", "Page Viewed", Utc::now() + TimeDelta::hours(2));
    let right = event("right clock", "u1", "Page Viewed", Utc::now() + TimeDelta::minutes(2));
    tenant.accept(&[wrong.clone(), right]).await;
    let (accepted, duplicates, _) = tenant.post(&[wrong]).await;
    assert_eq!((accepted, duplicates), (0, 1));
    let second = world.another().await;
    let late_order = order("late order", "u1", "3", days_ago(20));
    let _ = tests::world::deliver(&tenant.ingest.at(second.place()), &[late_order]).await;
    assert_ne!(tenant.asking("e", "").send().await.header("etag"), Some(tag.as_str()));
    // Two hours from now may already be tomorrow.
    let found = tenant.results("e", "").await;
    assert_eq!(check(&found, "late_data")["count"], 161);
    let today = (Utc::now() + TimeDelta::hours(2)).date_naive() == Utc::now().date_naive();
    if today {
        let ahead = check(&found, "clock_ahead");
        assert_eq!((&ahead["count"], &ahead["ok"], &ahead["blocking"]), (&json!(1), &json!(false), &json!(false)));
        assert!(ahead["message"].as_str().unwrap().contains("sender's clock"), "{ahead}");
    }
    // Another tenant's events say nothing about this one's.
    let neighbour = super::example(&world).await;
    defined(&world, &neighbour, 60).await;
    assert_eq!(check(&neighbour.results("e", "").await, "late_data")["count"], 160);
}

async fn a_lift_that_wears_off_is_warned_of() {
    let world = World::new().await;
    let steady = novel(&world, |_| 60).await;
    assert_eq!(
        (&steady["ok"], &steady["blocking"], &steady["anytime"]),
        (&json!(true), &json!(false), &json!(true)),
        "{steady}"
    );
    // The arm converts 60 % of the first day's persons and falls to what control has.
    let fading = novel(&world, |day| 60 - 6 * day.min(5)).await;
    assert_eq!(fading["ok"], false, "{fading}");
    assert!(fading["p_value"].as_f64().unwrap() < fading["threshold"].as_f64().unwrap());
    let message = fading["message"].as_str().unwrap();
    assert!(message.contains("bought of arm on") && message.contains("windows of 14 days"), "{message}");
}

/// The check of an experiment with 100 persons per arm and day, of whom control converts 30 and the arm `converted(day)`.
async fn novel(world: &World, converted: impl Fn(u32) -> u32) -> Value {
    let tenant = world.tenant().await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "Order Completed"})).await;
    tenant.experiment("e", &tests::events::experiment(&["bought"])).await;
    let mut events = Vec::new();
    for day in 0..10u32 {
        let at = days_ago(60 - u64::from(day));
        for n in 0..100u32 {
            for (arm, share) in [("off", 30), ("on", converted(day))] {
                let user = format!("{arm} {day} {n}");
                events.push(exposure(&format!("x {user}"), &user, "e", arm, at));
                if n < share {
                    events.push(order(&format!("o {user}"), &user, "10", at + TimeDelta::days(2)));
                }
            }
        }
    }
    for some in events.chunks(5_000) {
        let _ = tests::world::deliver(&tenant.ingest, some).await;
    }
    let results = tenant.settled("e", "").await;
    // While no window had closed there was nothing to compare.
    let early = tenant.results("e", &format!("as_of={}", tests::moment::date_ago(55))).await;
    assert_eq!(check(&early, "novelty")["p_value"], Value::Null);
    check(&results, "novelty").clone()
}

async fn every_check_has_a_threshold_and_says_whether_it_blocks() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let results = tenant.results("e", "by=device").await;
    let checks = results["checks"].as_array().unwrap();
    for check in checks {
        let name = &check["check"];
        assert!(check["threshold"].is_number() || check["check"] == "outlier_share", "{check}");
        assert!(check["blocking"].is_boolean() && check["anytime"].is_boolean(), "{check}");
        let number = ["p_value", "share", "count", "number"].iter().any(|field| check.get(field).is_some());
        assert!(number || check["check"] == "outlier_share", "{name} has no number: {check}");
        assert!(check["message"].as_str().unwrap().len() > 10);
    }
    let blocking: Vec<_> =
        checks.iter().filter(|check| check["blocking"] == true).map(|check| &check["check"]).collect();
    assert_eq!(blocking, ["sample_ratio", "crossover_balance", "covariate_balance", "sample_ratio_by_dimension"]);
    // Forty orders of values from 0.5 to 117.5 among 120 persons are too few for normal theory.
    let normal = check(&results, "normal_theory");
    assert_eq!((&normal["ok"], &normal["threshold"]), (&json!(false), &json!(1.0)));
    assert!(normal["message"].as_str().unwrap().contains("spend"), "{normal}");
    let foreign = with(order("foreign", "u0", "5", days_ago(29)), &json!({"currency": "USD"}));
    tenant.accept(&[foreign]).await;
    let found = check(&tenant.results("e", "").await, "foreign_currency").clone();
    assert_eq!((&found["count"], &found["ok"], &found["threshold"]), (&json!(1), &json!(false), &json!(0.0)));
}
