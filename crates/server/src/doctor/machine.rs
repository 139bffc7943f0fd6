//! The machine: its programs, its clock, its disk.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::Finding;
use crate::clock::Clock;
use crate::config::DatabaseArgs;
use crate::postgres;

/// Below this the embedded Postgres may run full between two looks.
const ENOUGH_MIB: u64 = 1024;
/// A clock that shows an earlier time than this, 2026-11-01, was never set: the program did not exist then.
const EARLIEST: i64 = 1_793_491_200_000_000;

/// Are PostgreSQL's programs there, in a version that can serve the data directory?
pub(super) fn programs(args: &DatabaseArgs) -> Finding {
    match postgres::programs(&args.data_dir, args.pg_bin.as_deref()) {
        Ok(found) => Finding::ok("programs", found),
        Err(error) => Finding::failed(
            "programs",
            format!("{error:#}"),
            "install PostgreSQL's programs as the message says, or set DATABASE_URL to a server of your own",
        ),
    }
}

/// Does the clock show a time at all? Experiments, windows and keys go by it.
pub(super) fn clock(clock: &Clock) -> Finding {
    let now = clock();
    if now.micros() < EARLIEST {
        let message = format!("the clock of this machine shows {now}, which has long passed");
        return Finding::failed(
            "clock",
            message,
            "set the clock, and keep it right with NTP (`timedatectl set-ntp true`)",
        );
    }
    Finding::ok("clock", format!("it is {now}"))
}

/// Can the data directory be written?
pub(super) async fn directory(args: &DatabaseArgs) -> Finding {
    let directory = &args.data_dir;
    let place = existing(directory);
    let probe = place.join(format!(".journeylift-doctor-{}", std::process::id()));
    let written = tokio::fs::write(&probe, b"").await;
    // What could not be written need not be removed.
    let _ = tokio::fs::remove_file(&probe).await;
    match written {
        Ok(()) => Finding::ok("data_directory", format!("{} can be written", directory.display())),
        Err(error) => Finding::failed(
            "data_directory",
            format!("{} cannot be written: {error}", place.display()),
            "run this as the account that runs the service, or name another directory in JOURNEYLIFT_DATA_DIR",
        ),
    }
}

/// Is there room on the disk of the data directory?
pub(super) async fn space(args: &DatabaseArgs) -> Finding {
    let place = existing(&args.data_dir);
    let Some(free) = free_mib(&place).await else {
        return Finding::skipped(
            "disk_space",
            format!("the command `df` does not tell the space of {}", place.display()),
        );
    };
    let message = format!("{free} MiB are free on the disk of {}", place.display());
    if free < ENOUGH_MIB {
        let remedy = format!("free at least {ENOUGH_MIB} MiB there: without space events are answered 503");
        return Finding::failed("disk_space", message, remedy);
    }
    Finding::ok("disk_space", message)
}

/// The directory, or the nearest one above it that exists.
fn existing(directory: &Path) -> PathBuf {
    directory.ancestors().find(|place| place.is_dir()).unwrap_or(Path::new(".")).to_path_buf()
}

async fn free_mib(place: &Path) -> Option<u64> {
    let output = Command::new("df")
        .arg("-Pk")
        .arg(place)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await
        .ok()?;
    available_kib(&String::from_utf8_lossy(&output.stdout)).map(|kib| kib / 1024)
}

/// The fourth column of the second line of `df -Pk`.
fn available_kib(text: &str) -> Option<u64> {
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_free_space_is_read() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 102400 2048 100352 2% /\n";
        assert_eq!(available_kib(text), Some(100_352));
        assert_eq!(available_kib("df: /nowhere: No such file or directory\n"), None);
    }

    #[test]
    fn a_clock_that_was_never_set_is_noticed() {
        let at = |text| {
            let instant = journey::Instant::parse(text, "").unwrap();
            clock(&(Arc::new(move || instant) as Clock)).status
        };
        assert_eq!(at("1970-01-01T00:02:00Z"), super::super::Status::Failed);
        assert_eq!(at("2026-11-01T00:00:00Z"), super::super::Status::Ok);
    }
}
