//! Lift answers: how long do they take when nothing is pending, against SQL over the events, and against few events?

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::{Value, json};

use super::client::{Connection, on_own_thread};
use super::course::Bench;
use super::ground::{Ground, Tenant};
use super::report::Line;
use super::sums::{matured_until, warehouse};
use super::timing::{Times, shown, thousands};
use super::trials::Trial;

/// Reads an answer whole, and the time that this took. It is parsed after the clock has stopped.
pub(super) async fn read(connection: &mut Connection, request: &[u8]) -> anyhow::Result<(Value, Duration)> {
    let begun = Instant::now();
    let answer = connection.exchange(request).await?;
    let took = begun.elapsed();
    Ok((answer.json()?, took))
}

/// Whether answers are told anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// Each is asked for at a confidence of its own, at which nobody asked before. The sums of everyone's rows are kept meanwhile,
    /// since nothing changes; what they take shows in the reads after a post.
    Anew,
    /// The same are asked for again and again.
    Again,
}

impl Telling {
    /// The parameter of a question that makes it so.
    pub(super) fn parameter(self) -> String {
        static ASKED: AtomicU64 = AtomicU64::new(0);
        match self {
            Self::Anew => format!("confidence=0.95{:09}", ASKED.fetch_add(1, Ordering::Relaxed) + 1),
            Self::Again => "confidence=0.95".to_owned(),
        }
    }
}

/// The times of so many strong answers, one after another, over all the experiments.
async fn answers(
    ground: &Ground,
    tenant: &Tenant,
    (trials, telling): (&[Trial], Telling),
    reads: u64,
) -> anyhow::Result<Times> {
    let asked = trials.iter().cycle().take(usize::try_from(reads)?);
    let requests: Vec<Vec<u8>> =
        asked.map(|trial| tenant.reading(&format!("{}?{}", trial.results(), telling.parameter()))).collect();
    let address = ground.service.address;
    on_own_thread(async move || {
        let mut times = Times::default();
        let mut connection = Connection::open(address).await?;
        for request in requests {
            let (answer, took) = read(&mut connection, &request).await?;
            ensure!(answer.pointer("/fresh/pending_subjects") == Some(&json!(0)), "something is pending");
            times.push(took);
        }
        Ok(times)
    })
    .await
}

impl Bench<'_> {
    /// The person of every linked subject, for the SQL; the time that it takes.
    pub(super) async fn work_out_persons(&self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        sqlx::query(include_str!("sql/persons.sql")).bind(self.tenant.id).execute(&self.ground.pool).await?;
        let took = begun.elapsed();
        sqlx::raw_sql("ANALYZE bench.person").execute(&self.ground.pool).await?;
        Ok(took)
    }

    /// Answers against SQL, and against those of a small tenant.
    pub(super) async fn lifts(&mut self) -> anyhow::Result<()> {
        self.say("reading lifts");
        let persons = self.work_out_persons().await?;
        self.ground.analyze().await?;
        let trials = self.journeys.trials();
        let anew = (trials, Telling::Anew);
        answers(&self.ground, &self.tenant, anew, 100).await?;
        let before = answers(&self.ground, &self.tenant, anew, self.sizes.reads.div_ceil(4)).await?;
        self.say("waiting until the queue is tidied up");
        self.ground.rested().await?;
        answers(&self.ground, &self.tenant, anew, 100).await?;
        self.begin_profile().await?;
        let ours = answers(&self.ground, &self.tenant, anew, self.sizes.reads).await?;
        self.end_profile().await?;
        let again = answers(&self.ground, &self.tenant, (trials, Telling::Again), self.sizes.reads).await?;
        let events = self.ground.stored(&self.tenant).await?;
        let events = thousands(events as f64);
        let spread = ours.quantile(0.99).as_secs_f64() / ours.median().as_secs_f64();
        self.lines.push(
            Line::new(&format!("lift answers, strong, told anew, {events} events"), ours.quantiles())
                .target("p99 <= 5x p50", spread <= 5.0),
        );
        self.lines.push(Line::new("the same, before Postgres has tidied up the queue", before.quantiles()));
        self.lines.push(Line::new(
            "lift answers that were told before, looked up whether they still hold",
            again.quantiles(),
        ));

        self.say("asking the SQL of a warehouse");
        let runs = if self.sizes.events > 1_000_000 { 1 } else { 3 };
        let mut theirs = Times::default();
        for trial in trials.iter().take(3) {
            let answer = self.ground.get(&self.tenant, &trial.results()).await?;
            let until = matured_until(&answer)?;
            // Once to warm up.
            for run in 0..=runs {
                let begun = Instant::now();
                let rows = warehouse(&self.ground, &self.tenant, &self.journeys, trial, until).await?;
                ensure!(rows > 0, "the SQL finds nobody in {}", trial.key);
                if run > 0 {
                    theirs.push(begun.elapsed());
                }
            }
        }
        self.lines.push(
            Line::new("lift answers, told anew", format!("p50 {}", shown(ours.median())))
                .against(
                    format!(
                        "{} (persons worked out before in {}), SQL over the events, 12 metrics",
                        shown(theirs.median()),
                        shown(persons)
                    ),
                    theirs.median().as_secs_f64() / ours.median().as_secs_f64(),
                )
                .at_least(5_000.0),
        );

        self.say("reading the lifts of a small tenant");
        answers(&self.ground, &self.small, anew, 100).await?;
        // In turns, so that whatever else the machine does weighs on both.
        let (mut large, mut small) = (Times::default(), Times::default());
        for _ in 0..10 {
            let reads = self.sizes.reads.div_ceil(10);
            small.append(answers(&self.ground, &self.small, anew, reads).await?);
            large.append(answers(&self.ground, &self.tenant, anew, reads).await?);
        }
        let ratio = small.median().as_secs_f64() / large.median().as_secs_f64();
        self.lines.push(
            Line::new(&format!("lift answer at {events} events, as many days"), shown(large.median()))
                .against(format!("{} at {} events", shown(small.median()), thousands(self.sizes.small as f64)), ratio)
                .target("<= 1.3 times as long", ratio >= 1.0 / 1.3),
        );
        Ok(())
    }
}
