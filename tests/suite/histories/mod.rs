//! Random histories, sent to two services at once: what is stored must equal the fold of all events from scratch, digit
//! for digit, after every phase. And the same with bugs put in on purpose, each of which must be noticed.

mod after_the_load;
mod before_the_lock;
mod drive;
mod history;
mod long_before;
mod truth;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tests::{Service, World};

use drive::Stage;
use history::{History, history};

tests::cases![
    tallies_equal_the_fold_of_all_events,
    tallies_equal_the_fold_with_pauses_between_claim_and_load,
    the_check_notices_folding_without_subtracting,
    the_check_notices_resolving_persons_at_ingest,
    the_check_notices_folding_what_waits,
];

/// Orders of events that are played on purpose.
pub fn played() -> Vec<tests::Case> {
    [before_the_lock::cases(), after_the_load::cases(), long_before::cases()].concat()
}

/// Random histories that follow from a seed; `JOURNEYLIFT_SEED` replays one.
fn runner() -> (TestRunner, String) {
    let seed = std::env::var("JOURNEYLIFT_SEED").ok().and_then(|text| hex::decode(text).ok());
    let seed = seed.unwrap_or_else(|| [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat());
    let config = Config { failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    (TestRunner::new_with_rng(config, rng), hex::encode(seed))
}

async fn services(faults: &str) -> Stage {
    let environment = [("JOURNEYLIFT_FAULT", faults), ("JOURNEYLIFT_DATABASE_CONNECTIONS", "16")];
    // Histories are short: so that changes are entered all the time, and now and then; and that connections read for slices.
    let sized = |slices, persons| {
        let sizes = [("JOURNEYLIFT_NOTED_SLICES", slices), ("JOURNEYLIFT_PERSONS_AT_ONCE", persons)];
        [environment[0], environment[1], sizes[0], sizes[1]]
    };
    let world = World::with(&sized("1", "2")).await;
    let second = Service::start(&world.database, &sized("8", "1")).await;
    Stage::new(world, second).await
}

/// Plays histories until one fails, and then smaller ones that still fail. `Err` tells what was wrong.
async fn play(stage: &Stage, cases: u32) -> Result<(), String> {
    let (mut runner, seed) = runner();
    let strategy = history();
    for case in 0..cases {
        let mut tree = strategy.new_tree(&mut runner).expect("a history");
        let Err(mut said) = tests::caught(stage.play(&tree.current())).await else { continue };
        let mut smallest: History = tree.current();
        // With real concurrency a smaller history may pass by luck; a few tries are worth the shorter text.
        for _ in 0..25 {
            if !tree.simplify() {
                break;
            }
            match tests::caught(stage.play(&tree.current())).await {
                Err(text) => (said, smallest) = (text, tree.current()),
                Ok(()) if !tree.complicate() => break,
                Ok(()) => {}
            }
        }
        return Err(format!("case {case} of the seed {seed}: {said}\n{smallest:#?}"));
    }
    Ok(())
}

async fn tallies_equal_the_fold_of_all_events() {
    let stage = services("").await;
    play(&stage, 24).await.unwrap();
}

async fn tallies_equal_the_fold_with_pauses_between_claim_and_load() {
    let stage =
        services("measure.after_claim=sleep:25,measure.before_lock=sleep:10,writer.before_commit=sleep:7").await;
    play(&stage, 10).await.unwrap();
}

/// Plays with a bug until it is noticed.
async fn must_be_noticed(faults: &str, cases: u32) {
    let (mut runner, _) = runner();
    let stage = services(faults).await;
    for _ in 0..cases {
        let history = history().new_tree(&mut runner).expect("a history").current();
        if tests::caught(stage.play(&history)).await.is_err() {
            return;
        }
    }
    panic!(
        "{cases} histories did not notice {faults}; was the program built with the tests, which puts the faults in?"
    );
}

async fn the_check_notices_folding_without_subtracting() {
    must_be_noticed("bug=fold-without-the-new-events", 6).await;
}

async fn the_check_notices_resolving_persons_at_ingest() {
    must_be_noticed("bug=resolve-at-ingest", 12).await;
}

async fn the_check_notices_folding_what_waits() {
    must_be_noticed("bug=fold-what-waits,measure.after_claim=sleep:40,writer.before_commit=sleep:7", 20).await;
}
