//! `journeylift bench`: how fast the service is on this machine, as ratios taken in one run.
//!
//! A temporary Postgres with durable settings and the service as a process of its own ([`ground`]) are given synthetic
//! [`journeys`] over HTTP, as a hand-written [`client`] posts them. Each part of the benchmark is a file that measures one
//! thing against something that others would use instead; [`mod@course`] says in which order. In the end all sums must be
//! those of the SQL over the raw events ([`verified`]). All SQL that it is measured against is here, in `sql/`.

mod added;
mod args;
mod clickhouse;
mod client;
mod course;
mod cpu;
mod dice;
mod disk;
mod event;
mod fresh;
mod ground;
mod imports;
mod inference;
mod ingest;
mod journeys;
mod lifts;
mod load;
mod machine;
mod memory;
mod packed;
mod profile;
mod python;
mod questions;
mod report;
mod served;
mod singles;
mod soak;
mod start;
mod steady;
mod sums;
mod timing;
mod trials;
mod verified;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

pub use self::args::BenchArgs;
use self::args::Part;
use self::course::Bench;
use self::report::{Line, Results};
use self::timing::shown;
use self::verified::Verified;
use crate::Signals;
use crate::import::progress::to_stderr;

/// Runs the benchmark, prints its table and writes its file. Fails where a sum differs from that of the events.
pub async fn run(args: &BenchArgs, json: bool) -> anyhow::Result<ExitCode> {
    let begun = Instant::now();
    let directory = args.dir.clone().unwrap_or_else(std::env::temp_dir);
    let mut facts = machine::describe(&directory);
    facts.push(("size", args.size_name().to_owned()));
    let mut lines = Vec::new();
    if args.wants(Part::Binary) {
        lines.push(binary()?);
    }
    if args.wants(Part::Inference) {
        lines.extend(inference::lines(args).await?);
    }
    let mut verified = Ok("There were no events, so that there was nothing to verify.".to_owned());
    if args.needs_events() {
        let more;
        (more, verified) = Box::pin(course(args, begun, &directory, &mut lines)).await?;
        facts.extend(more);
    }
    if args.wants(Part::Packed) {
        // What was found before is written even where this run fails.
        let (more, also) = match packed::lines(args, begun, &directory).await {
            Ok(found) => found,
            Err(error) => (Vec::new(), Err(format!("**The run with packed events failed: {error:#}**"))),
        };
        lines.extend(more);
        verified = match (verified, also) {
            (Ok(first), Ok(second)) => Ok(format!("{first}\n\nPacked events, on their own. {second}")),
            (Err(differing), _) | (_, Err(differing)) => Err(differing),
        };
    }
    facts.push(("took", shown(begun.elapsed())));
    let right = verified.is_ok();
    let results = Results { facts, lines, verified: verified.unwrap_or_else(|differing| differing) };
    results.write(&args.out)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", if json { serde_json::to_string(&results)? } else { results.table() })?;
    to_stderr(&format!("written to {} after {}", args.out.display(), shown(begun.elapsed())));
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What there is to say of the size of a run, and what the verification came to.
type Course = (Vec<(&'static str, String)>, Verified);

/// Everything that needs the service and events, on servers of its own.
async fn course(args: &BenchArgs, begun: Instant, directory: &Path, lines: &mut Vec<Line>) -> anyhow::Result<Course> {
    let mut bench = Box::pin(Bench::start(args, begun, directory)).await?;
    let facts = bench.facts().await?;
    let mut signals = Signals::listen()?;
    let outcome = tokio::select! {
        outcome = bench.run() => outcome,
        _ = signals.next() => Err(anyhow::anyhow!("told to stop")),
    };
    lines.append(&mut bench.lines);
    // A run can take hours: what one that fails had found until then is shown, but not written, since nothing of it was
    // verified. The servers are stopped where it fails, too.
    if outcome.is_err() {
        let found = Results { facts: facts.clone(), lines: std::mem::take(lines), verified: UNVERIFIED.to_owned() };
        to_stderr(&found.table());
    }
    bench.ground.stop().await?;
    Ok((facts, outcome?))
}

const UNVERIFIED: &str = "Nothing of this was verified.";

/// The size of this very program.
fn binary() -> anyhow::Result<Line> {
    let bytes = std::fs::metadata(std::env::current_exe()?)?.len() as f64;
    let line = Line::new("the program, everything in it", format!("{:.1} MB", bytes / 1e6));
    Ok(line.target("<= 30 MB", bytes <= 30e6))
}
