//! Ends of the process under load: killed, stopped, and killed at the worst moments.

use std::time::Duration;

use tests::World;

use super::ledger::{Load, expose, judge};

tests::cases![
    kill_9_under_load_loses_nothing,
    killed_after_the_commit_and_before_the_answer,
    a_stop_under_load_answers_what_it_took,
    an_acknowledgement_before_the_commit_is_caught,
];

async fn kill_9_under_load_loses_nothing() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    expose(&tenant).await;
    let load = Load::start(vec![tenant.ingest.clone(); 6], 10);
    for round in 0..5 {
        load.more(15).await;
        tokio::time::sleep(Duration::from_millis(7 * round)).await;
        world.service.kill();
        world.service.start_again().await;
    }
    load.more(10).await;
    judge(&world, &tenant, &load.stop().await).await;
}

async fn killed_after_the_commit_and_before_the_answer() {
    let world = World::with(&[("JOURNEYLIFT_FAULT", "writer.after_commit=abort:12")]).await;
    let tenant = world.tenant().await;
    expose(&tenant).await;
    let load = Load::start(vec![tenant.ingest.clone(); 4], 10);
    let status = world.service.ended(Duration::from_secs(20)).await;
    assert!(!status.success());
    world.service.forget("JOURNEYLIFT_FAULT");
    world.service.start_again().await;
    load.more(5).await;
    let sent = load.stop().await;
    assert!(!sent.unknown.is_empty(), "a batch was committed and not answered");
    judge(&world, &tenant, &sent).await;
}

async fn a_stop_under_load_answers_what_it_took() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    expose(&tenant).await;
    let load = Load::start(vec![tenant.ingest.clone(); 6], 10);
    for _ in 0..2 {
        load.more(15).await;
        let status = world.service.stop().await;
        assert!(status.success(), "{status}: {}", world.service.last_words());
        let refusals = load.refusals.lock().await.clone();
        assert!(refusals.keys().all(|status| *status == 503), "{refusals:?}");
        world.service.start_again().await;
    }
    load.more(10).await;
    judge(&world, &tenant, &load.stop().await).await;
}

async fn an_acknowledgement_before_the_commit_is_caught() {
    // A bug put in on purpose: the oracle must see it, or it sees nothing. A commit that is under way when the process
    // is killed may still happen, so it may take a few kills.
    for _ in 0..6 {
        let fault = "bug=ack-before-commit,writer.before_commit=sleep:150";
        let world = World::with(&[("JOURNEYLIFT_FAULT", fault)]).await;
        let tenant = world.tenant().await;
        expose(&tenant).await;
        let load = Load::start(vec![tenant.ingest.clone(); 6], 10);
        load.more(10).await;
        world.service.kill();
        let sent = load.stop().await;
        world.service.forget("JOURNEYLIFT_FAULT");
        world.service.start_again().await;
        if let Err(said) = tests::caught(judge(&world, &tenant, &sent)).await {
            assert!(said.contains("acknowledged events are lost"), "{said}");
            return;
        }
    }
    panic!(
        "acknowledging before the commit went unnoticed; was the program built with the tests, which puts the faults in?"
    );
}
