//! A metric that is added to an experiment that runs: how long until answers come with it, against SQL that works out its
//! sums from the events, both while events are ingested and answers are read?

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::course::Bench;
use super::journeys::WINDOW_DAYS;
use super::lifts::read;
use super::load::{Load, Steady};
use super::report::Line;
use super::timing::{Times, rate, shown, thousands};
use super::trials::{added_metric, metrics};

/// Events a second that are ingested meanwhile.
const BACKGROUND: u64 = 1_000;

impl Bench<'_> {
    /// Adds a metric to the experiment that everyone is in.
    pub(super) async fn added(&mut self) -> anyhow::Result<()> {
        self.work_out_persons().await?;
        self.ground.analyze().await?;
        let before = self.ground.stored(&self.tenant).await?;
        let trial = self.journeys.trials()[0];
        let answer = self.ground.get(&self.tenant, &trial.results()).await?;
        let arms = answer["arms"].as_array().context("the answer has no arms")?;
        let persons: u64 = arms.iter().filter_map(|arm| arm["persons"].as_u64()).sum();
        self.say(&format!("adding a metric for {} persons", thousands(persons as f64)));
        self.begin_profile().await?;
        let ((ours, unfinished), reads) = self.busily(Box::pin(self.add_metric())).await?;
        self.end_profile().await?;
        self.say("waiting until everything is measured");
        self.ground.measured(&self.tenant).await?;
        self.say("asking the SQL for the same");
        let ((all, everyone), _) = self
            .busily(Box::pin(async {
                Ok((
                    self.sql(include_str!("sql/added.sql")).await?,
                    self.sql(include_str!("sql/added_to_everyone.sql")).await?,
                ))
            }))
            .await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.stored += self.ground.stored(&self.tenant).await? - before;
        let what = format!("a metric added to an experiment with {} persons", thousands(persons as f64));
        let finished = unfinished.is_none();
        let figure = match unfinished {
            None => format!("{} ({} persons/s)", shown(ours), thousands(rate(persons, ours))),
            Some(progress) => format!("not done after {} ({progress})", shown(ours)),
        };
        let line = |against: &str, theirs: Duration| {
            Line::new(&what, format!("{figure}; reads meanwhile {}", reads.quantiles()))
                .against(format!("{}, {against}", shown(theirs)), theirs.as_secs_f64() / ours.as_secs_f64())
        };
        let holds = finished && ours.as_secs_f64() <= 1.5 * all.as_secs_f64();
        let first = line("SQL for everyone, by 5 dimensions and day", all).target("<= 1.5 times as long", holds);
        let second = line("SQL for everyone alone", everyone);
        self.lines.extend([first, second]);
        Ok(())
    }

    /// Does something while events come in and answers of another experiment are read: its outcome and their times.
    async fn busily<T>(&self, something: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(T, Times)> {
        let requests = Steady::new(&self.tenant, &self.journeys, self.stream(), BACKGROUND, Duration::from_hours(2));
        let mut times = Times::default();
        let reads = async {
            let mut connection = self.ground.connect().await?;
            let asked = self.tenant.reading(&self.journeys.trials()[self.journeys.trials().len() - 1].results());
            loop {
                times.push(read(&mut connection, &asked).await?.1);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let both = async {
            tokio::select! {
                outcome = something => outcome,
                ended = reads => { let ended: anyhow::Result<()> = ended; bail!("the reads ended: {ended:?}") }
            }
        };
        let (outcome, _) = Load::beside(self.ground.service.address, requests, both).await?;
        Ok((outcome, times))
    }

    /// Puts the metric and the experiment with it, and waits until answers come from the new version: the time, and
    /// where it takes too long how far the measurement is.
    async fn add_metric(&self) -> anyhow::Result<(Duration, Option<String>)> {
        let trial = self.journeys.trials()[0];
        let (key, metric) = added_metric();
        self.ground.put(&self.tenant, &format!("/v1/metrics/{key}"), &metric).await?;
        let all = metrics();
        let mut keys: Vec<&str> = all.iter().map(|(key, _)| *key).collect();
        keys.push(key);
        let document = trial.document(&self.journeys.begins.to_string(), &keys);
        let path = format!("/v1/experiments/{}", trial.key);
        let begun = Instant::now();
        self.ground.put(&self.tenant, &path, &document).await?;
        let asked = self.tenant.reading(&format!("{}?metric={key}&consistency=eventual", trial.results()));
        let mut connection = self.ground.connect().await?;
        loop {
            // The metric is unknown to the version before, which is an answer as well.
            let answer = connection.exchange(&asked).await?;
            if answer.status == 200 {
                let body: Value = serde_json::from_slice(answer.body)?;
                if body["measuring"].is_null()
                    && body.pointer("/metrics/0/arms/0/live").is_some_and(|live| !live.is_null())
                {
                    return Ok((begun.elapsed(), None));
                }
            }
            if begun.elapsed() > self.sizes.added_within {
                let progress = self.ground.get(&self.tenant, &path).await?["measuring"].to_string();
                return Ok((begun.elapsed(), Some(progress)));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn sql(&self, text: &'static str) -> anyhow::Result<Duration> {
        let mut transaction = self.ground.pool.begin().await?;
        sqlx::raw_sql("SET LOCAL work_mem = '256MB'").execute(&mut *transaction).await?;
        let begun = Instant::now();
        let rows = sqlx::query(text)
            .bind(self.tenant.id)
            .bind(self.journeys.trials()[0].key)
            .bind(self.journeys.begins.to_utc())
            .bind(WINDOW_DAYS * 86_400)
            .fetch_all(&mut *transaction)
            .await?;
        let took = begun.elapsed();
        transaction.commit().await?;
        ensure!(!rows.is_empty(), "the SQL finds nobody");
        Ok(took)
    }
}
