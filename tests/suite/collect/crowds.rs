//! Many senders at once: one transaction for many requests, and a bounded queue that loses nothing.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::World;
use tests::events::{event, with};
use tests::moment::days_ago;
use tests::world::deliver;

use super::{ledger, stored};

tests::cases![
    sixty_four_connections_share_transactions,
    the_same_events_from_sixteen_connections,
    a_full_queue_says_so_and_retries_lose_nothing
];

async fn sixty_four_connections_share_transactions() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let pool = world.superuser().await;
    let transactions = async || -> i64 {
        // The numbers of transactions that wrote rows of events.
        sqlx::query_scalar("SELECT count(DISTINCT xmin::text) FROM event").fetch_one(&pool).await.unwrap()
    };
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..64 {
        let client = tenant.ingest.clone();
        senders.spawn(async move {
            for n in 0..20 {
                let events: Vec<Value> = (0..5)
                    .map(|i| {
                        event(
                            &format!("{sender}-{n}-{i}"),
                            &format!("u{}", (sender * 7 + n + i) % 40),
                            "A",
                            days_ago(1),
                        )
                    })
                    .collect();
                let (accepted, duplicates, _) = deliver(&client, &events).await;
                assert_eq!(accepted + duplicates, 5);
            }
        });
    }
    while let Some(done) = senders.join_next().await {
        done.unwrap();
    }
    assert_eq!(stored(&pool, &tenant).await, 64 * 20 * 5);
    let wrote = transactions().await;
    assert!(wrote < 64 * 20 / 2, "{wrote} transactions for {} requests", 64 * 20);
}

async fn the_same_events_from_sixteen_connections() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let second = world.another().await;
    let events: Vec<Value> = (0..400)
        .map(|n| {
            with(
                event(&format!("{n}"), &format!("u{}", n % 9), "A", days_ago(1)),
                &json!({"anonymous_id": format!("a{}", n % 5)}),
            )
        })
        .collect();
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..16usize {
        let client = if sender % 2 == 0 { tenant.ingest.clone() } else { tenant.ingest.at(second.place()) };
        let mut events = events.clone();
        // Everybody sends all of it, in an order and in pieces of their own: no deadlock, no event twice.
        events.rotate_left(sender * 25);
        if sender % 3 == 0 {
            events.reverse();
        }
        senders.spawn(async move {
            let mut total = (0, 0, false);
            for part in events.chunks(11 + sender) {
                let (accepted, duplicates, again) = deliver(&client, part).await;
                total = (total.0 + accepted, total.1 + duplicates, total.2 || again);
            }
            total
        });
    }
    let mut total = (0, 0, false);
    while let Some(done) = senders.join_next().await {
        let (accepted, duplicates, again) = done.unwrap();
        total = (total.0 + accepted, total.1 + duplicates, total.2 || again);
    }
    // On a machine so busy that an answer was "try again", what that try had stored is a duplicate afterwards.
    assert!(total.2 && total.0 <= 400 || total == (400, 15 * 400, false), "{total:?}");
    assert_eq!(stored(&world.superuser().await, &tenant).await, 400);
}

async fn a_full_queue_says_so_and_retries_lose_nothing() {
    // A queue of 256 KiB, and each commit takes 100 ms longer.
    let world =
        World::with(&[("JOURNEYLIFT_QUEUE_BYTES", "262144"), ("JOURNEYLIFT_FAULT", "writer.before_commit=sleep:100")])
            .await;
    let tenant = world.tenant().await;
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..24 {
        let client = tenant.ingest.clone();
        senders.spawn(async move {
            let mut full = 0;
            for n in 0..4 {
                let events: Vec<Value> = (0..20)
                    .map(|i| {
                        with(
                            event(&format!("{sender}-{n}-{i}"), "u", "A", days_ago(1)),
                            &json!({"properties": {"x": "x".repeat(1_000)}}),
                        )
                    })
                    .collect();
                let (began, mut busy) = (Instant::now(), false);
                loop {
                    let answer = client.post("/v1/events").json(&json!(events)).send().await;
                    if answer.status == 200 {
                        let accepted = answer.json()["accepted"] == 20;
                        assert!(accepted || busy, "a batch refused as full left something behind");
                        break;
                    }
                    if answer.json()["code"] == "unavailable" {
                        // The machine is so busy that the database did not answer in time: nobody knows what is stored.
                        busy = true;
                        continue;
                    }
                    let _ = answer.problem(503, "full");
                    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                    assert!(seconds >= 1);
                    full += 1;
                    assert!(began.elapsed() < Duration::from_secs(60));
                    // Less than asked for, so that the test is not slow.
                    tokio::time::sleep(Duration::from_millis(150)).await;
                }
            }
            full
        });
    }
    let mut full = 0;
    while let Some(done) = senders.join_next().await {
        full += done.unwrap();
    }
    assert!(full > 0, "the queue was never full");
    assert_eq!(stored(&world.superuser().await, &tenant).await, 24 * 4 * 20);
    // The load driver of the other tests agrees.
    ledger::expose(&tenant).await;
    let load = ledger::Load::start(vec![tenant.ingest.clone(); 4], 10);
    load.more(8).await;
    let sent = load.stop().await;
    ledger::judge(&world, &tenant, &sent).await;
}
