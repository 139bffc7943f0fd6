//! Is the server process alive? Spawning it, finding one that was left behind, waiting for its end, telling it to stop.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::Child;

use super::account::Account;
use super::binaries::Binaries;
use super::layout::Layout;

/// How often a process that is not our child is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// The running server process, the "postmaster".
#[derive(Debug)]
pub(super) enum Postmaster {
    /// Started by this process.
    Child(Child),
    /// Started by an earlier process, which ended without stopping it.
    Adopted(u32),
}

impl Postmaster {
    /// The server that an earlier process left running on this cluster, if there is one.
    ///
    /// The note of a process that is gone, or of another program that now has its number, is removed: a container gives
    /// the same small numbers again after each restart, and Postgres would take a thread of ours for its predecessor.
    /// Its own look at the shared memory still keeps a second server off the cluster.
    pub(super) fn left_behind(layout: &Layout) -> anyhow::Result<Option<Self>> {
        let path = layout.pid_file();
        let Some(note) = Note::read(&path) else { return Ok(None) };
        if is_postgres(note.pid) {
            return Ok(Some(Self::Adopted(note.pid)));
        }
        tracing::info!(pid = note.pid, "removing the process note of a Postgres that is gone");
        std::fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
        Ok(None)
    }

    /// Starts the server. It is not ready yet when this returns.
    pub(super) fn spawn(layout: &Layout, account: &Account, binaries: &Binaries) -> anyhow::Result<Self> {
        let path = layout.start_log();
        let log = || {
            let log = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path)?;
            Ok::<_, std::io::Error>((log.try_clone()?, log))
        };
        let (out, err) = log().with_context(|| format!("{} cannot be written", path.display()))?;
        let child = account
            .command(binaries.program("postgres"), layout)
            .arg("-D")
            .arg(layout.cluster())
            .arg("-c")
            .arg(format!("config_file={}", layout.settings_file().display()))
            .stdout(out)
            .stderr(err)
            .spawn()
            .with_context(|| format!("{} cannot be run", binaries.program("postgres").display()))?;
        Ok(Self::Child(child))
    }

    /// The number of the process; `None` once a child has ended.
    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Self::Child(child) => child.id(),
            Self::Adopted(pid) => Some(*pid),
        }
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        match self {
            // An error here means that the child cannot be waited for any more.
            Self::Child(child) => !matches!(child.try_wait(), Ok(None)),
            Self::Adopted(pid) => !is_postgres(*pid),
        }
    }

    /// Waits for its end, and says how it ended.
    pub(super) async fn ended(&mut self) -> String {
        match self {
            Self::Child(child) => match child.wait().await {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            },
            Self::Adopted(pid) => {
                while is_postgres(*pid) {
                    tokio::time::sleep(LOOK).await;
                }
                "ended".into()
            }
        }
    }

    /// Whether the server has written that it is ready for connections. Asking by connecting would fill its log with
    /// refusals while it replays.
    pub(super) fn says_ready(&self, layout: &Layout) -> bool {
        Note::read(&layout.pid_file()).is_some_and(|note| Some(note.pid) == self.pid() && note.ready)
    }

    /// Asks the server to disconnect its clients, write its closing checkpoint and end, and waits for that at most `patience`.
    ///
    /// A server that takes longer goes on by itself: cutting it short would only make the next start replay the log.
    pub(super) async fn stop(
        &mut self,
        layout: &Layout,
        account: &Account,
        binaries: &Binaries,
        patience: Duration,
    ) -> anyhow::Result<()> {
        let output = account
            .command(binaries.program("pg_ctl"), layout)
            .args(["stop", "--mode", "fast", "--no-wait", "--pgdata"])
            .arg(layout.cluster())
            .output()
            .await
            .context("pg_ctl cannot be run")?;
        if !output.status.success() && !self.has_ended() {
            bail!("pg_ctl could not stop Postgres: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        if tokio::time::timeout(patience, self.ended()).await.is_err() {
            tracing::info!("Postgres is still writing its closing checkpoint and ends by itself afterwards");
        }
        Ok(())
    }
}

/// The first and the eighth line of `postmaster.pid`, which Postgres keeps in its cluster.
#[derive(Debug, PartialEq, Eq)]
struct Note {
    pid: u32,
    ready: bool,
}

impl Note {
    fn read(path: &Path) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(path).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        Some(Self { pid, ready: lines.nth(6).is_some_and(|status| status.trim() == "ready") })
    }
}

/// Whether a process of that number runs Postgres now. A zombie does not.
fn is_postgres(pid: u32) -> bool {
    if Path::new("/proc/self/stat").exists() {
        return std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat_is_postgres(&stat));
    }
    // Systems without /proc.
    std::process::Command::new("ps")
        .args(["-o", "comm=", "-p", &pid.to_string()])
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("postgres"))
}

/// Judges a line of `/proc/PID/stat`: `PID (name) state ..`, where the name may hold spaces and brackets.
fn stat_is_postgres(stat: &str) -> bool {
    let (Some(open), Some(close)) = (stat.find('('), stat.rfind(')')) else { return false };
    let (name, state) = (&stat[open + 1..close], stat[close + 1..].trim_start().chars().next());
    matches!(name, "postgres" | "postmaster") && !matches!(state, Some('Z' | 'X') | None)
}

/// The last lines of what the server said while it started, for the message of an error.
pub(super) fn last_words(layout: &Layout) -> String {
    let newest = std::fs::read_dir(layout.log()).ok().and_then(|entries| {
        entries.flatten().filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).max()
    });
    let mut words = Vec::new();
    for path in [Some(layout.start_log()), newest.map(|(_, path)| path)].into_iter().flatten() {
        let text = std::fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        words.extend(lines[lines.len().saturating_sub(5)..].iter().map(|line| (*line).to_owned()));
    }
    words.join("\n")
}

/// Sends a signal, for the tests.
#[cfg(test)]
pub(super) fn kill(pid: u32, signal: &str) {
    let status = std::process::Command::new("sh").args(["-c", &format!("kill {signal} {pid}")]).status().unwrap();
    assert!(status.success(), "kill {signal} {pid}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_tells_the_process_and_whether_it_is_ready() {
        let text = "4711\n/data\n1700000000\n5432\n/run\n\n  1234 5\nready   \n";
        assert_eq!(Note::parse(text), Some(Note { pid: 4711, ready: true }));
        assert_eq!(Note::parse(&text.replace("ready   ", "starting")), Some(Note { pid: 4711, ready: false }));
        assert_eq!(Note::parse("4711\n/data\n"), Some(Note { pid: 4711, ready: false }));
        assert_eq!(Note::parse(""), None);
    }

    #[test]
    fn another_program_and_a_zombie_are_no_postgres() {
        assert!(stat_is_postgres("7 (postgres) S 1 7 7"));
        assert!(!stat_is_postgres("7 (postgres) Z 1 7 7"));
        assert!(!stat_is_postgres("7 (tokio-rt-worker) S 1 7 7"));
        assert!(!stat_is_postgres("7 (a) (postgres b) S 1 7 7"));
        assert!(!stat_is_postgres(""));
    }
}
