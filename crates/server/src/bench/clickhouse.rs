//! How long does `ClickHouse` take for one metric of a lift, on a table that is sorted for exactly that question?

use std::time::Instant;

use anyhow::{Context as _, ensure};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use super::client::{Connection, on_own_thread};
use super::course::Bench;
use super::journeys::WINDOW_DAYS;
use super::lifts::{Telling, read};
use super::python::{Python, seconds};
use super::report::Line;
use super::sums::units;
use super::timing::{Times, rate, shown, thousands};
use super::trials::Trial;

/// What is asked of both: the first experiments.
const ASKED: usize = 3;
/// How often the service is asked each.
const READS: usize = 200;

impl Bench<'_> {
    /// The same question to both, over the same events; the sums must be the same.
    pub(super) async fn clickhouse(&mut self) -> anyhow::Result<()> {
        let what = "lift answer, one metric";
        let python = match Python::prepare(&self.args.programs).await {
            Ok(python) => python,
            Err(reason) => {
                self.lines.push(Line::new(what, "not measured".into()).without("ClickHouse", &reason));
                return Ok(());
            }
        };
        self.say("exporting the events");
        self.work_out_persons().await?;
        let file = self.ground.folder.join("events.csv");
        self.export(&file).await?;
        self.say("asking ClickHouse");
        let trials = &self.journeys.trials()[..ASKED.min(self.journeys.trials().len())];
        let path = file.display().to_string();
        let (window, begins) = (WINDOW_DAYS * 86_400_000_000, self.journeys.begins.micros());
        let (window, begins) = (window.to_string(), begins.to_string());
        let mut arguments = vec![path.as_str(), window.as_str(), begins.as_str(), "5"];
        arguments.extend(trials.iter().map(|trial| trial.key));
        let found = python.run("clickhouse.py", &arguments).await?;
        std::fs::remove_file(&file)?;
        let (mut ours, mut theirs) = (Times::default(), Times::default());
        for trial in trials {
            let said = &found["experiments"][trial.key];
            for taken in seconds(&said["seconds"])? {
                theirs.push(std::time::Duration::from_secs_f64(taken));
            }
            let anew = |_| {
                let parameter = Telling::Anew.parameter();
                self.tenant.reading(&format!("{}?metric=revenue&{parameter}", trial.results()))
            };
            let requests: Vec<Vec<u8>> = (0..READS).map(anew).collect();
            let address = self.ground.service.address;
            let (taken, answer) = on_own_thread(async move || {
                let mut connection = Connection::open(address).await?;
                let (mut taken, mut answer) = (Times::default(), Value::Null);
                for request in requests {
                    let (body, took) = read(&mut connection, &request).await?;
                    taken.push(took);
                    answer = body;
                }
                Ok((taken, answer))
            })
            .await?;
            ours.append(taken);
            same_sums(trial, &answer, &said["arms"])?;
        }
        let version = found["version"].as_str().unwrap_or_default();
        let rows = found["rows"].as_u64().unwrap_or_default();
        self.lines.push(
            Line::new(what, ours.quantiles())
                .against(
                    format!("{}, ClickHouse {version} over {} events", shown(theirs.median()), thousands(rows as f64)),
                    theirs.median().as_secs_f64() / ours.median().as_secs_f64(),
                )
                .at_least(200.0),
        );
        Ok(())
    }

    /// Writes the events of the tenant as a table without a header, each with its person.
    async fn export(&self, file: &std::path::Path) -> anyhow::Result<()> {
        let sql = include_str!("sql/export.sql").replace("{tenant}", &self.tenant.id.to_string());
        let mut connection = self.ground.pool.acquire().await?;
        let mut rows = connection.copy_out_raw(&sql).await?;
        let mut out = tokio::io::BufWriter::new(tokio::fs::File::create(file).await?);
        let (begun, mut bytes) = (Instant::now(), 0);
        while let Some(piece) = rows.next().await {
            let piece = piece?;
            bytes += piece.len() as u64;
            out.write_all(&piece).await?;
        }
        out.flush().await?;
        self.say(&format!("{:.1} MB/s exported", rate(bytes, begun.elapsed()) / 1e6));
        Ok(())
    }
}

/// The sums of everyone exposed must be the same, or one of the two answered another question.
fn same_sums(trial: &Trial, answer: &Value, said: &Value) -> anyhow::Result<()> {
    let arms = answer.pointer("/metrics/0/arms").and_then(Value::as_array).context("there is no metric")?;
    for arm in arms {
        let name = arm["arm"].as_str().context("an arm has no key")?;
        let theirs = said.as_array().into_iter().flatten().find(|theirs| theirs["arm"] == name);
        let theirs = theirs.with_context(|| format!("ClickHouse has no arm {name}"))?;
        let tally = &arm["live"]["tally"];
        for (member, decimals, column) in [("sum", 6, "y_sum"), ("sum_of_squares", 12, "yy_sum")] {
            let ours = tally[member].as_str().and_then(|text| units(text, decimals));
            let theirs: Option<i128> = theirs[column].as_str().and_then(|text| text.parse().ok());
            ensure!(
                ours.is_some() && ours == theirs,
                "{}, {name}: {member} is {tally}, from ClickHouse {theirs:?}",
                trial.key
            );
        }
    }
    Ok(())
}
