//! Who keeps the server running? The life of the supervisor: take the lock or be a guest, start, watch, start again, stop.

use std::fs::File;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::account::Account;
use super::address::Address;
use super::binaries::Binaries;
use super::cluster;
use super::layout::Layout;
use super::postmaster::{Postmaster, last_words};
use super::tether::Tether;
use super::{EmbeddedOptions, bootstrap, settings};

/// How often we look while something is about to happen.
const SOON: Duration = Duration::from_millis(25);
/// How often a guest looks whether the lock became free.
const SOMETIMES: Duration = Duration::from_millis(500);
/// The longest pause between two attempts to start a server that keeps dying.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the last backends of a killed server may keep its shared memory, and thereby a new server away.
const REMNANTS: Duration = Duration::from_secs(30);

/// Runs until `stop`. Sends the address once every role can connect; returns an error when that never happens.
pub(super) async fn run(
    options: &EmbeddedOptions,
    stop: &CancellationToken,
    ready: oneshot::Sender<Address>,
) -> anyhow::Result<()> {
    let layout = Layout::create(&options.data_dir)?;
    let tether = if options.temporary { Some(Tether::new(&layout)?) } else { None };
    let outcome = supervise_or_visit(options, &layout, stop, ready).await;
    if let Some(tether) = tether {
        tether.cut().await?;
    }
    outcome
}

async fn supervise_or_visit(
    options: &EmbeddedOptions,
    layout: &Layout,
    stop: &CancellationToken,
    ready: oneshot::Sender<Address>,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + options.start_timeout;
    loop {
        if let Some(lock) = layout.try_lock()? {
            let mut keeper = Keeper::new(options, layout.clone(), lock).await?;
            let started = tokio::select! {
                started = tokio::time::timeout_at(deadline, keeper.start()) => started,
                () = stop.cancelled() => return keeper.stop().await,
            };
            if let Err(error) = started.with_context(|| late(options)).flatten() {
                keeper.stop().await?;
                return Err(error);
            }
            // The owner may be gone already; then `stop` says so, too.
            let _ = ready.send(keeper.address.clone());
            return keeper.watch(stop).await;
        }
        if let Some(address) = Address::read(layout)?
            && bootstrap::answers(&address).await
        {
            tracing::info!("another process supervises the embedded Postgres of this data directory; sharing it");
            let _ = ready.send(address);
            return visit(options, layout, stop).await;
        }
        if Instant::now() >= deadline {
            bail!(
                "another process holds {} and its Postgres does not answer; {}",
                layout.root().display(),
                late(options)
            );
        }
        if stop.run_until_cancelled(sleep(SOON)).await.is_none() {
            return Ok(());
        }
    }
}

/// The life of a guest: when the supervisor is gone, take its place.
async fn visit(options: &EmbeddedOptions, layout: &Layout, stop: &CancellationToken) -> anyhow::Result<()> {
    while stop.run_until_cancelled(sleep(SOMETIMES)).await.is_some() {
        let Some(lock) = layout.try_lock()? else { continue };
        tracing::info!("the process that supervised the embedded Postgres is gone; taking its place");
        match Keeper::new(options, layout.clone(), lock).await {
            Ok(mut keeper) => {
                if !keeper.start_until_it_works(stop).await {
                    return keeper.stop().await;
                }
                return keeper.watch(stop).await;
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the embedded Postgres cannot be supervised");
            }
        }
    }
    Ok(())
}

fn late(options: &EmbeddedOptions) -> String {
    format!("the embedded Postgres was not ready within {} s", options.start_timeout.as_secs())
}

/// The process that holds the lock, and the server that it keeps.
struct Keeper<'a> {
    options: &'a EmbeddedOptions,
    layout: Layout,
    account: Account,
    binaries: Binaries,
    address: Address,
    postmaster: Option<Postmaster>,
    /// Released when we end; a server never inherits it.
    _lock: File,
}

