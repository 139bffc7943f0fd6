//! Questions about journeys: how long do their answers take, and how long the first one of each, for which every journey is
//! looked at once?

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::json;

use super::client::{Connection, on_own_thread};
use super::course::Bench;
use super::ground::{Ground, Tenant};
use super::lifts::Telling;
use super::report::Line;
use super::timing::{Times, shown, thousands};
use super::trials::{Trial, metrics};
use crate::clock;

/// The questions, by the ends of their paths; `{since}` is the day before yesterday.
const QUESTIONS: &[(&str, &str)] = &[
    ("results, by device", "results?by=properties.device"),
    ("timeline", "timeline"),
    ("segments", "segments?by=properties.device"),
    ("retention", "retention"),
    ("clv", "clv"),
    ("power", "power"),
    ("funnel", "funnel?steps=Product%20Viewed,Email%20Opened,Order%20Completed"),
    ("paths", "paths"),
    (
        "stages",
        "stages?stages=[{\"stage\":\"visitor\",\"event\":\"Page%20Viewed\"},{\"stage\":\"buyer\",\"event\":\"Order%20Completed\"}]",
    ),
    ("attribution, linear", "attribution?model=linear"),
    ("attribution, Markov", "attribution?model=markov"),
    ("attribution, Shapley", "attribution?model=shapley"),
    ("channels", "channels"),
    ("items", "items?by=properties.category&shown=Product%20Viewed"),
    ("roi", "roi?by=properties.device"),
    ("before_after", "before_after"),
    ("changes", "changes?since={since}"),
];
/// The metrics that only these questions ask for.
const METRICS: [&str; 2] = ["lifetime-value", "profit"];
/// No answer of them may take longer than this, 99 times of 100.
const TARGET: Duration = Duration::from_millis(25);
/// How long what the first answers left behind is given to be tidied up.
const QUIET: Duration = Duration::from_secs(30);
/// How long the first answer is waited for.
const PATIENCE: Duration = Duration::from_mins(30);

fn path(trial: &Trial, question: &str) -> String {
    let since = (clock::now().to_utc().date_naive() - TimeDelta::days(2)).to_string();
    let question = question.replace("{since}", &since);
    format!("/v1/experiments/{}/{}", trial.key, question.replace('"', "%22").replace('{', "%7B").replace('}', "%7D"))
}

impl Ground {
    /// Asks until there is an answer, and says how long that took.
    async fn first(&self, tenant: &Tenant, path: &str) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        loop {
            let request = self.http.get(self.url(path)).bearer_auth(tenant.key("read"));
            let response = request.send().await?;
            let status = response.status();
            if status == StatusCode::OK {
                return Ok(begun.elapsed());
            }
            let text = response.text().await?;
            ensure!(status == StatusCode::ACCEPTED, "{path}: {status} {text}");
            ensure!(begun.elapsed() < PATIENCE, "{path} has no answer: {text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until no version is left that nothing answers from any more.
    async fn swept(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let left: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM definition WHERE state = 'retired')")
                .fetch_one(&self.pool)
                .await?;
            if !left {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "versions are never swept");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// The times of so many answers that are told anew, one after another, read whole.
    async fn times(&self, tenant: &Tenant, path: &str, reads: u64) -> anyhow::Result<Times> {
        let first = if path.contains('?') { '&' } else { '?' };
        let anew = |_| tenant.reading(&format!("{path}{first}{}", Telling::Anew.parameter()));
        let (address, requests) = (self.service.address, (0..reads).map(anew).collect::<Vec<_>>());
        on_own_thread(async move || {
            let mut times = Times::default();
            let mut connection = Connection::open(address).await?;
            for request in requests {
                let begun = Instant::now();
                let answer = connection.exchange(&request).await?;
                times.push(begun.elapsed());
                answer.json().context("an answer that is no JSON")?;
            }
            Ok(times)
        })
        .await
    }
}

impl Bench<'_> {
    /// Each question to the experiment that everyone is in, of the large tenant and of the small one.
    pub(super) async fn questions(&mut self) -> anyhow::Result<()> {
        self.say("asking about journeys");
        let trial = &self.journeys.trials()[0];
        for tenant in [&self.tenant, &self.small] {
            self.ask_for_money(tenant, trial).await?;
        }
        let events = thousands(self.ground.stored(&self.tenant).await? as f64);
        let small = thousands(self.sizes.small as f64);
        let mut firsts = Vec::with_capacity(QUESTIONS.len());
        for (_, question) in QUESTIONS {
            let path = path(trial, question);
            firsts.push(self.ground.first(&self.tenant, &path).await?);
            self.ground.first(&self.small, &path).await?;
        }
        // Each first answer leaves a version behind that is swept, and tables that are vacuumed; answers are timed after that.
        self.say("waiting until what they left behind is swept");
        self.ground.swept().await?;
        tokio::time::sleep(QUIET).await;
        for ((name, question), first) in QUESTIONS.iter().zip(firsts) {
            let path = path(trial, question);
            let reads = self.sizes.reads.min(400);
            self.ground.times(&self.tenant, &path, 20).await?;
            let few = self.ground.times(&self.small, &path, reads).await?;
            let many = self.ground.times(&self.tenant, &path, reads).await?;
            let ratio = few.median().as_secs_f64() / many.median().as_secs_f64();
            let line = Line::new(&format!("/{name}, {events} events"), many.quantiles())
                .against(
                    format!("{} at {small} events; the first answer after {}", few.quantiles(), shown(first)),
                    ratio,
                )
                .target("p99 <= 25 ms", many.quantile(0.99) <= TARGET);
            self.lines.push(line);
        }
        Ok(())
    }

    /// Gives the experiment the metrics that only questions about money ask for, and waits until it answers with them.
    async fn ask_for_money(&self, tenant: &Tenant, trial: &Trial) -> anyhow::Result<()> {
        let documents = [
            json!({"kind": "clv", "event": "Order Completed", "lifespan_days": 365, "curve": true}),
            json!({"kind": "net", "event": "Order Completed", "margin": "0.4"}),
        ];
        for (key, document) in METRICS.iter().zip(&documents) {
            self.ground.put(tenant, &format!("/v1/metrics/{key}"), document).await?;
        }
        let keys: Vec<&str> = metrics().iter().map(|(key, _)| *key).chain(METRICS).collect();
        let document = trial.document(&self.journeys.begins.to_string(), &keys);
        let path = format!("/v1/experiments/{}", trial.key);
        self.ground.put(tenant, &path, &document).await?;
        let begun = Instant::now();
        while !self.ground.get(tenant, &path).await?["measuring"].is_null() {
            ensure!(begun.elapsed() < PATIENCE, "{path} is never measured");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }
}
