//! Read your writes: what was acknowledged is in the next answer, whatever else goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tests::World;
use tests::events::{arm, order, with};
use tests::moment::days_ago;

tests::cases![
    a_strong_read_has_what_was_acknowledged,
    a_read_without_time_says_what_is_pending,
    an_eventual_read_waits_for_nothing
];

async fn a_strong_read_has_what_was_acknowledged() {
    let world = World::new().await;
    let tenant = super::example(&world).await;
    let second = world.another().await;
    // Others post all the time.
    let stop = Arc::new(AtomicBool::new(false));
    let mut noise = tokio::task::JoinSet::new();
    for sender in 0..2 {
        let (client, stop) = (tenant.ingest.clone(), stop.clone());
        noise.spawn(async move {
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let events: Vec<Value> = (0..10)
                    .map(|i| {
                        with(
                            order(
                                &format!("n{sender}-{n}-{i}"),
                                &format!("noise{}", (n * 10 + i) % 200),
                                "1",
                                days_ago(20),
                            ),
                            &json!({"anonymous_id": format!("a{}", i % 10)}),
                        )
                    })
                    .collect();
                tests::world::deliver(&client, &events).await;
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        });
    }
    let mut sum = sum_of(&tenant.settled("e", "maturity=live").await);
    let mut compared = 0;
    for n in 0..24 {
        // Written through one service, read through the other.
        let (write, read) =
            if n % 2 == 0 { (world.service.place(), second.place()) } else { (second.place(), world.service.place()) };
        let event = json!([order(&format!("mine{n}"), "u1", "2.25", days_ago(29))]);
        let answer = tenant.ingest.at(write).post("/v1/events").json(&event).expect(200).await;
        assert_eq!(answer["accepted"], 1);
        sum += 2_250_000;
        let results = tenant.read.at(read).get("/v1/experiments/e/results?maturity=live").expect(200).await;
        if results["fresh"]["pending_subjects"] == 0 {
            assert_eq!(sum_of(&results), sum, "after write {n}");
            compared += 1;
        }
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(done) = noise.join_next().await {
        done.unwrap();
    }
    assert_eq!(sum_of(&tenant.settled("e", "maturity=live").await), sum);
    // A read that has no time left says so; on a machine that is not overloaded none does.
    assert!(compared > 6, "only {compared} of 24 reads had the time that they need");
}

fn sum_of(results: &Value) -> i128 {
    journey::parse_units(arm(results, "spend", "on")["tally"]["sum"].as_str().unwrap()).unwrap().into()
}

async fn a_read_without_time_says_what_is_pending() {
    let environment = [
        ("JOURNEYLIFT_FAULT", "measure.after_claim=sleep:60"),
        ("JOURNEYLIFT_READ_BUDGET", "30ms"),
        ("JOURNEYLIFT_NO_BACKGROUND", "true"),
        // Whatever waits is drained first.
        ("JOURNEYLIFT_READ_AHEAD", "0"),
    ];
    let world = World::with(&environment).await;
    let tenant = super::example(&world).await;
    let mut pending = Vec::new();
    // More than the first slice takes.
    tenant
        .accept(&(0..1_300).map(|i| order(&format!("v{i}"), &format!("v{i}"), "1", days_ago(29))).collect::<Vec<_>>())
        .await;
    for _ in 0..60 {
        let results = tenant.results("e", "maturity=live").await;
        pending.push(results["fresh"]["pending_subjects"].as_u64().unwrap());
        if pending.last() == Some(&0) {
            break;
        }
    }
    assert!(pending[0] > 0, "the first read had no time for 1 420 subjects: {pending:?}");
    assert_eq!(pending.last(), Some(&0), "{pending:?}");
    assert!(pending.is_sorted_by(|a, b| a >= b), "{pending:?}");
}

async fn an_eventual_read_waits_for_nothing() {
    let environment = [("JOURNEYLIFT_NO_BACKGROUND", "true"), ("JOURNEYLIFT_READ_AHEAD", "1")];
    let world = World::with(&environment).await;
    let tenant = super::example(&world).await;
    // Much waits, so that this read drains it.
    let before = sum_of(&tenant.results("e", "maturity=live").await);
    tenant.accept(&[order("more", "u1", "5", days_ago(29))]).await;
    let stale = tenant.results("e", "maturity=live&consistency=eventual").await;
    assert_eq!(sum_of(&stale), before);
    assert_eq!(stale["fresh"]["pending_subjects"], 1, "{}", stale["fresh"]);
    let fresh = tenant.results("e", "maturity=live&consistency=strong").await;
    assert_eq!((sum_of(&fresh), &fresh["fresh"]["pending_subjects"]), (before + 5_000_000, &json!(0)));
}
