//! Questions about journeys: how long do their answers take, and how long the first one of each, for which every journey is
//! looked at once?

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::StatusCode;

use super::client::{Connection, on_own_thread};
use super::course::Bench;
use super::ground::{Ground, Tenant};
use super::report::Line;
use super::timing::{Times, shown, thousands};
use super::trials::Trial;

/// The questions, by the ends of their paths.
const QUESTIONS: &[(&str, &str)] = &[
    ("funnel", "funnel?steps=Product%20Viewed,Email%20Opened,Order%20Completed"),
    ("paths", "paths"),
    (
        "stages",
        "stages?stages=[{\"stage\":\"visitor\",\"event\":\"Page%20Viewed\"},{\"stage\":\"buyer\",\"event\":\"Order%20Completed\"}]",
    ),
    ("segments", "segments?by=properties.device"),
    ("timeline", "timeline"),
    ("power", "power"),
];
/// No answer of them may take longer than this, 99 times of 100.
const TARGET: Duration = Duration::from_millis(25);
/// How long the first answer is waited for.
const PATIENCE: Duration = Duration::from_mins(30);

fn path(trial: &Trial, question: &str) -> String {
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

    /// The times of so many answers, one after another, read whole.
    async fn times(&self, tenant: &Tenant, path: &str, reads: u64) -> anyhow::Result<Times> {
        let (address, request) = (self.service.address, tenant.reading(path));
        on_own_thread(async move || {
            let mut times = Times::default();
            let mut connection = Connection::open(address).await?;
            for _ in 0..reads {
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
        let events = thousands(self.ground.stored(&self.tenant).await? as f64);
        let small = thousands(self.sizes.small as f64);
        for (name, question) in QUESTIONS {
            let path = path(trial, question);
            let first = self.ground.first(&self.tenant, &path).await?;
            self.ground.first(&self.small, &path).await?;
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
}
