//! `journeylift bench`: how fast the service is on this machine, as ratios taken in one run.
//!
//! A temporary Postgres with durable settings and the service as a process of its own ([`ground`]) are given synthetic
//! [`journeys`] over HTTP; [`ingest`], [`singles`] and [`answers`] measure them against Postgres itself, and the sums of all
//! answers must in the end be those of the SQL over the raw events ([`sums`]). All SQL that it is measured against is here,
//! in `sql/`.

mod answers;
mod client;
mod dice;
mod event;
mod ground;
mod ingest;
mod journeys;
mod machine;
mod profile;
mod report;
mod served;
mod singles;
mod sums;
mod timing;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use self::answers::Freshness;
use self::ground::{Ground, PROBE};
use self::ingest::Table;
use self::journeys::Journeys;
use self::report::{Line, Results};
use self::singles::{CLIENTS, PlainHandler, Singles};
use self::timing::{Times, rate, shown, thousands};
use crate::clock;
use crate::import::progress::to_stderr;

/// What is measured, and how large it is.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    /// A small run of less than three minutes
    #[arg(long)]
    quick: bool,

    /// Measure only these parts: the others' events are stored all the same where one of these needs them
    #[arg(long, value_name = "PART,..", value_delimiter = ',')]
    only: Vec<Part>,

    /// The events of the journeys, repetitions included [default: 500000; quick: 60000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1_000..=1_000_000_000))]
    events: Option<u64>,

    /// How many of them, the last ones, are timed; they are made beforehand and held in memory [default: half]
    #[arg(long, value_name = "N")]
    timed: Option<u64>,

    /// The experiments that persons are in
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=3))]
    experiments: u8,

    /// The connections that post batches of 500
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    connections: u16,

    /// How long each phase of single events and of freshness lasts, in seconds [default: 20; quick: 4]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: Option<u64>,

    /// The lift answers that are read [default: 2000; quick: 500]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    reads: Option<u64>,

    /// The events a second beside the second phase of freshness [default: 5000; quick: 2000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(20..))]
    background: Option<u64>,

    /// What the journeys follow from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Where the temporary Postgres keeps its data: a disk like the one that it is to run on [default: the system's
    /// folder for temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// The file for the results
    #[arg(long, value_name = "FILE", default_value = "benches/results.md")]
    out: PathBuf,

    /// Also print the statements of Postgres that took the most time while batches were ingested, and in lift answers
    #[arg(long)]
    profile: bool,
}

/// A part of the benchmark that can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Batches of 500 against COPY, and the backlog after them
    Ingest,
    /// Single events against a plain handler
    Singles,
    /// Lift answers against SQL over the events
    Lift,
    /// Whether answers include the event that was just posted
    Fresh,
}

impl BenchArgs {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn choose(&self, given: Option<u64>, quick: u64, full: u64) -> u64 {
        given.unwrap_or(if self.quick { quick } else { full })
    }

