//! `journeylift serve`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::output::Output;
use crate::config::ServeArgs;
use crate::{Service, Signals};

/// How the service is run by the command line.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Write the address into this file once the service is ready; it is removed when the service stops
    #[arg(long, env = "JOURNEYLIFT_READY_FILE", value_name = "FILE")]
    ready_file: Option<PathBuf>,

    #[command(flatten)]
    serve: ServeArgs,
}

impl Arguments {
    pub(super) async fn run(self, output: &Output) -> anyhow::Result<()> {
        let mut signals = Signals::listen()?;
        if let Some(file) = &self.ready_file {
            remove(file)?;
        }
        if self.serve.operator_key.as_ref().is_some_and(|key| key.reveal().len() < 16) {
            tracing::warn!(
                "the operator key is short and may be guessed: take a long random one (`openssl rand -hex 32`)"
            );
        }
        let service = tokio::select! {
            started = Service::start(&self.serve) => started?,
            _ = signals.next() => {
                tracing::info!("told to stop before the service was ready");
                return Ok(());
            }
        };
        let url = service.url();
        if let Some(file) = &self.ready_file {
            announce(file, &url)?;
        }
        tracing::info!(url, "ready");
        output.result(&json!({ "listening": url }), || format!("listening on {url}"))?;

        signals.next().await;
        signals.end_at_once();
        if let Some(file) = &self.ready_file {
            remove(file)?;
        }
        service.stop().await
    }
}

/// Writes the address into the file, whole or not at all.
fn announce(file: &Path, url: &str) -> anyhow::Result<()> {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, format!("{url}\n"))
        .and_then(|()| std::fs::rename(&fresh, file))
        .with_context(|| format!("{} cannot be written", file.display()))
}

/// Removes the file of this or of an earlier service.
fn remove(file: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", file.display()))
        }
        _ => Ok(()),
    }
}
