//! Files: how fast does `journeylift import` bring them in, against `COPY` of the same rows?

use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::process::Command;

use super::course::Bench;
use super::event::{CSV_HEADER, CSV_MAPPING};
use super::ingest::{copy, fill_copied};
use super::report::Line;
use super::timing::{rate, shown, thousands};

impl Bench<'_> {
    /// A file of JSON lines and a table; `fill`: the table to copy into does not hold the events before them yet.
    pub(super) async fn imports(&mut self, lines: Range<u64>, table: Range<u64>, fill: bool) -> anyhow::Result<()> {
        if fill {
            self.say("filling the table to copy into");
            fill_copied(&self.ground, &self.tenant).await?;
        }
        self.import("JSON lines", "events.jsonl", lines).await?;
        self.import("CSV", "events.csv", table).await
    }

    async fn import(&mut self, name: &str, file: &str, range: Range<u64>) -> anyhow::Result<()> {
        let file = self.ground.folder.join(file);
        let mut out = std::io::BufWriter::new(std::fs::File::create(&file)?);
        let is_table = file.extension().is_some_and(|ending| ending == "csv");
        let mut line = Vec::new();
        if is_table {
            out.write_all(CSV_HEADER.as_bytes())?;
        }
        for position in range.clone() {
            line.clear();
            let event = self.journeys.posted(position);
            if is_table {
                event.write_csv(&mut line);
            } else {
                event.write_json(&mut line);
            }
            line.push(b'\n');
            out.write_all(&line)?;
        }
        out.into_inner()?.sync_all()?;
        let events = range.end - range.start;
        self.say(&format!("importing {} events as {name}", thousands(events as f64)));
        let before = self.ground.stored(&self.tenant).await?;
        self.ground.checkpoint().await?;
        self.begin_profile().await?;
        let took = self.run_import(&file, is_table).await?;
        let stored = self.ground.stored(&self.tenant).await? - before;
        self.stored += stored;
        self.say("waiting until they are measured");
        self.ground.measured(&self.tenant).await?;
        self.end_profile().await?;
        self.note_memory()?;
        std::fs::remove_file(&file)?;
        self.say("copying the same");
        self.ground.checkpoint().await?;
        let (rows, copying) = copy(&self.ground, &self.tenant, &self.journeys, range).await?;
        ensure!(rows == stored, "{stored} events of the file were new to the service, {rows} in fact");
        let (ours, theirs) = (rate(stored, took), rate(rows, copying));
        self.lines.push(
            Line::new(
                &format!("import of {} events as {name}", thousands(events as f64)),
                format!("{} rows/s ({} in all)", thousands(ours), shown(took)),
            )
            .against(format!("{} rows/s, COPY", thousands(theirs)), ours / theirs)
            .at_least(0.6),
        );
        Ok(())
    }

    /// From the start of the program to its end.
    async fn run_import(&self, file: &Path, is_table: bool) -> anyhow::Result<Duration> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("import")
            .arg(file)
            .arg("--resume")
            .arg(file.with_extension("progress"))
            .env("JOURNEYLIFT_URL", format!("http://{}", self.ground.service.address))
            .env("JOURNEYLIFT_KEY", self.tenant.key("ingest"))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if is_table {
            command.arg("--map").arg(CSV_MAPPING);
        }
        let begun = Instant::now();
        let output = command.output().await?;
        let took = begun.elapsed();
        ensure!(output.status.success(), "the import failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(took)
    }
}
