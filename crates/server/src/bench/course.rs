//! The course of a run: which events belong to which part, and in what order the parts are measured.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::args::{BenchArgs, Part, Sizes};
use super::ground::{Ground, Tenant};
use super::ingest;
use super::journeys::Journeys;
use super::memory::mib;
use super::profile;
use super::report::Line;
use super::timing::{rate, shown, thousands};
use super::verified::Verified;
use crate::clock;
use crate::import::progress::to_stderr;

/// Events that are posted before they are measured, in the beginning: live ones are measured while their pages are warm.
const PART: usize = 500_000;

/// A run.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub(super) args: &'a BenchArgs,
    pub(super) sizes: Sizes,
    pub(super) ground: Ground,
    pub(super) journeys: Arc<Journeys>,
    /// The tenant of the journeys.
    pub(super) tenant: Tenant,
    /// A tenant with a hundredth of the events over as many days.
    pub(super) small: Tenant,
    pub(super) lines: Vec<Line>,
    /// The events of the tenant that were acknowledged as new.
    pub(super) stored: u64,
    /// The most memory that the service was seen to hold.
    pub(super) most_memory: Option<u64>,
    /// The same until everything was posted as fast as it could be.
    pub(super) ingest_memory: Option<u64>,
    next_stream: AtomicU64,
    begun: Instant,
}

impl<'a> Bench<'a> {
    /// Starts Postgres and the service, and defines what is measured.
    pub(super) async fn start(args: &'a BenchArgs, begun: Instant, directory: &Path) -> anyhow::Result<Self> {
        let sizes = args.sizes();
        let ground = Ground::start(directory, args.profile, args.pack).await?;
        let journeys = Journeys::new(args.seed, sizes.events, args.experiments.into(), clock::now());
        let (tenant, small) = (ground.new_tenant("bench").await?, ground.new_tenant("small").await?);
        to_stderr(&format!("the service is process {}", ground.service.id()));
        Ok(Self {
            args,
            sizes,
            ground,
            journeys: Arc::new(journeys),
            tenant,
            small,
            lines: Vec::new(),
            stored: 0,
            most_memory: None,
            ingest_memory: None,
            next_stream: AtomicU64::new(0),
            begun,
        })
    }

    /// The size of the run, and the database.
    pub(super) async fn facts(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let journeys = format!(
            "{} events, {} persons, {} experiments, seed {}",
            thousands(self.sizes.events as f64),
            thousands(self.journeys.persons() as f64),
            self.journeys.trials().len(),
            self.args.seed
        );
        Ok(vec![("Postgres", self.ground.postgres_facts().await?), ("journeys", journeys)])
    }

    /// Measures all that is wanted, and verifies it.
    pub(super) async fn run(&mut self) -> anyhow::Result<Verified> {
        let wants = |part| self.args.wants(part);
        let (ingest, import, singles, steady) =
            (wants(Part::Ingest), wants(Part::Import), wants(Part::Singles), wants(Part::Steady));
        let (lift, clickhouse, fresh, added) =
            (wants(Part::Lift), wants(Part::Clickhouse), wants(Part::Fresh), wants(Part::Added));
        let (disk, start, memory, soak) =
            (wants(Part::Disk), wants(Part::Start), wants(Part::Memory), wants(Part::Soak));
        let parts = self.ranges(ingest, import);
        self.ground.define(&self.tenant, &self.journeys).await?;
        if lift || wants(Part::Questions) {
            Box::pin(self.fill_small()).await?;
        }
        Box::pin(self.fill(parts.filled)).await?;
        // Those that are compared with COPY come first: they know which rows are in the table beside theirs.
        if ingest {
            Box::pin(self.ingest(parts.burst)).await?;
        }
        if import {
            Box::pin(self.imports(parts.lines, parts.table, !ingest)).await?;
        }
        if singles {
            Box::pin(self.singles()).await?;
        }
        if steady {
            Box::pin(self.steady()).await?;
        }
        self.note_memory()?;
        self.ingest_memory = self.most_memory;
        if soak {
            Box::pin(self.soak()).await?;
        }
        if lift {
            Box::pin(self.lifts()).await?;
        }
        if clickhouse {
            Box::pin(self.clickhouse()).await?;
        }
        if fresh {
            Box::pin(self.fresh()).await?;
        }
        if added {
            Box::pin(self.added()).await?;
        }
        if wants(Part::Questions) {
            Box::pin(self.questions()).await?;
        }
        if disk {
            Box::pin(self.disk()).await?;
        }
        if start || memory {
            Box::pin(self.start_again(start, memory)).await?;
        }
        Box::pin(self.verify()).await
    }

