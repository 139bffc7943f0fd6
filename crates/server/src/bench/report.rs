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
}

impl Line {
    pub(super) fn new(what: &str, figure: String) -> Self {
        Self { what: what.to_owned(), figure, against: String::new(), ratio: None }
    }

    pub(super) fn against(mut self, against: String, ratio: f64) -> Self {
        (self.against, self.ratio) = (against, Some(ratio));
        self
    }

    fn cells(&self) -> [String; 4] {
        let ratio = self.ratio.map_or(String::new(), |ratio| {
            if ratio >= 100.0 { format!("{ratio:.0}x") } else { format!("{ratio:.2}x") }
        });
        [self.what.clone(), self.figure.clone(), self.against.clone(), ratio]
    }
}

const HEADINGS: [&str; 4] = ["what", "Journeylift", "against", "ratio"];

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
            let [what, figure, against, ratio] = line.cells();
            let ratio = Cell::new(ratio).set_alignment(CellAlignment::Right);
            table.add_row([Cell::new(what), Cell::new(figure), Cell::new(against), ratio]);
        }
        format!("{table}\n{}", self.verified)
    }

    /// Writes the file.
    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let mut text = String::from(
            "# Results of the benchmark\n\nWritten by `journeylift bench` (`make bench`); each run replaces it. Client, service and \
             Postgres share the machine. Every ratio was taken within this run: above 1, Journeylift is faster.\n\n| | |\n|---|---|\n",
        );
        // Writing to a String cannot fail.
        for (name, fact) in &self.facts {
            let _ = writeln!(text, "| {name} | {fact} |");
        }
        let _ = writeln!(text, "\n| {} |\n|---|---|---|---:|", HEADINGS.join(" | "));
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
## How to read it

- **Batches** are posted over HTTP to a table that holds the first part of the same journeys. The rate counts rows stored, each
  once: repetitions, which the service must find, are work that `COPY` is spared. `COPY` is one stream in one transaction of the
  same new rows in the same order into a table filled alike, while the service rests. *Plain*: the same columns, primary key and
  index. *Checked*: the checks of the service's table as well.
- **Backlog** is what was still to be measured when the last batch was acknowledged.
- **Single events** are requests of one event each. The plain handler is one of axum that parses the event, inserts it and commits;
  the loop does the same without HTTP. Both write to the checked table, which is filled like the service's, and measure nothing.
- **Lift answers** are strong and read whole; all experiments in turn. The SQL computes the same sums from the events: it joins
  exposures to orders and views, with the service's own indexes, fresh statistics, 256 MB of `work_mem`, and with the persons
  worked out beforehand, which is not in its time.
- **Freshness**: one event is posted, and when it is acknowledged the experiment is read; the answer must count exactly one person more.
- In the end every sum of every answer, those of each device too, is compared with the SQL over the events.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_the_table_says() {
        let results = Results {
            facts: vec![("cores", "2".into())],
            lines: vec![
                Line::new("ingest", "10 rows/s".into()).against("5 rows/s, COPY".into(), 2.0),
                Line::new("backlog", "1 s".into()),
            ],
            verified: "all equal".into(),
        };
        let file = std::env::temp_dir().join(format!("journeylift-bench-{}", std::process::id())).join("results.md");
        results.write(&file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
        for line in
            ["| cores | 2 |", "| ingest | 10 rows/s | 5 rows/s, COPY | 2.00x |", "| backlog | 1 s |  |  |", "all equal"]
        {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(results.table().contains("2.00x"));
    }
}
