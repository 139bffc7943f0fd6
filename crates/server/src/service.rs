//! The service as a whole: its order of starting, what runs beside the requests, its order of stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use api::{Bounds, Shared};
use store::{Store, StoreOptions};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock::{self, Clock};
use crate::config::ServeArgs;
use crate::database::{Database, patiently};
use crate::http::{Front, FrontOptions};
use crate::postgres::Embedded;
use crate::retention;

/// How long a stop waits for what is queued to be written; whoever sent it has had no answer yet.
const FLUSH: Duration = Duration::from_secs(2);

/// A running service.
#[derive(Debug)]
pub struct Service {
    front: Front,
    store: Store,
    stopping: Arc<AtomicBool>,
    embedded: Option<Embedded>,
    stop_delay: Duration,
    drain_timeout: Duration,
    /// Ends what runs beside the requests.
    beside: DropGuard,
}

impl Service {
    /// Starts the service on the system's clock, and returns when it is ready.
    pub async fn start(args: &ServeArgs) -> anyhow::Result<Self> {
        Self::start_with_clock(args, clock::system()).await
    }

    /// Starts the service on another clock.
    ///
    /// It listens from the beginning, so that a process that waits for a long recovery of its database is not taken for
    /// dead; all that it says until it is ready is that it lives.
    pub async fn start_with_clock(args: &ServeArgs, clock: Clock) -> anyhow::Result<Self> {
        let stopping = Arc::<AtomicBool>::default();
        let front = Front::listen(&args.listen, front_options(args), stopping.clone()).await?;
        let database = Database::open(&args.database, args.work.database_connections).await?;
        // From here on the database should answer; one that takes its time is waited for.
        let deadline = Instant::now() + args.start_timeout.0;
        if args.no_migrate {
            tracing::info!("not migrating, as told");
        } else {
            let owner = database.urls.owner.reveal();
            patiently(deadline, || store::migrate(owner)).await.context("the database cannot be migrated")?;
        }
        let options = store_options(args, database.urls.service.reveal(), &clock);
        let store =
            patiently(deadline, || Store::connect(options.clone())).await.context("the database cannot be used")?;
        let mut state = Shared::new(store.clone(), clock);
        state.limits.retention_days = args.retention_days;
        state.bounds = bounds(args);
        state.operator_key_hash = args.operator_key.as_ref().map(|key| sha256(key.reveal().as_bytes()));
        state.stopping = stopping.clone();
        front.open(api::router(state.into()));
        let beside = CancellationToken::new();
        tokio::spawn(beside.clone().run_until_cancelled_owned(retention::run(store.operator(), args.retention_days)));
        Ok(Self {
            front,
            store,
            stopping,
            embedded: database.embedded,
            stop_delay: args.stop_delay.0,
            drain_timeout: args.drain_timeout.0,
            beside: beside.drop_guard(),
        })
    }

    /// Where it is reached from this machine, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn url(&self) -> String {
        reachable(self.front.address())
    }

    /// The store that it runs on.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Stops in order: says that it is not ready, takes no more, answers what it took, writes what is queued, and stops
    /// the embedded Postgres if this process started it. Takes less than 10 s with the default settings.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.stopping.store(true, Ordering::Relaxed);
        tracing::info!("stopping: not ready any more");
        sleep(self.stop_delay).await;
        self.front.close(self.drain_timeout).await;
        drop(self.beside);
        if timeout(FLUSH, self.store.close()).await.is_err() {
            tracing::warn!("what is queued could not be written in time; it was never acknowledged");
        }
        if let Some(embedded) = self.embedded {
            embedded.stop().await?;
        }
        tracing::info!("stopped");
        Ok(())
    }
}

/// The address for a client on this machine.
pub(crate) fn reachable(mut address: std::net::SocketAddr) -> String {
    if address.ip().is_unspecified() {
        let here: std::net::IpAddr =
            if address.is_ipv4() { std::net::Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(here);
    }
    format!("http://{address}")
}

fn front_options(args: &ServeArgs) -> FrontOptions {
    FrontOptions {
        max_connections: usize::try_from(args.connections.max_connections).unwrap_or(usize::MAX),
        header_timeout: args.connections.header_timeout.0,
        idle_timeout: args.connections.idle_timeout.0,
        write_timeout: args.connections.write_timeout.0,
        body_stall_timeout: args.body.body_stall_timeout.0,
    }
}

fn store_options(args: &ServeArgs, url: &str, clock: &Clock) -> StoreOptions {
    let mut options = StoreOptions::new(url, clock.clone());
    options.max_connections = args.work.database_connections;
    options.queue_bytes = args.work.queue_bytes.0;
    options.gather = args.work.gather.0;
    options.read_budget = args.work.read_budget.0;
    options.ahead = args.work.read_ahead.into();
    options.noted = args.work.noted_slices;
    options.persons_at_once = args.work.persons_at_once.try_into().unwrap_or(usize::MAX);
    options.packs = args.pack_events;
    options.background = !args.work.no_background;
    options
}

fn bounds(args: &ServeArgs) -> Bounds {
    Bounds {
        event_bytes: args.body.max_event_bytes.0,
        batch_bytes: args.body.max_batch_bytes.0,
        batch_events: usize::try_from(args.body.max_batch_events).unwrap_or(usize::MAX),
        document_bytes: args.body.max_document_bytes.0,
        in_flight_bytes: args.body.max_bodies_bytes.0,
        drain_bytes: Bounds::default().drain_bytes,
        body_timeout: args.body.body_timeout.0,
        request_timeout: args.body.request_timeout.0,
        read_budget: args.work.read_budget.0,
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_all_interfaces_is_reached_on_this_machine() {
        assert_eq!(reachable("0.0.0.0:80".parse().unwrap()), "http://127.0.0.1:80");
        assert_eq!(reachable("[::]:8080".parse().unwrap()), "http://[::1]:8080");
        assert_eq!(reachable("10.0.0.7:8080".parse().unwrap()), "http://10.0.0.7:8080");
    }
}
