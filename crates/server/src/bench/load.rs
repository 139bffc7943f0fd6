//! Load beside what is measured: requests at a steady rate, whatever becomes of those before.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::bail;
use futures_util::future::try_join_all;

use super::client::{Connection, Requests, on_own_thread};
use super::ground::Tenant;
use super::ingest::post;
use super::journeys::Journeys;
use super::timing::{Times, rate};

/// Requests a second.
const TICKS: u64 = 20;
/// The connections that share them.
const CONNECTIONS: usize = 8;

/// Requests of a stream of the journeys, one a tick.
#[derive(Debug)]
pub(super) struct Steady {
    tenant: Tenant,
    journeys: Arc<Journeys>,
    stream: u64,
    batch: u64,
    ticks: usize,
    made: Requests,
}

impl Steady {
    /// So many events a second for so long. Those of the first minute are made beforehand; making the others while the
    /// clock runs takes a few percent of a core, and saves gigabytes.
    pub(super) fn new(
        tenant: &Tenant,
        journeys: &Arc<Journeys>,
        stream: u64,
        events_a_second: u64,
        span: Duration,
    ) -> Arc<Self> {
        let mut steady = Self {
            tenant: tenant.clone(),
            journeys: journeys.clone(),
            stream,
            batch: (events_a_second / TICKS).max(1),
            ticks: usize::try_from(TICKS * span.as_secs()).unwrap_or(usize::MAX),
            made: Requests::default(),
        };
        let minute = usize::try_from(TICKS * 60).unwrap_or_default();
        for tick in 0..steady.ticks.min(minute) {
            let request = steady.make(tick);
            steady.made.push(&request);
        }
        Arc::new(steady)
    }

    fn make(&self, tick: usize) -> Vec<u8> {
        let tick = tick as u64;
        let numbers = tick * self.batch..(tick + 1) * self.batch;
        self.tenant.posting(&self.journeys.body(numbers.map(|number| Journeys::apart(self.stream, number))))
    }

    fn request(&self, tick: usize) -> Option<Cow<'_, [u8]>> {
        if tick >= self.ticks {
            return None;
        }
        Some(self.made.get(tick).map_or_else(|| self.make(tick).into(), Cow::Borrowed))
    }
}

/// What a steady load came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Load {
    accepted: Arc<AtomicU64>,
}

/// How a steady load ended.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) took: Duration,
    /// From sending a request to its acknowledgement.
    pub(super) times: Times,
}

impl Load {
    /// The events that were acknowledged as new so far.
    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Sends the requests at their ticks, until all are acknowledged.
    pub(super) async fn run(&self, address: SocketAddr, requests: Arc<Steady>) -> anyhow::Result<Loaded> {
        let accepted = self.accepted.clone();
        on_own_thread(async move || {
            let next = AtomicUsize::new(0);
            let begun = tokio::time::Instant::now();
            let tick = Duration::from_secs(1) / u32::try_from(TICKS)?;
            let sender = async || -> anyhow::Result<Times> {
                let mut connection = Connection::open(address).await?;
                let mut times = Times::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.request(number) else { return Ok(times) };
                    tokio::time::sleep_until(begun + tick * u32::try_from(number)?).await;
                    let sent = std::time::Instant::now();
                    accepted.fetch_add(post(&mut connection, &request).await?.accepted, Ordering::Relaxed);
                    times.push(sent.elapsed());
                }
            };
            let all = try_join_all((0..CONNECTIONS).map(|_| sender())).await?;
            let took = begun.elapsed();
            let mut times = Times::default();
            for own in all {
                times.append(own);
            }
            Ok(Loaded { took, times })
        })
        .await
    }

    /// Does something beside the load, which must outlast it: the outcome, and the events a second that were posted.
    pub(super) async fn beside<T>(
        address: SocketAddr,
        requests: Arc<Steady>,
        something: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<(T, f64)> {
        let load = Self::default();
        let begun = std::time::Instant::now();
        tokio::select! {
            ended = load.run(address, requests) => {
                ended?;
                bail!("the load came to its end before what is measured beside it")
            }
            outcome = something => Ok((outcome?, rate(load.accepted(), begun.elapsed()))),
        }
    }
}
