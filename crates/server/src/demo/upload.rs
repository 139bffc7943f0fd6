//! From the data to the service: definitions, events, and the wait until they are measured.
//!
//! The service itself is the memory of what was posted: batches go out in the order of the file, and fewer than
//! [`IN_FLIGHT`] of them are open, so with `n` persons measured everything before the last [`IN_FLIGHT`] batches up to
//! `n` is there. A later start goes on from there, and is done where all sums are those of the data.

use std::time::Duration;

use anyhow::Context as _;
use journey::{Instant, Zone};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::calendar;
use super::data::DataSet;
use super::results::Results;
use super::tenant::Keys;
use crate::import::batch::{Batch, Envelope};
use crate::import::client::{Client, Refused};
use crate::import::delivery::{Destination, deliver};
use crate::import::progress::{Progress, Unit, to_stderr};

/// The persons of a batch, with all of their events: a person is then measured once.
const BATCH: usize = 1_000;
/// The batches that are on their way at once.
const IN_FLIGHT: usize = 4;
/// The pause between two looks at what is still to be measured.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Puts the metrics and the experiment, and says when it starts: as it was put before, else dated back from today.
pub(super) async fn define(client: &Client, keys: &Keys, data: &DataSet) -> anyhow::Result<Instant> {
    let path = format!("/v1/experiments/{}", data.experiment);
    let stored = match client.call(Method::GET, &path, &keys.read, None).await {
        Ok(stored) => {
            stored.get("starts_at").and_then(Value::as_str).map(|text| parse(text, Instant::parse)).transpose()?
        }
        Err(Refused::Problem { status: StatusCode::NOT_FOUND, .. }) => None,
        Err(refused) => return Err(refused).context("the experiment cannot be read"),
    };
    let starts_at = match stored {
        Some(starts_at) => starts_at,
        None => calendar::starts_at(super::now(), parse(data.time_zone, Zone::parse)?),
    };
    for (key, metric) in &data.metrics {
        let path = format!("/v1/metrics/{key}");
        let put = client.call(Method::PUT, &path, &keys.admin, Some(metric)).await;
        put.with_context(|| format!("the metric {key} cannot be put"))?;
    }
    let mut document = data.document.clone();
    document["starts_at"] = json!(starts_at.to_string());
    client.call(Method::PUT, &path, &keys.admin, Some(&document)).await.context("the experiment cannot be put")?;
    Ok(starts_at)
}

fn parse<T>(text: &str, read: impl Fn(&str, &str) -> Result<T, journey::Invalid>) -> anyhow::Result<T> {
    read(text, "").map_err(|invalid| anyhow::anyhow!("{text:?}: {}", invalid.detail))
}

/// Posts what is missing, and returns the answer about all of it.
pub(super) async fn complete(
    client: &Client,
    keys: &Keys,
    data: &DataSet,
    starts_at: Instant,
) -> anyhow::Result<Results> {
    let found = measured(client, keys, data).await?;
    if found.agree_with(&data.totals) {
        to_stderr("the events are there from an earlier start");
        return Ok(found);
    }
    let first = resume_at(found.persons(), data.persons.count());
    if first > 0 {
        to_stderr(&format!("an earlier start posted {} persons; going on after {first}", found.persons()));
    }
    post(client, keys, data, starts_at, first).await?;
    let mut found = measured(client, keys, data).await?;
    if first > 0 && !found.agree_with(&data.totals) {
        // Somebody else's events or a lost reckoning: what is there already counts once.
        post(client, keys, data, starts_at, 0).await?;
        found = measured(client, keys, data).await?;
    }
    if !found.agree_with(&data.totals) {
        to_stderr(
            "note: the service's sums are not those of the data. Were events of this experiment deleted, or others posted?",
        );
    }
    Ok(found)
}

/// The person to go on with, where `persons` of `count` were measured.
fn resume_at(persons: u64, count: usize) -> usize {
    let batches = usize::try_from(persons).unwrap_or(usize::MAX).min(count) / BATCH;
    batches.saturating_sub(IN_FLIGHT) * BATCH
}

async fn post(client: &Client, keys: &Keys, data: &DataSet, starts_at: Instant, first: usize) -> anyhow::Result<()> {
    let destination =
        Destination { client: client.clone(), path: "/v1/events", key: keys.ingest.clone(), envelope: Envelope::Array };
    let persons = data.persons.count();
    let mut progress = Progress::begin("posting", Some(persons as u64), Unit::Count("persons"));
    let (out, batches) = mpsc::channel(2);
    let (mut accepted, mut duplicates) = (0, 0);
    let sending = async {
        for start in (first..persons).step_by(BATCH) {
            // Making a batch takes a few milliseconds, between which the others go on.
            let batch = batch(data, starts_at, start..persons.min(start + BATCH));
            if out.send(Ok(batch)).await.is_err() {
                break;
            }
        }
        drop(out);
        Ok(())
    };
    let delivering = deliver(&destination, batches, IN_FLIGHT, |delivered| {
        if let Some(refusal) = delivered.refused.first() {
            anyhow::bail!(
                "an event of the demo was refused: {} {} ({})",
                refusal.pointer,
                refusal.message,
                refusal.code
            );
        }
        accepted += delivered.accepted;
        duplicates += delivered.duplicates;
        progress.set(delivered.end.records, "");
        Ok(())
    });
    tokio::try_join!(sending, delivering)?;
    let before = if duplicates > 0 { format!(" ({duplicates} were there before)") } else { String::new() };
    progress.end(&format!("{accepted} events{before}"));
    Ok(())
}

fn batch(data: &DataSet, starts_at: Instant, persons: std::ops::Range<usize>) -> Batch {
    let mut batch = Batch::default();
    batch.end.records = persons.end as u64;
    for index in persons {
        data.persons.events(index, starts_at, &mut |event| {
            batch.push(event.to_string().as_bytes(), index as u64 + 1);
        });
    }
    batch
}

/// Asks for the results until everything that was posted is in them.
async fn measured(client: &Client, keys: &Keys, data: &DataSet) -> anyhow::Result<Results> {
    let path = Results::path(data);
    let mut progress: Option<(Progress, u64)> = None;
    loop {
        let answer = client.call(Method::GET, &path, &keys.read, None).await.context("the results cannot be read")?;
        let results: Results =
            serde_json::from_value(answer).context("the results are not in the shape of the contract")?;
        let pending = results.pending();
        if pending == 0 || !results.fresh.set_aside.is_empty() && pending == results.fresh.set_aside.len() as u64 {
            if let Some((progress, most)) = progress {
                progress.end(&format!("{most} persons"));
            }
            return Ok(results);
        }
        let (progress, most) = progress
            .get_or_insert_with(|| (Progress::begin("measuring", Some(pending), Unit::Count("persons")), pending));
        *most = (*most).max(pending);
        progress.set(most.saturating_sub(pending), "");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_before_everything_that_may_be_missing() {
        assert_eq!(resume_at(0, 64_000), 0);
        assert_eq!(resume_at(4_999, 64_000), 0);
        // 10 batches are there. At most 4 were open, so the sixth and those before it are whole.
        assert_eq!(resume_at(10_000, 64_000), 6_000);
        assert_eq!(resume_at(64_000, 64_000), 60_000);
        assert_eq!(resume_at(1_000_000, 64_000), 60_000);
    }
}
