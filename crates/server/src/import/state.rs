//! The progress file: how far an import has come, so that the next run goes on from there.
//!
//! It only saves time. Whatever is sent again counts once, because every line has an event id that does not change.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::batch::Mark;

/// What the progress file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// What is imported, to where and how; another import does not go on from here.
    pub(crate) job: String,
    /// The records that are done, counted from the beginning.
    pub(crate) records: u64,
    /// The digest of those records: another content does not go on from here.
    pub(crate) digest: String,
    /// Whether the input was done to its end.
    pub(crate) complete: bool,
    /// New events.
    pub(crate) accepted: u64,
    /// Events that were there before.
    pub(crate) duplicates: u64,
    /// Lines that were refused.
    pub(crate) rejected: u64,
}

/// Where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct From {
    /// The records to pass over.
    pub(crate) records: u64,
    /// What they must digest to.
    pub(crate) digest: u64,
}

impl State {
    /// The state of a job that has not begun.
    pub(crate) fn begin(job: &str) -> Self {
        let digest = format!("{:016x}", super::reader::DIGEST_START);
        Self { job: job.to_owned(), records: 0, digest, complete: false, accepted: 0, duplicates: 0, rejected: 0 }
    }

    /// Goes on from a stored state with the same job; a finished one of another job is forgotten.
    pub(crate) fn resume(stored: Option<Self>, job: &str, file: &Path) -> anyhow::Result<(Self, From)> {
        let Some(mut state) = stored.filter(|state| state.job == job || !state.is_over()) else {
            return Ok((Self::begin(job), From::default()));
        };
        anyhow::ensure!(
            state.job == job,
            "{} belongs to an import with other options that was not finished: repeat that one, or give this one \
             --restart or a progress file of its own with --resume",
            file.display()
        );
        if state.complete {
            // What came of the lines before was reported then; new lines at the end are counted anew.
            state = Self { complete: false, accepted: 0, duplicates: 0, rejected: 0, ..state };
        }
        let digest = u64::from_str_radix(&state.digest, 16).context("the progress file is damaged: use --restart")?;
        let from = From { records: state.records, digest };
        Ok((state, from))
    }

    /// Whether there is nothing to go on with: it was done to its end, or nothing of it was done.
    fn is_over(&self) -> bool {
        self.complete || self.records == 0
    }

    /// Moves on to the end of a batch.
    pub(crate) fn advance(&mut self, end: Mark) {
        self.records = end.records;
        self.digest = format!("{:016x}", end.digest);
    }

    /// Reads a progress file, if it is there.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Option<Self>> {
        match std::fs::read(file) {
            Ok(bytes) => {
                let state = serde_json::from_slice(&bytes)
                    .with_context(|| format!("{} is no progress file: use --restart to replace it", file.display()))?;
                Ok(Some(state))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// Replaces the progress file; a crash leaves the old one or the new one.
    pub(crate) fn save(&self, file: &Path) -> anyhow::Result<()> {
        let mut part = file.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let write = || -> std::io::Result<()> {
            let mut out = std::fs::File::create(&part)?;
            serde_json::to_writer(&mut out, self)?;
            out.write_all(b"\n")?;
            std::fs::rename(&part, file)
        };
        write().with_context(|| format!("cannot write {} (name another place with --resume)", file.display()))
    }
}

/// The progress file beside an input; the standard input has none.
pub(crate) fn beside(input: &Path) -> Option<PathBuf> {
    if input == Path::new("-") {
        return None;
    }
    let name = input.file_name()?.to_string_lossy();
    Some(input.with_file_name(format!(".{name}.journeylift-progress")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(job: &str, complete: bool) -> State {
        State { records: 5, digest: "00000000000000ff".into(), complete, accepted: 3, rejected: 2, ..State::begin(job) }
    }

    #[test]
    fn an_interrupted_import_goes_on_with_its_counts() {
        let (resumed, from) = State::resume(Some(state("a", false)), "a", Path::new("f")).unwrap();
        assert_eq!((resumed.accepted, resumed.rejected), (3, 2));
        assert_eq!(from, From { records: 5, digest: 255 });
    }

    #[test]
    fn a_finished_import_looks_for_new_lines_only() {
        let (resumed, from) = State::resume(Some(state("a", true)), "a", Path::new("f")).unwrap();
        assert_eq!((resumed.accepted, resumed.rejected, resumed.complete, from.records), (0, 0, false, 5));
    }

    #[test]
    fn another_import_never_goes_on() {
        assert!(State::resume(Some(state("b", false)), "a", Path::new("f")).is_err());
        for over in [state("b", true), State::begin("b")] {
            let (fresh, from) = State::resume(Some(over), "a", Path::new("f")).unwrap();
            assert_eq!((fresh, from), (State::begin("a"), From::default()));
        }
    }

    #[test]
    fn the_file_is_read_as_it_was_written() {
        let file = std::env::temp_dir().join(format!("journeylift-progress-{}", std::process::id()));
        assert_eq!(State::load(&file).unwrap(), None);
        state("a", false).save(&file).unwrap();
        assert_eq!(State::load(&file).unwrap(), Some(state("a", false)));
        std::fs::write(&file, "x").unwrap();
        assert!(State::load(&file).is_err());
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn the_progress_file_stands_beside_the_input() {
        assert_eq!(beside(Path::new("/d/orders.csv.gz")), Some("/d/.orders.csv.gz.journeylift-progress".into()));
        assert_eq!(beside(Path::new("-")), None);
    }
}
