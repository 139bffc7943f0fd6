//! Batches: how fast are they acknowledged, against `COPY` of the same rows?

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::{Answer, Connection, Requests, on_own_thread};
use super::event::COLUMNS;
use super::ground::{BATCH, Ground};
use super::journeys::Journeys;

/// Batches that are made ahead of what need not be timed.
const CHUNK: usize = 400;

/// The positions `range`, cut into batches.
pub(super) fn batches(range: Range<u64>) -> Vec<Range<u64>> {
    let end = range.end;
    range.step_by(500).map(|start| start..end.min(start + BATCH)).collect()
}

/// What became of posted events.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Posted {
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
    /// How often the service asked to come again.
    pub(super) busy: u64,
}

impl std::ops::AddAssign for Posted {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.busy += other.busy;
    }
}

/// The part of an acknowledgement that matters.
#[derive(Debug, Deserialize)]
struct Acknowledged<'a> {
    accepted: u64,
    duplicates: u64,
    #[serde(borrow)]
    rejected: &'a RawValue,
}

impl Posted {
    /// Reads an answer, which must not refuse an event.
    fn read(answer: Answer<'_>, busy: u64) -> anyhow::Result<Self> {
        let Answer { status, body } = answer;
        ensure!(status == 200, "events were refused: {status} {}", String::from_utf8_lossy(body));
        let read: Acknowledged<'_> = serde_json::from_slice(body)?;
        ensure!(read.rejected.get() == "[]", "events were refused: {}", read.rejected);
        Ok(Self { accepted: read.accepted, duplicates: read.duplicates, busy })
    }
}

/// Posts one body until it is taken.
pub(super) async fn post(connection: &mut Connection, request: &[u8]) -> anyhow::Result<Posted> {
    let (answer, busy) = connection.insist(request).await?;
    Posted::read(answer, busy)
}

/// The requests that post the positions `range` in batches.
pub(super) fn requests(ground: &Ground, journeys: &Journeys, range: Range<u64>) -> Requests {
    let mut requests = Requests::default();
    for batch in batches(range) {
        requests.push(&ground.posting(&journeys.body(batch)));
    }
    requests
}

/// Sends requests in their order over so many connections; the time is that from the first byte to the last answer.
pub(super) async fn post_all(
    ground: &Ground,
    requests: Arc<Requests>,
    connections: usize,
) -> anyhow::Result<(Posted, Duration)> {
    let address = ground.service.address;
    on_own_thread(async move || {
        let connections = try_join_all((0..connections).map(|_| Connection::open(address))).await?;
        let next = AtomicUsize::new(0);
        let begun = Instant::now();
        let sender = async |mut connection: Connection| -> anyhow::Result<Posted> {
            let mut sum = Posted::default();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                sum += post(&mut connection, request).await?;
            }
            Ok(sum)
        };
        let sums = try_join_all(connections.into_iter().map(sender)).await?;
        let took = begun.elapsed();
        let mut total = Posted::default();
        for sum in sums {
            total += sum;
        }
        Ok((total, took))
    })
    .await
}

/// Posts the positions `range` without timing them.
pub(super) async fn prefill(
    ground: &Ground,
    journeys: &Journeys,
    range: Range<u64>,
    connections: usize,
) -> anyhow::Result<Posted> {
    let mut total = Posted::default();
    let mut next = range.start;
    while next < range.end {
        let end = range.end.min(next + CHUNK as u64 * BATCH);
        total += post_all(ground, Arc::new(requests(ground, journeys, next..end)), connections).await?.0;
        next = end;
    }
    Ok(total)
}

/// A table that rows are copied into.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    /// Columns, primary key and index.
    Plain,
    /// Its checks as well.
    Checked,
}

/// Copies the new ones among the positions `range` in one stream and one transaction: the rows and the time.
pub(super) async fn copy(
    ground: &Ground,
    journeys: &Journeys,
    range: Range<u64>,
    table: Table,
) -> anyhow::Result<(u64, Duration)> {
    // All lines are made before the clock runs.
    let chunks: Vec<(Vec<u8>, u64)> =
        batches(range).into_iter().map(|batch| journeys.rows(batch, ground.tenant)).collect();
    let name = match table {
        Table::Plain => "plain",
        Table::Checked => "checked",
    };
    let mut connection = ground.pool.acquire().await?;
    let begun = Instant::now();
    let mut copy = connection.copy_in_raw(&format!("COPY bench.{name} ({COLUMNS}) FROM STDIN")).await?;
    let mut rows = 0;
    for (lines, count) in chunks {
        rows += count;
        copy.send(lines).await?;
    }
    let copied = copy.finish().await?;
    let took = begun.elapsed();
    ensure!(copied == rows, "{copied} of {rows} rows were copied");
    Ok((rows, took))
}
