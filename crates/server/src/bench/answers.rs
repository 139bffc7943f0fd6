//! Answers: how long a lift takes when nothing is pending, how soon an event is in it, and whether it is right.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::client::{Connection, Requests, on_own_thread};
use super::ground::{Ground, PROBE};
use super::ingest::post;
use super::journeys::{Journeys, Trial};
use super::sums::{Raw, answered, answered_by_device, differences};
use super::timing::{Times, rate};

/// The path of a strong answer.
fn path(trial: &Trial) -> String {
    format!("/v1/experiments/{}/results", trial.key)
}

/// Reads an answer whole, and the time that this took. It is parsed after the clock has stopped.
async fn read(connection: &mut Connection, request: &[u8]) -> anyhow::Result<(Value, Duration)> {
    let begun = Instant::now();
    let answer = connection.exchange(request).await?;
    let took = begun.elapsed();
    Ok((answer.json()?, took))
}

/// The times of so many answers, one after another, over all experiments of the journeys.
pub(super) async fn lifts(ground: &Ground, journeys: &Journeys, reads: u64) -> anyhow::Result<Times> {
    let mut times = Times::default();
    let mut connection = ground.connect().await?;
    let requests: Vec<Vec<u8>> = journeys.trials().iter().map(|trial| ground.reading(&path(trial))).collect();
    for request in requests.iter().cycle().take(usize::try_from(reads)?) {
        let (answer, took) = read(&mut connection, request).await?;
        ensure!(answer.pointer("/fresh/pending_subjects") == Some(&json!(0)), "something is pending");
        times.push(took);
    }
    Ok(times)
}

/// The times of the same questions asked of the events, each experiment so many times, after one that warms up.
pub(super) async fn raw_lifts(ground: &Ground, journeys: &Journeys, runs: u64) -> anyhow::Result<Times> {
    let raw = Raw { ground, journeys };
    let mut times = Times::default();
    for trial in journeys.trials() {
        let answer = ground.get(&path(trial)).await?;
        for run in 0..=runs {
            let begun = Instant::now();
            raw.everyone(trial, &answer).await?;
            if run > 0 {
                times.push(begun.elapsed());
            }
        }
    }
    Ok(times)
}

/// What the probe of freshness found.
#[derive(Debug, Default)]
pub(super) struct Freshness {
    pub(super) tries: u64,
    /// Answers that included the event.
    pub(super) included: u64,
    /// From posting to the acknowledgement.
    pub(super) posts: Times,
    /// From asking to the answer.
    pub(super) reads: Times,
    /// Events a second that were posted beside.
    pub(super) background: f64,
}

/// Posts one event of a person who is new to the probe's experiment and reads; then the next, for so long.
pub(super) async fn freshness(ground: &Ground, prefix: &str, span: Duration) -> anyhow::Result<Freshness> {
    let persons = |answer: &Value| answer.pointer("/arms/0/persons").and_then(Value::as_u64);
    let mut connection = ground.connect().await?;
    let asked = ground.reading(&path(&PROBE));
    let mut known = persons(&read(&mut connection, &asked).await?.0).context("the probe's arm has no persons")?;
    let mut found = Freshness::default();
    let begun = Instant::now();
    while begun.elapsed() < span {
        let body = json!([{
            "event_id": format!("{prefix}-{}", found.tries), "user_id": format!("{prefix}-{}", found.tries),
            "name": "Experiment Viewed", "channel": "web",
            "properties": {"experiment_id": PROBE.key, "variation_id": PROBE.arms[0], "device": "ios"},
        }]);
        let request = ground.posting(body.to_string().as_bytes());
        let posted = Instant::now();
        post(&mut connection, &request).await?;
        found.posts.push(posted.elapsed());
        let (answer, took) = read(&mut connection, &asked).await?;
        found.reads.push(took);
        found.tries += 1;
        // Nobody else exposes anyone here, so that it is exactly one more.
        let now = persons(&answer).context("the probe's arm has no persons")?;
        found.included += u64::from(now == known + 1);
        known = now.max(known);
    }
    Ok(found)
}

/// The same while events of the same tenant are posted at a steady rate.
pub(super) async fn freshness_under_load(
    ground: &Ground,
    journeys: &Journeys,
    stream: u64,
    events_a_second: u64,
    span: Duration,
) -> anyhow::Result<Freshness> {
    let batch = (events_a_second / 20).max(1);
    let ticks = 20 * (span.as_secs() + 5);
    let mut requests = Requests::default();
    for tick in 0..ticks {
        let numbers = tick * batch..(tick + 1) * batch;
        requests.push(&ground.posting(&journeys.body(numbers.map(|number| Journeys::apart(stream, number)))));
    }
    let begun = Instant::now();
    let accepted = Arc::new(AtomicU64::new(0));
    let load = at_a_steady_rate(ground.service.address, requests, Duration::from_millis(50), accepted.clone());
    let probe = freshness(ground, "probe-loaded", span);
    let mut found = tokio::select! {
        ended = load => return ended.and_then(|()| bail!("the load ended before the probe")),
        found = probe => found?,
    };
    found.background = rate(accepted.load(Ordering::Relaxed), begun.elapsed());
    Ok(found)
}

/// Sends a request at every tick over a few connections, whatever became of those before, and counts what is accepted.
async fn at_a_steady_rate(
    address: SocketAddr,
    requests: Requests,
    tick: Duration,
    accepted: Arc<AtomicU64>,
) -> anyhow::Result<()> {
    const CONNECTIONS: usize = 8;
    on_own_thread(async move || {
        let next = AtomicUsize::new(0);
        let begun = tokio::time::Instant::now();
        let sender = async || -> anyhow::Result<()> {
            let mut connection = Connection::open(address).await?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(number) else { return Ok(()) };
                tokio::time::sleep_until(begun + tick * u32::try_from(number)?).await;
                accepted.fetch_add(post(&mut connection, request).await?.accepted, Ordering::Relaxed);
            }
        };
        try_join_all((0..CONNECTIONS).map(|_| sender())).await?;
        Ok(())
    })
    .await
}

/// Compares every sum of every answer, those by device as well, with the SQL over the events. `Ok` with the number of
/// sums that were compared and those that differ, in words.
pub(super) async fn verify(ground: &Ground, journeys: &Journeys) -> anyhow::Result<(usize, Vec<String>)> {
    let raw = Raw { ground, journeys };
    let (mut compared, mut differing) = (0, Vec::new());
    for trial in journeys.trials().iter().chain([&PROBE]) {
        let answer = ground.get(&format!("{}?by=properties.device", path(trial))).await?;
        ensure!(answer.pointer("/fresh/pending_subjects") == Some(&json!(0)), "something is pending");
        let (ours, theirs) = (answered(&answer)?, raw.everyone(trial, &answer).await?);
        differing.extend(differences(&format!("{}: everyone", trial.key), &ours, &theirs));
        compared += ours.values().map(std::collections::BTreeMap::len).sum::<usize>();
        let (ours, theirs) = (answered_by_device(&answer)?, raw.by_device(trial, &answer).await?);
        differing.extend(differences(&format!("{}: device ", trial.key), &ours, &theirs));
        compared += ours.values().map(std::collections::BTreeMap::len).sum::<usize>();
    }
    Ok((compared, differing))
}
