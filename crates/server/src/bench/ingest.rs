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
use super::course::Bench;
use super::event::COLUMNS;
use super::ground::{BATCH, Ground, Tenant};
use super::journeys::Journeys;
use super::report::Line;
use super::timing::{rate, shown, thousands};

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
pub(super) fn requests(tenant: &Tenant, journeys: &Journeys, range: Range<u64>) -> Requests {
    let mut requests = Requests::default();
    for batch in batches(range) {
        requests.push(&tenant.posting(&journeys.body(batch)));
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
    tenant: &Tenant,
    journeys: &Journeys,
    range: Range<u64>,
    connections: usize,
) -> anyhow::Result<Posted> {
    let mut total = Posted::default();
    let mut next = range.start;
    while next < range.end {
        let end = range.end.min(next + CHUNK as u64 * BATCH);
        total += post_all(ground, Arc::new(requests(tenant, journeys, next..end)), connections).await?.0;
        next = end;
    }
    Ok(total)
}

/// Copies the new ones among the positions `range` in one stream and one transaction: the rows and the time.
///
/// The table is the service's own, with its checks and indexes, and holds the same events.
pub(super) async fn copy(
    ground: &Ground,
    tenant: &Tenant,
    journeys: &Journeys,
    range: Range<u64>,
) -> anyhow::Result<(u64, Duration)> {
    // All lines are made before the clock runs.
    let chunks: Vec<(Vec<u8>, u64)> = batches(range).into_iter().map(|batch| journeys.rows(batch, tenant.id)).collect();
    let mut connection = ground.pool.acquire().await?;
    let begun = Instant::now();
    let mut copy = connection.copy_in_raw(&format!("COPY bench.checked ({COLUMNS}) FROM STDIN")).await?;
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

/// Gives the table of [`copy`] what the service holds before something is timed.
pub(super) async fn fill_copied(ground: &Ground, tenant: &Tenant) -> anyhow::Result<()> {
    sqlx::raw_sql("TRUNCATE bench.checked").execute(&ground.pool).await?;
    sqlx::query("INSERT INTO bench.checked SELECT * FROM event WHERE tenant_id = $1")
        .bind(tenant.id)
        .execute(&ground.pool)
        .await?;
    sqlx::raw_sql("VACUUM ANALYZE bench.checked").execute(&ground.pool).await?;
    Ok(())
}

impl Bench<'_> {
    /// Batches against `COPY`, and the backlog after them.
    pub(super) async fn ingest(&mut self, range: Range<u64>) -> anyhow::Result<()> {
        self.say("filling the table to copy into");
        fill_copied(&self.ground, &self.tenant).await?;
        let events = range.end - range.start;
        let requests = Arc::new(requests(&self.tenant, &self.journeys, range.clone()));
        let bytes = requests.size();
        self.say(&format!("posting {} events in batches", thousands(events as f64)));
        self.ground.checkpoint().await?;
        self.begin_profile().await?;
        let (posted, took) = post_all(&self.ground, requests, self.args.connections.into()).await?;
        self.say("waiting until they are measured");
        let before = self.cpu().await?;
        let draining = Instant::now();
        self.ground.measured(&self.tenant).await?;
        let drained = draining.elapsed();
        let processor = self.cpu().await?.each(before, posted.accepted);
        self.end_profile().await?;
        self.stored += posted.accepted;
        self.note_memory()?;

        self.say("copying the same");
        self.ground.checkpoint().await?;
        let (rows, copying) = copy(&self.ground, &self.tenant, &self.journeys, range).await?;
        ensure!(rows == posted.accepted, "{} events were new to the service, {rows} in fact", posted.accepted);
        let (ours, theirs) = (rate(posted.accepted, took), rate(rows, copying));
        self.lines.push(
            Line::new("ingest, batches of 500", format!("{} rows/s", thousands(ours)))
                .against(format!("{} rows/s, COPY", thousands(theirs)), ours / theirs)
                .at_least(0.6),
        );
        self.lines.push(Line::new(
            "the same, as acknowledged",
            format!(
                "{} events/s ({:.1} MB/s), {} duplicates, {} times busy",
                thousands(rate(posted.accepted + posted.duplicates, took)),
                bytes as f64 / took.as_secs_f64() / 1e6,
                posted.duplicates,
                posted.busy
            ),
        ));
        let ratio = took.as_secs_f64() / drained.as_secs_f64().max(1e-6);
        let what = format!("backlog of these {} events, measured in", thousands(events as f64));
        self.lines
            .push(Line::new(&what, shown(drained)).against(format!("{}, the burst", shown(took)), ratio).at_least(1.0));
        self.lines.push(Line::new("processor time meanwhile, of each of these events", processor));
        self.lines.push(Line::new(
            "events measured, from the first of the burst to the last",
            format!("{} events/s", thousands(rate(posted.accepted, took + drained))),
        ));
        Ok(())
    }
}
