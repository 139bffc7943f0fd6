//! Being told to stop: the first signal begins it, the second ends it at once.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop a service.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on the signals do not end the process by themselves.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?,
            terminate: signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?,
        })
    }

    /// Waits for the next one, and says its number.
    pub async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
        }
    }

    /// From now on the next one ends the process at once; an embedded Postgres is found again at the next start.
    pub fn end_at_once(mut self) {
        tokio::spawn(async move {
            let number = self.next().await;
            tracing::warn!("told again to stop: ending at once");
            std::process::exit(128 + number);
        });
    }
}