    fn sizes(&self) -> Sizes {
        let events = self.choose(self.events, 60_000, 500_000);
        Sizes {
            events,
            timed: self.timed.unwrap_or(events / 2).clamp(1, events),
            span: Duration::from_secs(self.choose(self.seconds, 4, 20)),
            reads: self.choose(self.reads, 500, 2_000),
            background: self.choose(self.background, 2_000, 5_000),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Sizes {
    events: u64,
    timed: u64,
    span: Duration,
    reads: u64,
    background: u64,
}

/// Runs the benchmark, prints its table and writes its file. Fails where a sum differs from that of the events.
pub async fn run(args: &BenchArgs, json: bool) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let sizes = args.sizes();
    let directory = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let ground = Ground::start(&directory, args.profile).await?;
    let journeys = Journeys::new(args.seed, sizes.events, args.experiments.into(), clock::now());
    let mut facts = machine::describe(&ground, &directory).await?;
    facts.push((
        "journeys",
        format!(
            "{} events, the last {} timed, {} persons, {} experiments, seed {}",
            thousands(sizes.events as f64),
            thousands(sizes.timed as f64),
            thousands(journeys.persons() as f64),
            args.experiments,
            args.seed
        ),
    ));
    let bench = Bench { args, sizes, ground, journeys, begun };
    let measured = bench.measure().await;
    let (lines, verified) = match measured {
        Ok(measured) => measured,
        Err(error) => {
            bench.ground.stop().await?;
            return Err(error);
        }
    };
    bench.ground.stop().await?;
    facts.push(("took", shown(begun.elapsed())));
    let right = verified.is_ok();
    let results = Results { facts, lines, verified: verified.unwrap_or_else(|differing| differing) };
    results.write(&args.out)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", if json { serde_json::to_string(&results)? } else { results.table() })?;
    to_stderr(&format!("written to {} after {}", args.out.display(), shown(begun.elapsed())));
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Bench<'a> {
    args: &'a BenchArgs,
    sizes: Sizes,
    ground: Ground,
    journeys: Journeys,
    begun: Instant,
}

/// What was compared: `Err` in words where something differs.
type Verified = Result<String, String>;

impl Bench<'_> {
    /// Says what comes next, and how long it took to get there.
    fn say(&self, what: &str) {
        to_stderr(&format!("{:6.1} s  {what}", self.begun.elapsed().as_secs_f64()));
    }

    async fn begin_profile(&self) -> anyhow::Result<()> {
        if self.args.profile { profile::reset(&self.ground).await } else { Ok(()) }
    }

    async fn end_profile(&self) -> anyhow::Result<()> {
        if self.args.profile {
            for line in profile::statements(&self.ground).await? {
                to_stderr(&line);
            }
        }
        Ok(())
    }

    async fn measure(&self) -> anyhow::Result<(Vec<Line>, Verified)> {
        self.ground.define(&self.journeys).await?;
        to_stderr(&format!("the service is process {}", self.ground.service.id()));
        let mut lines = Vec::new();
        let mut stored = if self.args.wants(Part::Ingest) {
            self.batches(&mut lines).await?
        } else {
            self.fill(self.sizes.events).await?
        };
        if self.args.wants(Part::Singles) {
            stored += self.singles(&mut lines).await?;
        }
        if self.args.wants(Part::Lift) {
            self.lifts(&mut lines).await?;
        }
        if self.args.wants(Part::Fresh) {
            stored += self.freshness(&mut lines).await?;
        }
        let verified = self.verify(stored).await?;
        Ok((lines, verified))
    }

    /// Posts the first events of the journeys, and waits until they are measured; how many are stored then.
    async fn fill(&self, events: u64) -> anyhow::Result<u64> {
        self.say(&format!("filling with {} events", thousands(events as f64)));
        let connections = self.args.connections.into();
        let filled = ingest::prefill(&self.ground, &self.journeys, 0..events, connections).await?;
        self.say("waiting until they are measured");
        self.ground.measured(&PROBE).await?;
        Ok(filled.accepted)
    }

    /// Batches against `COPY`; how many events must be stored then.
    async fn batches(&self, lines: &mut Vec<Line>) -> anyhow::Result<u64> {
        let (ground, journeys) = (&self.ground, &self.journeys);
        let split = self.sizes.events - self.sizes.timed;
        let connections = usize::from(self.args.connections);
        let filled = self.fill(split).await?;
        let requests = Arc::new(ingest::requests(ground, journeys, split..self.sizes.events));
        let bytes = requests.size();

        self.say(&format!("posting {} events in batches", thousands(self.sizes.timed as f64)));
        ground.checkpoint().await?;
        self.begin_profile().await?;
        let (posted, took) = ingest::post_all(ground, requests, connections).await?;
        self.say("waiting until they are measured");
        let draining = Instant::now();
        ground.measured(&PROBE).await?;
        let drained = draining.elapsed();
        self.end_profile().await?;

        let ours = rate(posted.accepted, took);
        for (table, name) in [(Table::Plain, "plain"), (Table::Checked, "checked")] {
            self.say(&format!("copying the same into a {name} table"));
            ingest::copy(ground, journeys, 0..split, table).await?;
            ground.checkpoint().await?;
            let (rows, copying) = ingest::copy(ground, journeys, split..self.sizes.events, table).await?;
            anyhow::ensure!(
                rows == posted.accepted,
                "{} events were new to the service, {rows} in fact",
                posted.accepted
            );
            let theirs = rate(rows, copying);
            lines.push(
                Line::new("ingest, batches of 500", format!("{} rows/s", thousands(ours)))
                    .against(format!("{} rows/s, COPY, {name}", thousands(theirs)), ours / theirs),
            );
        }
        lines.push(Line::new(
            "the same, as acknowledged",
            format!(
                "{} events/s ({:.1} MB/s), {} duplicates, {} times busy",
                thousands(rate(posted.accepted + posted.duplicates, took)),
                bytes as f64 / took.as_secs_f64() / 1e6,
                posted.duplicates,
                posted.busy
            ),
        ));
        lines.push(
            Line::new("backlog then, measured in", shown(drained))
                .against(format!("{}, the burst", shown(took)), took.as_secs_f64() / drained.as_secs_f64().max(1e-6)),
        );
        lines.push(Line::new(
            "events measured, from first to last",
            format!("{} events/s", thousands(rate(posted.accepted, took + drained))),
        ));
        Ok(filled + posted.accepted)
    }

    /// Single events; how many were stored.
    async fn singles(&self, lines: &mut Vec<Line>) -> anyhow::Result<u64> {
        let (ground, journeys, span) = (&self.ground, &self.journeys, self.sizes.span);
        // The handler is posted the same requests: it has a table of its own.
        let requests = singles::requests(ground, journeys, 0, span);
        self.say("posting single events");
        ground.checkpoint().await?;
        self.begin_profile().await?;
        let ours = singles::post_singly(ground.service.address, requests.clone(), span).await?;
        self.end_profile().await?;
        self.say("waiting until they are measured");
        ground.measured(&PROBE).await?;
        self.say("posting the same to a plain handler");
        let handler = PlainHandler::start(ground).await?;
        ground.checkpoint().await?;
        let theirs = singles::post_singly(handler.address, requests, span).await?;
        lines.push(Line::new(&format!("ingest, single events, {CLIENTS} connections"), said(&ours)).against(
            format!("{}, a plain handler", said(&theirs)),
            rate(ours.done, ours.took) / rate(theirs.done, theirs.took),
        ));
        Ok(ours.done)
    }

    async fn lifts(&self, lines: &mut Vec<Line>) -> anyhow::Result<()> {
        let (ground, journeys) = (&self.ground, &self.journeys);
        self.say("reading lifts");
        let persons = Instant::now();
        sqlx::query(include_str!("sql/persons.sql")).bind(ground.tenant).execute(&ground.pool).await?;
        let persons = persons.elapsed();
        ground.analyze().await?;
        answers::lifts(ground, journeys, 50).await?;
        self.begin_profile().await?;
        let ours = answers::lifts(ground, journeys, self.sizes.reads).await?;
        self.end_profile().await?;
        let theirs = answers::raw_lifts(ground, journeys, 3).await?;
        let events = ground.stored().await?;
        lines.push(
            Line::new(&format!("lift answer, {} events stored", thousands(events as f64)), quantiles(&ours)).against(
                format!(
                    "{} (persons worked out before in {}), SQL over raw events",
                    shown(theirs.median()),
                    shown(persons)
                ),
                theirs.median().as_secs_f64() / ours.median().as_secs_f64(),
            ),
        );
        Ok(())
    }

    /// Freshness at rest and under load; how many events were stored.
    async fn freshness(&self, lines: &mut Vec<Line>) -> anyhow::Result<u64> {
        let (ground, journeys, span) = (&self.ground, &self.journeys, self.sizes.span);
        let before = ground.stored().await?;
        self.say("posting and reading");
        let rest = answers::freshness(ground, "probe", span).await?;
        self.say("posting and reading under load");
        let load = answers::freshness_under_load(ground, journeys, 3, self.sizes.background, span).await?;
        for found in [rest, load] {
            lines.extend(fresh_lines(&found));
        }
        // Requests of the load that were given up may have been stored; the count is of what is there.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(ground.stored().await? - before)
    }

    async fn verify(&self, acknowledged: u64) -> anyhow::Result<Verified> {
        self.say("waiting until everything is measured");
        self.ground.measured(&PROBE).await?;
        self.say("comparing all sums with the events");
        let stored = self.ground.stored().await?;
        if stored != acknowledged {
            return Ok(Err(format!("**{acknowledged} events were acknowledged as new, {stored} are stored.**")));
        }
        self.ground.analyze().await?;
        let (compared, differing) = answers::verify(&self.ground, &self.journeys).await?;
        for line in differing.iter().take(20) {
            to_stderr(line);
        }
        Ok(if differing.is_empty() {
            Ok(format!(
                "Verified: all {compared} sums of the answers equal those of the SQL over {stored} stored events."
            ))
        } else {
            Err(format!("**{} of {compared} sums differ from those of the events.**", differing.len()))
        })
    }
}

fn quantiles(times: &Times) -> String {
    format!("p50 {}, p99 {}", shown(times.median()), shown(times.quantile(0.99)))
}

fn said(singles: &Singles) -> String {
    format!("{} events/s, {}", thousands(rate(singles.done, singles.took)), quantiles(&singles.times))
}

fn fresh_lines(found: &Freshness) -> [Line; 2] {
    let when = if found.background > 0.0 {
        format!("beside {} events/s", thousands(found.background))
    } else {
        "at rest".to_owned()
    };
    let share = found.included as f64 / found.tries.max(1) as f64 * 100.0;
    [
        Line::new(&format!("fresh {when}: answers with the event"), format!("{share:.2} % of {} tries", found.tries)),
        Line::new(
            &format!("fresh {when}: that read"),
            format!("{} (the post {})", quantiles(&found.reads), quantiles(&found.posts)),
        ),
    ]
}