impl<'a> Keeper<'a> {
    /// Finds the programs and the account, and makes the cluster where there is none.
    async fn new(options: &'a EmbeddedOptions, layout: Layout, lock: File) -> anyhow::Result<Self> {
        let binaries = Binaries::find(options.bin_dir.as_deref(), layout.cluster_major())?;
        let account = Account::choose(&layout).await?;
        layout.make_home(&account).await?;
        let address = cluster::ensure(&layout, &account, &binaries, options).await?;
        Ok(Self { options, layout, account, binaries, address, postmaster: None, _lock: lock })
    }

    /// Brings the server to where every role can connect, by adopting the one that runs or starting one.
    async fn start(&mut self) -> anyhow::Result<()> {
        let patience = Instant::now() + REMNANTS;
        loop {
            let (postmaster, adopted) = match Postmaster::left_behind(&self.layout)? {
                Some(running) => (running, true),
                None => (self.spawn()?, false),
            };
            let postmaster = self.postmaster.insert(postmaster);
            if await_ready(postmaster, &self.layout).await {
                settings::write(&self.layout, self.options, self.address.socket_directory())?;
                bootstrap::ensure(&self.address, &self.layout).await?;
                tracing::info!(pid = postmaster.pid(), adopted, "the embedded Postgres is ready");
                return Ok(());
            }
            self.postmaster = None;
            if adopted {
                // It was about to end, and now it has.
                continue;
            }
            let words = last_words(&self.layout);
            let remnants = words.contains("shared memory block") || words.contains("lock file");
            if !remnants || Instant::now() >= patience {
                bail!("the embedded Postgres in {} does not start. It says:\n{words}", self.layout.root().display());
            }
            sleep(4 * SOON).await;
        }
    }

    fn spawn(&mut self) -> anyhow::Result<Postmaster> {
        let known = self.address.socket_directory();
        let directory = self.layout.socket_directory(Some(known), &self.account)?;
        if directory != known {
            // The data directory was moved, or somebody took our place in a common directory.
            self.address = self.address.moved_to(directory);
            self.address.write(&self.layout)?;
        }
        settings::write(&self.layout, self.options, self.address.socket_directory())?;
        Postmaster::spawn(&self.layout, &self.account, &self.binaries)
    }

    /// Watches the server, and starts it again whenever it ends without having been told to.
    async fn watch(mut self, stop: &CancellationToken) -> anyhow::Result<()> {
        while let Some(postmaster) = &mut self.postmaster {
            tokio::select! {
                () = stop.cancelled() => break,
                how = postmaster.ended() => {
                    tracing::error!(how, "the embedded Postgres ended unexpectedly; starting it again");
                    if !self.start_until_it_works(stop).await {
                        break;
                    }
                }
            }
        }
        self.stop().await
    }

    /// Tries to start the server until it works (true) or we are told to stop (false).
    async fn start_until_it_works(&mut self, stop: &CancellationToken) -> bool {
        let mut pause = 4 * SOON;
        loop {
            match stop.run_until_cancelled(self.start()).await {
                None => return false,
                Some(Ok(())) => return true,
                Some(Err(error)) => {
                    tracing::error!(error = format!("{error:#}"), "the embedded Postgres could not be started again");
                }
            }
            if stop.run_until_cancelled(sleep(pause)).await.is_none() {
                return false;
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        match self.postmaster.take() {
            Some(mut postmaster) => {
                postmaster.stop(&self.layout, &self.account, &self.binaries, self.options.stop_timeout).await?;
                if postmaster.has_ended() {
                    self.layout.remove_socket_directory(self.address.socket_directory());
                }
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// Waits until the server accepts connections (true) or has ended (false). Replaying a long log takes its time, so there
/// is no other limit than the caller's.
async fn await_ready(postmaster: &mut Postmaster, layout: &Layout) -> bool {
    let (mut waiting_since, note_every) = (Instant::now(), Duration::from_secs(10));
    loop {
        if postmaster.has_ended() {
            return false;
        }
        if postmaster.says_ready(layout) {
            return true;
        }
        if waiting_since.elapsed() >= note_every {
            waiting_since = Instant::now();
            tracing::info!("waiting for the embedded Postgres, which is replaying its log or ending");
        }
        sleep(SOON).await;
    }
}
