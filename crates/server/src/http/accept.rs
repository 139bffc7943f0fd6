//! Who is let in? The accept loop, the cap on connections, and the end of it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::connection::Shared;
use super::refusal;

/// Open files that are not connections of clients: the database's, the log, and some to spare.
const OTHER_FILES: usize = 128;
/// How many clients without room are told so at once; more are hung up on.
const REFUSALS: usize = 256;

/// How connections are taken.
#[derive(Debug, Clone)]
pub(crate) struct FrontOptions {
    pub(crate) max_connections: usize,
    pub(crate) header_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) body_stall_timeout: Duration,
}

/// The listening front. Until it is given routes it answers that the service is starting.
#[derive(Debug)]
pub(crate) struct Front {
    address: SocketAddr,
    shared: Arc<Shared>,
    connections: TaskTracker,
    /// Ends the accept loop, also when a start is given up.
    closing: DropGuard,
    accepting: JoinHandle<()>,
}

impl Front {
    /// Listens at `address` (`HOST:PORT`) and begins to answer.
    pub(crate) async fn listen(
        address: &str,
        options: FrontOptions,
        stopping: Arc<AtomicBool>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| match address.parse::<SocketAddr>() {
            Ok(_) => format!("cannot listen at {address}; choose another address in JOURNEYLIFT_LISTEN"),
            Err(_) => format!("cannot listen at {address:?}; JOURNEYLIFT_LISTEN is HOST:PORT, such as 127.0.0.1:8080"),
        })?;
        let address = listener.local_addr().context("the listening socket has no address")?;
        let room = room(options.max_connections, open_files());
        if room < options.max_connections {
            tracing::warn!(
                connections = room,
                wanted = options.max_connections,
                "the limit of open files allows fewer connections; raise it (ulimit -n, LimitNOFILE=)"
            );
        }
        let shared = Arc::new(Shared {
            routes: RwLock::new(None),
            stopping,
            draining: CancellationToken::new(),
            cut: CancellationToken::new(),
            header_timeout: options.header_timeout,
            idle_timeout: options.idle_timeout,
            write_timeout: options.write_timeout,
            body_stall_timeout: options.body_stall_timeout,
        });
        let (connections, closing) = (TaskTracker::new(), CancellationToken::new());
        let doorman = Doorman {
            shared: shared.clone(),
            connections: connections.clone(),
            room: Arc::new(Semaphore::new(room)),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
        };
        let accepting = tokio::spawn(doorman.run(listener, closing.clone()));
        Ok(Self { address, shared, connections, closing: closing.drop_guard(), accepting })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on requests go to these routes.
    pub(crate) fn open(&self, routes: Router) {
        *self.shared.routes.write().unwrap_or_else(PoisonError::into_inner) = Some(routes);
    }

    /// Accepts no more, lets requests end that have begun, and cuts off what is left after `patience`.
    pub(crate) async fn close(self, patience: Duration) {
        drop(self.closing);
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the accept loop ended badly");
        }
        self.connections.close();
        self.shared.draining.cancel();
        if tokio::time::timeout(patience, self.connections.wait()).await.is_err() {
            tracing::warn!(connections = self.connections.len(), "cutting off connections that do not end");
            self.shared.cut.cancel();
            self.connections.wait().await;
        }
    }
}

/// Stands at the door.
struct Doorman {
    shared: Arc<Shared>,
    connections: TaskTracker,
    room: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

impl Doorman {
    async fn run(self, listener: TcpListener, closing: CancellationToken) {
        loop {
            tokio::select! {
                accepted = listener.accept() => self.accepted(accepted).await,
                () = closing.cancelled() => break,
            }
        }
        // Clients that the system has let in already must not find a closed door.
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, _)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.let_in(stream);
            }
        }
    }

    async fn accepted(&self, accepted: std::io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((stream, _)) => self.let_in(stream),
            // It hung up while it waited.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => {}
            Err(error) => {
                // Most likely no file is left; connections end and give theirs back.
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    fn let_in(&self, stream: TcpStream) {
        if let Ok(place) = self.room.clone().try_acquire_owned() {
            let served = self.shared.clone().serve(stream);
            self.connections.spawn(async move {
                served.await;
                drop(place);
            });
        } else if let Ok(place) = self.refusals.clone().try_acquire_owned() {
            self.connections.spawn(async move {
                refusal::no_room(stream).await;
                drop(place);
            });
        }
        // Else both are full, and dropping the socket hangs up.
    }
}

/// How many connections there is room for, when the system allows so many open files.
fn room(wanted: usize, files: Option<usize>) -> usize {
    let possible = files.map_or(usize::MAX, |files| files.saturating_sub(OTHER_FILES + REFUSALS).max(16));
    wanted.min(possible)
}

/// How many files this process may have open; `None` where the system does not tell.
fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_connections_than_files() {
        assert_eq!(room(2_000, Some(1_048_576)), 2_000);
        assert_eq!(room(2_000, Some(1_024)), 640);
        assert_eq!(room(2_000, Some(64)), 16);
        assert_eq!(room(2_000, None), 2_000);
    }
}
