//! Freshness: is an event in the answer that is asked for after its acknowledgement, and how long does that answer take?

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::client::{Connection, on_own_thread};
use super::course::Bench;
use super::ground::Tenant;
use super::ingest::post;
use super::lifts::read;
use super::load::{Load, Steady};
use super::report::Line;
use super::timing::{Times, shown, thousands};
use super::trials::PROBE;

/// What the probe found.
#[derive(Debug, Default)]
struct Freshness {
    tries: u64,
    /// Answers that included the event.
    included: u64,
    /// From posting to the acknowledgement.
    posts: Times,
    /// From asking to the answer.
    reads: Times,
}

/// Whose events are posted beside.
#[derive(Debug, Clone, Copy)]
enum Beside {
    Nobody,
    Same,
    Others,
}

impl Bench<'_> {
    /// The probe at rest, beside load of the same tenant, and beside load of another one.
    pub(super) async fn fresh(&mut self) -> anyhow::Result<()> {
        let others = self.ground.new_tenant("others").await?;
        self.ground.define(&others, &self.journeys).await?;
        for beside in [Beside::Nobody, Beside::Same, Beside::Others] {
            let before = self.ground.stored(&self.tenant).await?;
            self.begin_profile().await?;
            let (found, background) = match beside {
                Beside::Nobody => {
                    self.say("posting and reading");
                    (self.probe("at-rest").await?, 0.0)
                }
                Beside::Same => {
                    self.say("posting and reading beside load of the same tenant");
                    self.probe_beside("same", &self.tenant.clone()).await?
                }
                Beside::Others => {
                    self.say("posting and reading beside load of another tenant");
                    self.probe_beside("others", &others).await?
                }
            };
            self.end_profile().await?;
            self.fresh_lines(beside, background, &found);
            // Requests of the load that were given up may have been stored; the count is of what is there.
            tokio::time::sleep(Duration::from_secs(1)).await;
            self.stored += self.ground.stored(&self.tenant).await? - before;
            self.ground.measured(&self.tenant).await?;
            self.ground.measured(&others).await?;
        }
        Ok(())
    }

    async fn probe_beside(&self, name: &str, loaded: &Tenant) -> anyhow::Result<(Freshness, f64)> {
        let span = self.sizes.tries_within + Duration::from_mins(1);
        let requests = Steady::new(loaded, &self.journeys, self.stream(), self.sizes.background, span);
        Load::beside(self.ground.service.address, requests, self.probe(name)).await
    }

    /// Posts one event of a person who is new to the probe's experiment and reads; then the next.
    async fn probe(&self, name: &str) -> anyhow::Result<Freshness> {
        let (address, tenant) = (self.ground.service.address, self.tenant.clone());
        let (tries, within, name) = (self.sizes.tries, self.sizes.tries_within, name.to_owned());
        on_own_thread(async move || {
            let persons = |answer: &Value| {
                let persons = answer.pointer("/arms/0/persons").and_then(Value::as_u64);
                persons.context("the probe's arm has no persons")
            };
            let mut connection = Connection::open(address).await?;
            let asked = tenant.reading(&PROBE.results());
            let mut known = persons(&read(&mut connection, &asked).await?.0)?;
            let mut found = Freshness::default();
            let begun = Instant::now();
            while found.tries < tries && begun.elapsed() < within {
                let id = format!("probe-{name}-{}", found.tries);
                let body = json!([{
                    "event_id": id, "user_id": id, "name": "Experiment Viewed", "channel": "web",
                    "properties": {"experiment_id": PROBE.key, "variation_id": PROBE.arms[0], "device": "ios"},
                }]);
                let request = tenant.posting(body.to_string().as_bytes());
                let posted = Instant::now();
                post(&mut connection, &request).await?;
                found.posts.push(posted.elapsed());
                let (answer, took) = read(&mut connection, &asked).await?;
                found.reads.push(took);
                found.tries += 1;
                // Nobody else exposes anyone here, so that it is exactly one more.
                let now = persons(&answer)?;
                found.included += u64::from(now == known + 1);
                known = now.max(known);
            }
            Ok(found)
        })
        .await
    }

    fn fresh_lines(&mut self, beside: Beside, background: f64, found: &Freshness) {
        let rate = thousands(background);
        let (when, p50, p99) = match beside {
            Beside::Nobody => ("at rest".to_owned(), None, None),
            Beside::Same => (format!("beside {rate} events/s of the same tenant"), Some(50), Some(250)),
            Beside::Others => (format!("beside {rate} events/s of another tenant"), None, Some(50)),
        };
        let share = found.included as f64 / found.tries.max(1) as f64 * 100.0;
        let all = found.included == found.tries;
        self.lines.push(
            Line::new(
                &format!("fresh {when}: answers with the event"),
                format!("{share:.2} % of {} tries", found.tries),
            )
            .target("100 %", all),
        );
        let mut line = Line::new(
            &format!("fresh {when}: that read"),
            format!("{} (the post {})", found.reads.quantiles(), found.posts.quantiles()),
        );
        let within =
            |q: f64, limit: Option<u64>| limit.is_none_or(|ms| found.reads.quantile(q) <= Duration::from_millis(ms));
        let holds = within(0.5, p50) && within(0.99, p99);
        let limit =
            |name: &str, ms: Option<u64>| ms.map(|ms| format!("{name} <= {}", shown(Duration::from_millis(ms))));
        let target: Vec<String> = [limit("p50", p50), limit("p99", p99)].into_iter().flatten().collect();
        if !target.is_empty() {
            line = line.target(&target.join(", "), holds);
        }
        self.lines.push(line);
    }
}