    /// Which positions belong to which part; those of parts that are not wanted are stored beforehand.
    fn ranges(&self, ingest: bool, import: bool) -> Ranges {
        let burst = if ingest { self.sizes.burst } else { 0 };
        let import = if import { self.sizes.import } else { 0 };
        let end = self.sizes.events;
        let (table, lines) = (end - import, end - 2 * import);
        let filled = lines - burst;
        Ranges { filled, burst: filled..lines, lines: lines..table, table: table..end }
    }

    /// A stream of events that no other part posts.
    pub(super) fn stream(&self) -> u64 {
        self.next_stream.fetch_add(1, Ordering::Relaxed)
    }

    /// Posts the first events of the journeys, and has them measured, a part after the other.
    ///
    /// While a part is posted the service does not measure: of all its events of a person it then makes one journey.
    async fn fill(&mut self, events: u64) -> anyhow::Result<()> {
        self.say(&format!("filling with {} events", thousands(events as f64)));
        let (mut posting, mut measuring, mut accepted) = (Duration::ZERO, Duration::ZERO, 0);
        let mut processor = [String::new(), String::new()];
        let connections = self.args.connections.into();
        self.begin_profile().await?;
        for start in (0..events).step_by(PART) {
            let range = start..events.min(start + PART as u64);
            self.ground.service.restart(false).await?;
            let (begun, before) = (Instant::now(), self.cpu().await?);
            let posted = range.end - range.start;
            let filled = ingest::prefill(&self.ground, &self.tenant, &self.journeys, range, connections).await?;
            posting += begun.elapsed();
            processor[0] = self.cpu().await?.each(before, posted);
            self.note_memory()?;
            self.ground.service.restart(true).await?;
            let (begun, before) = (Instant::now(), self.cpu().await?);
            self.ground.measured(&self.tenant).await?;
            measuring += begun.elapsed();
            processor[1] = self.cpu().await?.each(before, filled.accepted);
            self.note_memory()?;
            accepted += filled.accepted;
            if start + (PART as u64) < events {
                self.say(&format!("{} of them are measured", thousands((start + PART as u64) as f64)));
            }
        }
        self.end_profile().await?;
        self.stored += accepted;
        let [posting_cpu, measuring_cpu] = processor;
        self.lines.push(Line::new(
            &format!("{} events beforehand", thousands(events as f64)),
            format!(
                "posted in {}, then measured in {} ({} events/s)",
                shown(posting),
                shown(measuring),
                thousands(rate(accepted, measuring))
            ),
        ));
        self.lines.push(Line::new("processor time to take one of the last of them", posting_cpu));
        self.lines.push(Line::new("processor time to measure one of the last of them", measuring_cpu));
        Ok(())
    }

    /// A small tenant of its own: fewer persons, who act over the same days.
    async fn fill_small(&self) -> anyhow::Result<()> {
        self.say("filling a small tenant");
        let journeys = Journeys::new(
            self.args.seed + 1,
            self.sizes.small,
            self.args.experiments.into(),
            self.journeys.ends_before(),
        );
        self.ground.define(&self.small, &journeys).await?;
        let connections = self.args.connections.into();
        ingest::prefill(&self.ground, &self.small, &journeys, 0..self.sizes.small, connections).await?;
        self.ground.measured(&self.small).await
    }

    /// Says what comes next, how long it took to get there, and what the service holds and held at most since it was started last.
    pub(super) fn say(&self, what: &str) {
        let memory = self.ground.service.memory();
        let memory =
            memory.map_or(String::new(), |memory| format!("  ({}, {} at most)", mib(memory.now), mib(memory.peak)));
        to_stderr(&format!("{:6.1} s  {what}{memory}", self.begun.elapsed().as_secs_f64()));
    }

    pub(super) async fn begin_profile(&self) -> anyhow::Result<()> {
        if self.args.profile { profile::reset(&self.ground).await } else { Ok(()) }
    }

    pub(super) async fn end_profile(&self) -> anyhow::Result<()> {
        if self.args.profile {
            for line in profile::statements(&self.ground).await? {
                to_stderr(&line);
            }
        }
        Ok(())
    }
}

/// The positions of the journeys that each part posts.
#[derive(Debug, PartialEq, Eq)]
struct Ranges {
    filled: u64,
    burst: Range<u64>,
    lines: Range<u64>,
    table: Range<u64>,
}
