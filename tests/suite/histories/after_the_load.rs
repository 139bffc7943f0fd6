//! The one order of things in which it matters that the queue is looked at after events are loaded, played on purpose.
//!
//! An event gets its place in the queue and commits late. Meanwhile a slice has claimed a later event, the first exposure of the same
//! person, and is about to load the whole journey. Then the first event commits: it is loaded with the others, and waits in the queue.
//! The slice must leave it out, since the slice that claims it adds it.

use std::time::Duration;

use serde_json::{Value, json};
use tests::events::{arm, experiment, exposure, order, with};
use tests::moment::days_ago;
use tests::{Database, Service, World};

tests::cases![
    what_commits_while_a_slice_is_about_to_load_counts_once,
    and_where_other_connections_read_for_the_slice,
    the_check_notices_a_queue_that_is_looked_at_before_the_load
];

/// Plays it, and tells the sum of one order of 5, which happened after the exposure. With `others` there are several jobs in the slice.
async fn play(bug: &str, others: bool) -> String {
    let database = Database::new().await;
    let idle = [("JOURNEYLIFT_NO_BACKGROUND", "true")];
    let world = World { service: Service::start(&database, &idle).await, database };
    let late = [idle[0], ("JOURNEYLIFT_FAULT", "writer.before_commit=sleep:900")];
    let late = Service::start(&world.database, &late).await;
    let tenant = world.tenant().await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed", "window_days": 10})).await;
    tenant.experiment("e", &with(experiment(&["spend"]), &json!({}))).await;
    // The only one that measures in the background.
    let slow = format!("{bug}measure.before_load=sleep:1200");
    let at_once = if others { "1" } else { "250" };
    let slow = [("JOURNEYLIFT_FAULT", slow.as_str()), ("JOURNEYLIFT_PERSONS_AT_ONCE", at_once)];
    let slow = Service::start(&world.database, &slow).await;

    let post = |service: &Service, events: Vec<Value>| {
        let call = tenant.ingest.at(service.place()).post("/v1/events").json(&json!(events));
        async move { assert_eq!(call.expect(200).await["accepted"], events.len()) }
    };
    let exposed = |id: &str, person: &str| exposure(id, person, "e", "on", days_ago(30));
    // A connection that reads is opened for the next slice.
    for pair in 0..if others { 3 } else { 0 } {
        post(&slow, vec![exposed(&format!("a{pair}"), "a"), exposed(&format!("b{pair}"), "b")]).await;
        tokio::time::sleep(Duration::from_millis(2_700)).await;
    }
    let first = post(&late, vec![order("late", "p", "5", days_ago(29))]);
    let then = async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let also = others.then(|| exposed("also", "q"));
        post(&slow, [exposed("early", "p")].into_iter().chain(also).collect()).await;
    };
    futures_util::future::join(first, then).await;
    // Both slices are over.
    tokio::time::sleep(Duration::from_millis(if others { 5_000 } else { 3_500 })).await;
    arm(&tenant.settled("e", "").await, "spend", "on")["tally"]["sum"].as_str().unwrap().to_owned()
}

async fn what_commits_while_a_slice_is_about_to_load_counts_once() {
    assert_eq!(play("", false).await, "5");
}

async fn and_where_other_connections_read_for_the_slice() {
    assert_eq!(play("", true).await, "5");
}

async fn the_check_notices_a_queue_that_is_looked_at_before_the_load() {
    for others in [true, false] {
        let mut sums = Vec::new();
        // The machine may be so busy that things happen in another order.
        while sums.last().is_none_or(|sum| sum != "10") {
            assert!(
                sums.len() < 3,
                "the bug went unnoticed: {sums:?}, with others: {others}; was the program built with the tests, which puts the faults in?"
            );
            sums.push(play("bug=queue-before-the-load,", others).await);
        }
    }
}
