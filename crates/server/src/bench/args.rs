//! What is measured, and how large it is.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

/// What is measured, and how large it is.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct BenchArgs {
    /// A small run of less than three minutes
    #[arg(long)]
    quick: bool,

    /// A run of the size that the targets are meant for: ten million events, and as many tries as they name
    #[arg(long, conflicts_with = "quick")]
    full: bool,

    /// Measure only these parts; their events are stored all the same
    #[arg(long, value_name = "PART,..", value_delimiter = ',')]
    only: Vec<Part>,

    /// The events of the journeys, repetitions included [default: 2000000; quick: 40000; full: 10000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1_000..=1_000_000_000))]
    events: Option<u64>,

    /// How many of them are posted in batches and timed, all held in memory [default: a quarter, at most 1000000]
    #[arg(long, value_name = "N")]
    timed: Option<u64>,

    /// The experiments that persons are in
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(super) experiments: u8,

    /// The connections that post batches of 500
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) connections: u16,

    /// How long the phases with a steady load last, in seconds [default: 20; quick: 3]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=36_000))]
    seconds: Option<u64>,

    /// The lift answers that are read [default: 2000; quick: 300]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    reads: Option<u64>,

    /// How often an event is posted and looked for under each load [default: 1000; quick: 50; full: 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    tries: Option<u64>,

    /// The events a second beside freshness [default: 5000; quick: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(20..))]
    background: Option<u64>,

    /// The events a second of the steady state
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(20..))]
    pub(super) rate: u64,

    /// What the journeys follow from
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,

    /// Where the temporary Postgres keeps its data: a disk like the one that it is to run on [default: the system's
    /// folder for temporary files]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,

    /// Where the benchmark's Python programs are; what needs them is left out where they or Python are missing
    #[arg(long, value_name = "DIR", default_value = "benches")]
    pub(super) programs: PathBuf,

    /// The file for the results
    #[arg(long, value_name = "FILE", default_value = "benches/results.md")]
    pub(super) out: PathBuf,

    /// Have the service pack events. Leaves out what SQL over the events is compared with: it would have to unpack them
    #[arg(long)]
    pub(super) pack: bool,

    /// Also print the statements of Postgres that took the most time in each part
    #[arg(long)]
    pub(super) profile: bool,
}

/// A part of the benchmark that can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// The size of this program
    Binary,
    /// A full report from tallies, without a service, against gbstats
    Inference,
    /// Memory of the idle service, and the most at full ingest (with the parts that ingest)
    Memory,
    /// Batches of 500 against COPY, and the backlog after them
    Ingest,
    /// Files by `journeylift import` against COPY
    Import,
    /// Events measured while they are ingested at a steady rate
    Steady,
    /// Single events against a plain handler
    Singles,
    /// Lift answers against SQL over the events, and against the answers of a small tenant
    Lift,
    /// One metric of a lift against `ClickHouse`
    Clickhouse,
    /// Whether answers include the event that was just posted
    Fresh,
    /// A metric added to an experiment that runs, against SQL
    Added,
    /// Questions about journeys: funnels, paths, stages, and so on
    Questions,
    /// Bytes on disk an event against a plain table
    Disk,
    /// The same with packed events, and what that costs: batches of a database and a service of their own
    Packed,
    /// From the start of the service to its being ready, with the data there
    Start,
    /// Memory over a long time under load; only where it is asked for
    Soak,
}

impl Part {
    /// Whether it needs the service and the events.
    pub(super) fn needs_events(self) -> bool {
        !matches!(self, Self::Binary | Self::Inference | Self::Packed)
    }
}

/// How large the parts are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Those of the journeys.
    pub(super) events: u64,
    /// Of them, posted in batches and timed.
    pub(super) burst: u64,
    /// Of them, imported from each of two files.
    pub(super) import: u64,
    /// Events of the small tenant.
    pub(super) small: u64,
    pub(super) span: Duration,
    pub(super) reads: u64,
    pub(super) tries: u64,
    /// How long the tries may take in all.
    pub(super) tries_within: Duration,
    /// Events a second beside freshness.
    pub(super) background: u64,
    /// How long a metric that is added may take until it is given up.
    pub(super) added_within: Duration,
}

impl BenchArgs {
    pub(super) fn wants(&self, part: Part) -> bool {
        if part == Part::Soak {
            return self.only.contains(&part);
        }
        if self.pack && matches!(part, Part::Lift | Part::Clickhouse | Part::Added | Part::Packed) {
            return false;
        }
        self.only.is_empty() || self.only.contains(&part)
    }

    /// The run of its own that the part with packed events is.
    pub(super) fn packed(&self) -> Self {
        let events = (self.sizes().events / 4).clamp(10_000, 400_000);
        Self { pack: true, only: vec![Part::Ingest, Part::Disk], events: Some(events), timed: None, ..self.clone() }
    }

    /// Whether any part needs the service and the events.
    pub(super) fn needs_events(&self) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| part.needs_events())
    }

    /// What the sizes are called.
    pub(super) fn size_name(&self) -> &'static str {
        match (self.full, self.quick) {
            (true, _) => "full",
            (_, true) => "quick: scaled down, what it says of targets is a hint",
            _ => "default: smaller than the targets are meant for (--full)",
        }
    }

    pub(super) fn sizes(&self) -> Sizes {
        let choose = |given: Option<u64>, quick: u64, default: u64, full: u64| {
            given.unwrap_or(if self.full {
                full
            } else if self.quick {
                quick
            } else {
                default
            })
        };
        let events = choose(self.events, 40_000, 2_000_000, 10_000_000);
        Sizes {
            events,
            burst: self.timed.unwrap_or(events / 4).clamp(1, 1_000_000.min(events / 2)),
            import: (events / 10).min(250_000),
            small: (events / 10).min(100_000),
            span: Duration::from_secs(choose(self.seconds, 3, 20, 20)),
            reads: choose(self.reads, 300, 2_000, 2_000),
            tries: choose(self.tries, 50, 1_000, 10_000),
            tries_within: Duration::from_secs(choose(None, 6, 120, 900)),
            background: choose(self.background, 1_000, 5_000, 5_000),
            added_within: Duration::from_secs(choose(None, 40, 600, 1_800)),
        }
    }
}
