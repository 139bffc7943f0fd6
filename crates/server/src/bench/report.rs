//! The results: a table for the terminal, the same as Markdown for the file.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;

/// One line of the results.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    /// What was measured.
    pub(super) what: String,
    /// The service's figure.
    pub(super) figure: String,
    /// What it is measured against; empty: nothing.
    pub(super) against: String,
    /// How many times as good the service is.
    pub(super) ratio: Option<f64>,
    /// What is aimed at, and whether that was reached here.
    pub(super) target: Option<(String, bool)>,
}

impl Line {
    pub(super) fn new(what: &str, figure: String) -> Self {
        Self { what: what.to_owned(), figure, against: String::new(), ratio: None, target: None }
    }

    pub(super) fn against(mut self, against: String, ratio: f64) -> Self {
        (self.against, self.ratio) = (against, Some(ratio));
        self
    }

    /// It would be measured against something that is not there.
    pub(super) fn without(mut self, what: &str, reason: &str) -> Self {
        self.against = format!("{what} was left out: {reason}");
        self
    }

    /// What is aimed at, and whether that was reached.
    pub(super) fn target(mut self, target: &str, holds: bool) -> Self {
        self.target = Some((target.to_owned(), holds));
        self
    }

    /// The ratio is to be at least this.
    pub(super) fn at_least(self, ratio: f64) -> Self {
        let holds = self.ratio.is_some_and(|found| found >= ratio);
        self.target(&format!(">= {ratio}x"), holds)
    }

    fn cells(&self) -> [String; 6] {
        let ratio = self.ratio.map_or(String::new(), |ratio| {
            if ratio >= 100.0 { format!("{ratio:.0}x") } else { format!("{ratio:.2}x") }
        });
        let (target, holds) = self
            .target
            .clone()
            .map_or((String::new(), ""), |(target, holds)| (target, if holds { "yes" } else { "**no**" }));
        [self.what.clone(), self.figure.clone(), self.against.clone(), ratio, target, holds.to_owned()]
    }
}

const HEADINGS: [&str; 6] = ["what", "Journeylift", "against", "ratio", "target", "holds"];

/// All that a run found.
#[derive(Debug, Serialize)]
pub(super) struct Results {
    /// On what, and with which sizes.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) lines: Vec<Line>,
    /// What was compared in the end, and with what outcome.
    pub(super) verified: String,
}

impl Results {
    /// The table for the terminal.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(HEADINGS);
        for line in &self.lines {
            let [what, figure, against, ratio, target, holds] = line.cells();
            let ratio = Cell::new(ratio).set_alignment(CellAlignment::Right);
            let [what, figure, against] = [what, figure, against].map(Cell::new);
            table.add_row([what, figure, against, ratio, Cell::new(target), Cell::new(holds)]);
        }
        format!("{table}\n{}", self.verified)
    }

    /// Writes the file.
    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let mut text = String::from(
            "# Results of the benchmark\n\nWritten by `journeylift bench` (`make bench`); each run replaces it. Client, service and \
             Postgres share the machine. Every ratio was taken within this run: above 1, Journeylift is the better one. \
             A run that is scaled down says less about the targets, which are meant for ten million events.\n\n| | |\n|---|---|\n",
        );
        // Writing to a String cannot fail.
        for (name, fact) in &self.facts {
            let _ = writeln!(text, "| {name} | {fact} |");
        }
        let _ = writeln!(text, "\n| {} |\n|---|---|---|---:|---|---|", HEADINGS.join(" | "));
        for line in &self.lines {
            let _ = writeln!(text, "| {} |", line.cells().join(" | "));
        }
        let _ = writeln!(text, "\n{}", self.verified);
        text.push_str(NOTES);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
    }
}

const NOTES: &str = "
What was measured how, and how to read it, stands in `docs/performance.md`.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_the_table_says() {
        let results = Results {
            facts: vec![("cores", "2".into())],
            lines: vec![
                Line::new("ingest", "10 rows/s".into()).against("5 rows/s, COPY".into(), 2.0).at_least(3.0),
                Line::new("backlog", "1 s".into()).target("<= 2 s", true),
            ],
            verified: "all equal".into(),
        };
        let file = std::env::temp_dir().join(format!("journeylift-bench-{}", std::process::id())).join("results.md");
        results.write(&file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
        for line in [
            "| cores | 2 |",
            "| ingest | 10 rows/s | 5 rows/s, COPY | 2.00x | >= 3x | **no** |",
            "| backlog | 1 s |  |  | <= 2 s | yes |",
            "all equal",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(results.table().contains("2.00x"));
    }
}
