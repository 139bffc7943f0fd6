//! The one order of things in which definitions that were loaded before the lock do harm, played on purpose.
//!
//! An event gets its place in the queue and commits late. Meanwhile a slice has looked which definitions there are and
//! waits for the lock, and a new version is made, built and switched to without the event. Then the event commits and
//! the slice gets the lock: it claims the event, and must measure it under the new version.

use std::time::Duration;

use serde_json::{Value, json};
use tests::events::{arm, experiment, exposure, order, with};
use tests::moment::days_ago;
use tests::{Database, Service, World};

tests::cases![
    a_version_that_comes_while_a_slice_waits_misses_nothing,
    the_check_notices_definitions_loaded_before_the_lock
];

/// Plays it, and tells the sum of the orders of 5 and 1.
async fn play(bug: &str, times: usize) -> Vec<String> {
    let database = Database::new().await;
    let world = World { service: Service::start(&database, &[]).await, database };
    // Waits before the lock, with or without the bug.
    let slow = format!("{bug}measure.before_lock=sleep:1200");
    let slow = Service::start(&world.database, &[("JOURNEYLIFT_FAULT", &slow)]).await;
    // Commits late, and measures nothing.
    let late = [("JOURNEYLIFT_FAULT", "writer.before_commit=sleep:900"), ("JOURNEYLIFT_NO_BACKGROUND", "true")];
    let late = Service::start(&world.database, &late).await;
    let spend = |days: u32| json!({"kind": "sum", "event": "Order Completed", "window_days": days});
    let mut sums = Vec::new();
    // Now and then another process comes in between and measures the event first.
    for _ in 0..times {
        let tenant = world.tenant().await;
        tenant.metric("spend", &spend(10)).await;
        tenant.experiment("e", &with(experiment(&["spend"]), &json!({}))).await;
        let at = days_ago(30);
        tenant.accept(&[exposure("x", "p", "e", "on", at), exposure("y", "q", "e", "on", at)]).await;
        tenant.settled("e", "").await;

        let post = |service: &Service, event: Value| {
            let call = tenant.ingest.at(service.place()).post("/v1/events").json(&json!([event]));
            async move { assert_eq!(call.expect(200).await["accepted"], 1) }
        };
        let first = post(&late, order("late", "p", "5", at));
        let then = async {
            tokio::time::sleep(Duration::from_millis(250)).await;
            post(&slow, order("early", "q", "1", at)).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            tenant.metric("spend", &spend(11)).await;
            while !tenant.read.get("/v1/experiments/e").expect(200).await["measuring"].is_null() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        futures_util::future::join(first, then).await;
        tokio::time::sleep(Duration::from_millis(900)).await;
        sums.push(arm(&tenant.settled("e", "").await, "spend", "on")["tally"]["sum"].as_str().unwrap().to_owned());
        if sums.last().is_some_and(|sum| sum != "6") {
            break;
        }
    }
    sums
}

async fn a_version_that_comes_while_a_slice_waits_misses_nothing() {
    assert_eq!(play("", 3).await, ["6"; 3]);
}

async fn the_check_notices_definitions_loaded_before_the_lock() {
    let sums = play("bug=definitions-before-the-lock,", 12).await;
    assert!(
        sums.iter().any(|sum| sum != "6"),
        "the bug went unnoticed: {sums:?}; was the program built with the tests, which puts the faults in?"
    );
}
