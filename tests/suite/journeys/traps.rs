//! Worlds in which a careless reading sees an effect where there is none.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::events::{arm, check, event, experiment, exposure, order, with};
use tests::moment::days_ago;
use tests::{Tenant, World};

tests::cases![
    customers_with_two_devices_do_not_lower_the_larger_arm,
    mails_that_are_sent_to_one_arm_bring_nobody_back,
    a_trigger_that_is_logged_with_the_message_is_found,
];

fn at(days: i64, minutes: i64) -> DateTime<Utc> {
    days_ago(60) + TimeDelta::days(days) + TimeDelta::minutes(minutes)
}

/// Numbers from 0 to 99 that look like chance, the same in every run (SplitMix64).
fn dice(seed: u64) -> u64 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) % 100
}

async fn send(tenant: &Tenant, events: &[Value]) {
    for part in events.chunks(4_000) {
        tests::world::deliver(&tenant.ingest, part).await;
    }
}

/// A device is put into an arm by itself, one in ten into control. A fifth of the customers have two devices, and buy twice as
/// much; nobody buys more in one arm than in the other.
async fn customers_with_two_devices_do_not_lower_the_larger_arm() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("spend", &json!({"kind": "sum", "event": "Order Completed"})).await;
    let mut body = experiment(&["spend"]);
    body["arms"] = json!([{"key": "off", "weight": 1}, {"key": "on", "weight": 9}]);
    tenant.experiment("e", &body).await;
    let mut events = Vec::new();
    for n in 0..6_000u64 {
        let devices = if dice(n) < 20 { 2 } else { 1 };
        for device in 0..devices {
            let id = format!("d{n} {device}");
            let shown = if dice(1_000_000 + 2 * n + device) < 10 { "off" } else { "on" };
            let shown = exposure(&format!("x{id}"), "", "e", shown, at(0, i64::try_from(device).unwrap() * 60));
            events.push(with(shown, &json!({"user_id": null, "anonymous_id": id})));
            // Whoever signs in on a device is known on it.
            let signed_in = event(&format!("s{id}"), &format!("u{n}"), "Signed In", at(1, 0));
            events.push(with(signed_in, &json!({"anonymous_id": id})));
        }
        let spends = i64::try_from(10 + dice(2_000_000 + n) % 21).unwrap() * devices as i64;
        events.push(order(&format!("o{n}"), &format!("u{n}"), &spends.to_string(), at(2, 0)));
    }
    send(&tenant, &events).await;
    let kept = tenant.settled("e", "").await;
    let versus = &arm(&kept, "spend", "on")["versus_control"];
    assert_eq!(versus["verdict"], "inconclusive", "{versus}");
    let lift = versus["lift"]["value"].as_f64().unwrap();
    assert!(lift.abs() < 0.05, "the first arm of everyone shows {lift}");
    assert!(check(&kept, "crossovers")["persons"].as_i64().unwrap() > 50);
    // Whoever takes them away takes the best customers away, and by far more of the small arm's.
    let excluded = tenant.settled("e", "crossovers=exclude").await;
    let versus = &arm(&excluded, "spend", "on")["versus_control"];
    let biased = versus["lift"]["value"].as_f64().unwrap();
    assert!(biased.abs() > 0.05, "{biased}");
    assert_eq!((&versus["causal"], &excluded["exploratory"]), (&json!(false), &json!(true)));
    assert!(["inconclusive", "no_data"].contains(&versus["verdict"].as_str().unwrap()), "{versus}");
}

/// One arm is sent a mail on the seventh day, and mail proxies open it. As many persons come back in both.
async fn mails_that_are_sent_to_one_arm_bring_nobody_back() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    tenant.metric("back", &json!({"kind": "retention", "event": "*", "from_day": 7, "to_day": 8})).await;
    tenant.experiment("e", &experiment(&["back"])).await;
    let mut events = Vec::new();
    for n in 0..1_000u32 {
        let user = format!("u{n}");
        let on = n % 2 == 1;
        events.push(exposure(&format!("x{n}"), &user, "e", if on { "on" } else { "off" }, at(0, 0)));
        if on {
            for (minute, what) in (10..).zip(["Email Sent", "Email Delivered", "Email Opened"]) {
                let id = format!("{what} {n}");
                events.push(with(event(&id, &user, what, at(7, minute)), &json!({"channel": "email"})));
            }
        }
        if (n / 2) % 5 == 0 {
            events.push(event(&format!("p{n}"), &user, "Page Viewed", at(7, 30)));
        }
    }
    send(&tenant, &events).await;
    let results = tenant.settled("e", "").await;
    let [off, on] = ["off", "on"].map(|key| arm(&results, "back", key));
    assert_eq!((&off["value"], &on["value"]), (&json!(0.2), &json!(0.2)));
    assert_eq!(on["versus_control"]["verdict"], "inconclusive");
}

/// Of 400 abandoned carts, one half by chance is sent a message. Logged at the trigger all is well; logged with the message,
/// control holds only those few whom support wrote to by hand.
async fn a_trigger_that_is_logged_with_the_message_is_found() {
    let world = World::new().await;
    let run = async |logs: fn(u64, bool) -> bool| {
        let tenant = world.tenant().await;
        tenant.metric("recovered", &json!({"from": "conversion_rate"})).await;
        tenant.experiment("e", &experiment(&["recovered"])).await;
        let mut events = Vec::new();
        for n in 0..400u64 {
            let user = format!("u{n}");
            let treated = dice(n) < 50;
            events.push(event(&format!("c{n}"), &user, "Cart Abandoned", at(0, 0)));
            if logs(n, treated) {
                events.push(exposure(&format!("x{n}"), &user, "e", if treated { "on" } else { "off" }, at(0, 0)));
            }
            if dice(1_000_000 + n) < if treated { 20 } else { 10 } {
                events.push(order(&format!("o{n}"), &user, "10", at(1, 0)));
            }
        }
        send(&tenant, &events).await;
        tenant.settled("e", "").await
    };
    let fine = run(|_, _| true).await;
    assert_eq!(check(&fine, "trigger_logged_in_both_arms")["ok"], true);
    let wrong = run(|n, treated| treated || dice(2_000_000 + n) < 10).await;
    let found = check(&wrong, "trigger_logged_in_both_arms");
    assert_eq!((&found["ok"], &found["blocking"]), (&json!(false), &json!(false)), "{found}");
    assert!(found["number"].as_f64().unwrap() < 0.3 && found["persons"].as_i64().unwrap() > 100, "{found}");
    assert!(found["message"].as_str().unwrap().contains("at the moment that decides who is in"), "{found}");
    // What withholds the verdict is the sample ratio.
    assert_eq!(check(&wrong, "sample_ratio")["ok"], false);
    let versus = &arm(&wrong, "recovered", "on")["versus_control"];
    assert_eq!((&versus["verdict"], &versus["causal"]), (&json!("inconclusive"), &json!(false)), "{versus}");
}
