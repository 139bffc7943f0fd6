//! The service as a process of its own: started like anyone starts it, so that its memory and its start are its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::process::{Child, Command};

use super::client::{self, Connection};

/// How it is started.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) operator_key: String,
    pub(super) service_url: String,
    pub(super) owner_url: String,
    /// Whether it packs events.
    pub(super) packs: bool,
    /// Where its log and the file with its address go.
    pub(super) folder: PathBuf,
}

/// A running service.
#[derive(Debug)]
pub(super) struct Served {
    child: Child,
    settings: Settings,
    pub(super) address: SocketAddr,
}

/// What a process holds in memory, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    pub(super) now: u64,
    /// The most that it ever was.
    pub(super) peak: u64,
}

impl Served {
    /// Starts the service of this very program, and returns when it is ready, with the time that this took.
    ///
    /// `background`: whether it measures by itself, as it does unless it is told otherwise.
    pub(super) async fn start(settings: &Settings, background: bool) -> anyhow::Result<(Self, Duration)> {
        let folder = &settings.folder;
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let (ready, log) = (folder.join("address"), folder.join("service.log"));
        // That of an earlier service, which did not stop in order.
        let _ = std::fs::remove_file(&ready);
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("serve")
            .env("JOURNEYLIFT_LISTEN", "127.0.0.1:0")
            .env("JOURNEYLIFT_OPERATOR_KEY", &settings.operator_key)
            .env("DATABASE_URL", &settings.service_url)
            .env("JOURNEYLIFT_OWNER_DATABASE_URL", &settings.owner_url)
            .env("JOURNEYLIFT_READY_FILE", &ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::OpenOptions::new().create(true).append(true).open(&log)?)
            .kill_on_drop(true);
        if settings.packs {
            command.arg("--pack-events");
        }
        if !background {
            command.arg("--no-background");
        }
        let begun = Instant::now();
        let mut child = command.spawn().context("the service cannot be started")?;
        let address = loop {
            if let Some(status) = child.try_wait()? {
                bail!("the service ended with {status}:\n{}", last_lines(&log));
            }
            if let Some(address) = read_address(&ready) {
                break address;
            }
            ensure!(begun.elapsed() < Duration::from_mins(2), "the service is not ready:\n{}", last_lines(&log));
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let mut connection = Connection::open(address).await?;
        let status = connection.exchange(&client::get("/readyz", "")).await?.status;
        ensure!(status == 200, "the service says that it is ready, and /readyz {status}");
        let took = begun.elapsed();
        Ok((Self { child, settings: settings.clone(), address }, took))
    }

    /// Stops it in order and starts it again.
    pub(super) async fn restart(&mut self, background: bool) -> anyhow::Result<Duration> {
        self.stop().await?;
        let (served, took) = Self::start(&self.settings, background).await?;
        *self = served;
        Ok(took)
    }

    /// Stops it in order.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(id) = self.child.id() else { return Ok(()) };
        // Signals other than that which ends at once need a system call, which this program leaves to the shell.
        let told = Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &id.to_string()]).status().await?;
        ensure!(told.success(), "the service cannot be told to stop");
        let status = self.child.wait().await?;
        ensure!(status.success(), "the service ended with {status}:\n{}", last_lines(&self.log()));
        Ok(())
    }

    /// Its number among the processes.
    pub(super) fn id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// What it holds in memory.
    pub(super) fn memory(&self) -> anyhow::Result<Memory> {
        let file = format!("/proc/{}/status", self.id());
        let text = std::fs::read_to_string(&file).with_context(|| format!("{file} cannot be read"))?;
        let find = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
        };
        let missing = || format!("{file} does not say how much memory there is");
        Ok(Memory { now: find("VmRSS:").with_context(missing)?, peak: find("VmHWM:").with_context(missing)? })
    }

    fn log(&self) -> PathBuf {
        self.settings.folder.join("service.log")
    }
}

/// The address in a file like `http://127.0.0.1:8080`, once it is there.
fn read_address(file: &Path) -> Option<SocketAddr> {
    std::fs::read_to_string(file).ok()?.trim().strip_prefix("http://")?.parse().ok()
}

fn last_lines(file: &Path) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_once_it_is_there() {
        let folder = std::env::temp_dir().join(format!("journeylift-served-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("address");
        assert_eq!(read_address(&file), None);
        std::fs::write(&file, "http://127.0.0.1:81\n").unwrap();
        assert_eq!(read_address(&file), Some(SocketAddr::from(([127, 0, 0, 1], 81))));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
