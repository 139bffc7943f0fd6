//! What an import says: refused lines as they come, and a summary at the end.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use super::batch::Refusal;
use super::progress::Progress;

/// The refused lines that are shown; the others are counted.
const SHOWN: u64 = 20;

/// Where refused lines go.
pub(crate) struct Refusals {
    file: Option<BufWriter<File>>,
    shown: u64,
    count: u64,
}

impl Refusals {
    /// Begins. A resumed import goes on with the file, another one replaces it.
    pub(crate) fn begin(file: Option<&Path>, resumed: bool) -> anyhow::Result<Self> {
        let file = file.map(|path| {
            let mut options = File::options();
            let options = if resumed { options.append(true) } else { options.write(true).truncate(true) };
            let file = options.create(true).open(path).with_context(|| format!("cannot write {}", path.display()))?;
            anyhow::Ok(BufWriter::new(file))
        });
        Ok(Self { file: file.transpose()?, shown: 0, count: 0 })
    }

    /// Reports lines that were refused.
    pub(crate) fn add(&mut self, refusals: &[Refusal], progress: &Progress) -> anyhow::Result<()> {
        for refusal in refusals {
            self.count += 1;
            if self.shown < SHOWN {
                self.shown += 1;
                progress.line(&shown(refusal));
            }
            if let Some(file) = &mut self.file {
                serde_json::to_writer(&mut *file, refusal)?;
                file.write_all(b"\n")?;
            }
        }
        if let Some(file) = &mut self.file {
            // Before the progress file moves on.
            file.flush()?;
        }
        Ok(())
    }

    /// Says how many lines were refused without being shown.
    pub(crate) fn end(&self, progress: &Progress) {
        if self.count > self.shown {
            let kept =
                if self.file.is_some() { "all are in the file of --rejected" } else { "--rejected FILE keeps all" };
            progress.line(&format!("and {} more lines were refused: {kept}", self.count - self.shown));
        }
    }
}

fn shown(refusal: &Refusal) -> String {
    // Many messages begin with the place themselves.
    let told = refusal.pointer.is_empty() || refusal.message.starts_with(&refusal.pointer);
    let place = if told { String::new() } else { format!("{} ", refusal.pointer) };
    format!("line {}: {place}{} ({})", refusal.line, refusal.message, refusal.code)
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// The name of the input.
    pub(crate) source: String,
    /// Records read in this run.
    pub(crate) records: u64,
    /// New events.
    pub(crate) accepted: u64,
    /// Events that were there before.
    pub(crate) duplicates: u64,
    /// Lines that were refused.
    pub(crate) rejected: u64,
    /// Lines that `--only` left out.
    pub(crate) left_out: u64,
    /// The record after which this run went on.
    pub(crate) resumed_after: u64,
    /// Whether the input was read to its end.
    pub(crate) complete: bool,
    /// Whether nothing was written.
    pub(crate) dry_run: bool,
    /// How long it took.
    pub(crate) seconds: f64,
}

impl Summary {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let (new, verb) = if self.dry_run { ("valid", "checked") } else { ("new", "imported") };
        let mut text = format!("{verb} {}: {} {new} events", self.source, self.accepted);
        let counts = [
            (self.duplicates, "that were there before"),
            (self.rejected, "lines refused"),
            (self.left_out, "lines left out"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            let _ = write!(text, ", {count} {what}");
        }
        if self.resumed_after > 0 {
            let _ = write!(text, "; went on after record {}", self.resumed_after);
        }
        if !self.complete {
            text.push_str("; interrupted: the same command goes on from here");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_matters() {
        let summary = Summary {
            source: "orders.csv".into(),
            records: 9,
            accepted: 5,
            duplicates: 2,
            rejected: 1,
            left_out: 1,
            resumed_after: 4,
            complete: false,
            dry_run: false,
            seconds: 0.5,
        };
        assert_eq!(
            summary.text(),
            "imported orders.csv: 5 new events, 2 that were there before, 1 lines refused, 1 lines left out; went on after \
             record 4; interrupted: the same command goes on from here"
        );
        let refusal = Refusal {
            line: 7,
            code: "missing_name".into(),
            pointer: "/name".into(),
            message: "is missing".into(),
            event: None,
        };
        assert_eq!(shown(&refusal), "line 7: /name is missing (missing_name)");
    }
}
