//! A first exposure of somebody who has been here for long: what happened long before it is not read, unless it may matter.
//!
//! The same events are sent to two tenants: to one all at once, to the other in three parts, each measured before the next one comes. Both
//! must be told the same.

use serde_json::{Value, json};
use tests::events::{arm, event, experiment, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![
    whoever_was_here_for_long_is_exposed_as_if_all_had_come_at_once,
    the_check_notices_looking_back_too_little
];

/// What a person did long before, lately, and when exposed.
fn person(number: usize) -> [Vec<Value>; 3] {
    let user = format!("p{number}");
    let shown = if number.is_multiple_of(2) { "on" } else { "off" };
    let on = |device: &str| json!({"context": {"device": {"type": device}}});
    let device = ["ios", "web"][number % 2];
    let id = |what: &str| format!("{what} of {user}");
    let mut long_before = vec![
        with(event(&id("page"), &user, "Page Viewed", days_ago(50)), &on(device)),
        order(&id("old order"), &user, "100", days_ago(45)),
        order(&id("order in time"), &user, "7", days_ago(34)),
        order(&id("late order"), &user, "3", days_ago(32)),
    ];
    if number.is_multiple_of(3) {
        // Then she is in the other experiment for long, and an event that is late there comes with the exposure.
        long_before.push(exposure(&id("first exposure"), &user, "before", shown, days_ago(47)));
    }
    let mut exposed = vec![
        exposure(&id("exposure"), &user, "lately", shown, days_ago(21)),
        order(&id("next"), &user, "11", days_ago(20)),
    ];
    if number % 4 < 2 {
        // The device is known from the exposure; else only from long before.
        exposed[0] = with(exposed[0].clone(), &on("tablet"));
    }
    if number.is_multiple_of(5) {
        // On a device that was not the last one, which only what is not read can tell.
        exposed.push(with(order(&id("straggler"), &user, "13", days_ago(55)), &on("old")));
    }
    let mut after = vec![order(&id("last"), &user, "17", days_ago(19))];
    if number.is_multiple_of(6) {
        // An exposure that comes late, before the one that counted so far.
        after.push(exposure(&id("late exposure"), &user, "lately", shown, days_ago(26)));
    }
    [long_before, exposed, after]
}

/// What is told of the experiments.
async fn told(tenant: &Tenant) -> Vec<Value> {
    let mut told = Vec::new();
    for key in ["before", "lately"] {
        let results = tenant.settled(key, "by=device&explain=true&method=frequentist").await;
        let values = &results["breakdown"]["values"];
        assert!(values.is_array(), "{results}");
        told.extend([results["metrics"].clone(), values.clone()]);
    }
    told
}

/// What two tenants are told.
async fn play(faults: &str) -> [Vec<Value>; 2] {
    let world = World::with(&[("JOURNEYLIFT_FAULT", faults), ("JOURNEYLIFT_PERSONS_AT_ONCE", "5")]).await;
    let (at_once, in_parts) = (world.tenant().await, world.tenant().await);
    for tenant in [&at_once, &in_parts] {
        tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed", "window_days": 10})).await;
        tenant.metric("buyers", &json!({"kind": "conversion", "event": "Order Completed"})).await;
        for key in ["before", "lately"] {
            let body = with(
                experiment(&["spend", "buyers"]),
                &json!({"dimensions": ["device"], "starts_at": "2020-01-01T00:00:00Z"}),
            );
            tenant.experiment(key, &body).await;
        }
    }
    let parts: Vec<[Vec<Value>; 3]> = (0..24).map(person).collect();
    let part = |at: usize| parts.iter().flat_map(|parts| parts[at].clone()).collect::<Vec<_>>();
    at_once.accept(&[part(0), part(1), part(2)].concat()).await;
    for at in 0..3 {
        in_parts.accept(&part(at)).await;
        told(&in_parts).await;
        // What was told must be measured, not only looked at.
        world.caught_up(&in_parts).await;
    }
    [told(&at_once).await, told(&in_parts).await]
}

async fn whoever_was_here_for_long_is_exposed_as_if_all_had_come_at_once() {
    let [at_once, in_parts] = play("").await;
    assert_eq!(at_once, in_parts);
    // The order 13 days before the exposure is in the covariate, the one 24 days before it is not.
    let lately = json!({"metrics": at_once[2]});
    let sums = &arm(&lately, "spend", "on")["explain"]["sums"];
    assert_eq!(sums["covariate_sum"], "120", "twelve persons, who spent 10 each: {sums}");
}

async fn the_check_notices_looking_back_too_little() {
    let [at_once, in_parts] = play("bug=look-back-too-little").await;
    assert_ne!(
        at_once, in_parts,
        "the bug went unnoticed; was the program built with the tests, which puts the faults in?"
    );
}
