//! The embedded Postgres: a small supervisor around the PostgreSQL binaries that are installed on the machine.
//!
//! Without a `DATABASE_URL` the service owns a private server in its data directory. It listens on nothing but a Unix
//! socket inside a directory that only its account can enter, and asks for a random password even there. It is started
//! when absent, adopted when an earlier process left it running, started again when it dies, and stopped with us.
//!
//! Several processes may name the same data directory. One of them holds the lock and supervises; the others are guests,
//! and one of those takes over when the lock becomes free.
//!
//! ```text
//! DIR/postgres.json        passwords and the place of the socket, 0600, of the service's account
//! DIR/postgres.lock        held by the process that supervises
//! DIR/postgres.conf        written at each start; DIR/postgres.custom.conf, if present, is read after it
//! DIR/postgres.hba         who may connect: every role, with its password
//! DIR/postgres.start.log   what the server said until its own log took over
//! DIR/postgres/            0700, of the account that runs Postgres: the socket, `cluster/` (the data), `log/`
//! ```

mod account;
mod address;
mod binaries;
mod bootstrap;
mod cluster;
mod layout;
mod postmaster;
mod settings;
mod supervise;
#[cfg(test)]
mod tests;
mod tether;

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

pub use self::address::{Address, Role};
use self::layout::Layout;

/// The name of the database that the supervisor makes.
pub const DATABASE: &str = "journeylift";

/// Where the embedded Postgres lives and how it is run.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// The service's data directory; made when absent.
    pub data_dir: PathBuf,
    /// The folder of `initdb`, `postgres` and `pg_ctl`. `None`: `JOURNEYLIFT_PG_BIN`, else where systems install them.
    pub bin_dir: Option<PathBuf>,
    /// Whether a commit waits for the disk. Only a throw-away server may say `false`: an outage can then destroy it.
    pub fsync: bool,
    /// The server and its files go away with this process, however the process ends. For tests.
    pub temporary: bool,
    /// The most connections at once.
    pub max_connections: u16,
    /// Memory for pages, in MiB. `None`: an eighth of the machine's memory, within 128 MiB to 2 GiB.
    pub shared_buffers_mib: Option<u64>,
    /// More lines of configuration, `(name, value)`, written after ours.
    pub settings: Vec<(String, String)>,
    /// How long a start may take, replaying the log after a crash included.
    pub start_timeout: Duration,
    /// How long `stop` waits for the closing checkpoint; after that it goes on without us.
    pub stop_timeout: Duration,
}

impl EmbeddedOptions {
    /// The durable defaults for a data directory.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            bin_dir: None,
            fsync: true,
            temporary: false,
            max_connections: 200,
            shared_buffers_mib: None,
            settings: Vec::new(),
            start_timeout: Duration::from_mins(10),
            stop_timeout: Duration::from_secs(5),
        }
    }
}

/// A running embedded Postgres, which this process supervises or shares with the process that does.
///
/// The supervisor is a thread of its own, so it outlives whichever runtime called [`Embedded::start`].
#[derive(Debug)]
pub struct Embedded {
    address: Address,
    stop: CancellationToken,
    done: Option<oneshot::Receiver<anyhow::Result<()>>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts, adopts or joins the server of a data directory, and returns when every role can connect.
    ///
    /// The first start makes the cluster, the roles and the empty database [`DATABASE`].
    pub async fn start(options: &EmbeddedOptions) -> anyhow::Result<Self> {
        let (ready_tx, ready_rx) = oneshot::channel();
        let (done_tx, done_rx) = oneshot::channel();
        let stop = CancellationToken::new();
        let thread = {
            let (options, stop) = (options.clone(), stop.clone());
            std::thread::Builder::new()
                .name("postgres".into())
                .spawn(move || {
                    let outcome = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                        Ok(runtime) => runtime.block_on(supervise::run(&options, &stop, ready_tx)),
                        Err(error) => Err(error.into()),
                    };
                    // Nobody listens any more when the owner was dropped without `stop`.
                    let _ = done_tx.send(outcome);
                })
                .context("no thread for the supervisor of Postgres")?
        };
        // Whoever stops waiting for the start (a dropped future) must not leave a server behind.
        let guard = stop.clone().drop_guard();
        let Ok(address) = ready_rx.await else {
            done_rx.await.context("the supervisor of Postgres ended unexpectedly")??;
            anyhow::bail!("the supervisor of Postgres ended before the server was ready");
        };
        guard.disarm();
        Ok(Self { address, stop, done: Some(done_rx), thread: Some(thread) })
    }

    /// The connection URL of a role to the database [`DATABASE`]. It contains a password: never log it.
    #[must_use]
    pub fn url(&self, role: Role) -> String {
        self.address.url(role)
    }

    /// Where the server listens, for other databases on it.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Stops the server if this process supervises it, waiting for its closing checkpoint at most the configured time.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        let outcome = match self.done.take() {
            Some(done) => done.await.context("the supervisor of Postgres ended unexpectedly")?,
            None => Ok(()),
        };
        self.join();
        outcome
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the supervisor of Postgres panicked");
        }
    }
}

impl Drop for Embedded {
    /// Without [`Embedded::stop`] the server is stopped all the same, and this thread waits for it.
    fn drop(&mut self) {
        self.stop.cancel();
        self.join();
    }
}

/// Finds the embedded Postgres that a running process keeps in `data_dir`.
///
/// `None` when the directory holds none, or none that answers. An error when it may not be read by this account.
pub async fn find(data_dir: &Path) -> anyhow::Result<Option<Address>> {
    let Some(layout) = Layout::existing(data_dir)? else { return Ok(None) };
    let Some(address) = Address::read(&layout)? else { return Ok(None) };
    Ok(bootstrap::answers(&address).await.then_some(address))
}

/// Says which of the installed PostgreSQL programs would serve a data directory, or what is missing and the remedy.
pub fn programs(data_dir: &Path, bin_dir: Option<&Path>) -> anyhow::Result<String> {
    let made_by = Layout::existing(data_dir)?.and_then(|layout| layout.cluster_major());
    binaries::Binaries::find(bin_dir, made_by).map(|binaries| binaries.to_string())
}

/// Whether a data directory holds a cluster, running or not.
pub fn is_made(data_dir: &Path) -> anyhow::Result<bool> {
    Ok(Layout::existing(data_dir)?.is_some_and(|layout| layout.cluster_major().is_some()))
}
