//! How often are the answers wrong? Whole experiments are simulated and read again and again; the table says what share
//! of them was ever wrong, beside what was promised.
//!
//! `cargo run --release -p metrics --example calibration -- [--runs 10000] [--persons 10000] [--seed 1] [--threads N]`

#![expect(clippy::print_stdout, reason = "a program that prints a table")]

mod random;
mod run;
mod tables;
mod world;

use run::Cell;
use tables::{Counts, count, sample_ratio_alarms};
use world::{ARRIVALS, Arrival, OUTCOMES};

/// What was promised.
const EVER_WRONG: f64 = 0.05;
const FIXED: f64 = 0.055;
const LEAST_FIXED: f64 = 0.045;
const COVERAGE: f64 = 0.94;
const WARNED: f64 = 0.99;

struct Options {
    runs: usize,
    persons: usize,
    seed: u64,
    threads: usize,
    lifts: usize,
}

fn options() -> Options {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut options = Options { runs: 10_000, persons: 10_000, seed: 1, threads: cores, lifts: 2_000 };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let number = pair.get(1).and_then(|text| text.parse().ok());
        let number: usize = number.expect("each option has a whole number");
        match pair[0].as_str() {
            "--runs" => options.runs = number,
            "--lift-runs" => options.lifts = number,
            "--persons" => options.persons = number,
            "--seed" => options.seed = number as u64,
            "--threads" => options.threads = number,
            other => println!("{other} is no option"),
        }
    }
    options
}

fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "-".into() } else { format!("{:.2}", 100.0 * part as f64 / whole as f64) }
}

/// A share that is above its promise by more than three of its standard errors: chance does not explain it.
fn is_above(part: usize, whole: usize, promise: f64) -> bool {
    let error = (promise * (1.0 - promise) / (whole.max(1) as f64)).sqrt();
    whole > 0 && part as f64 / whole as f64 > promise + 3.0 * error
}

fn main() {
    let options = options();
    let mut broken = Vec::new();
    println!(
        "{} runs of {} persons without an effect, {} with one; seed {}. Shares in per cent.",
        options.runs, options.persons, options.lifts, options.seed
    );
    println!(
        "ever wrong: a verdict against the truth at some moment; plain: the uncorrected sequence excludes the truth"
    );
    println!("lift missed: the lift set excludes the true lift at some moment from the gate on");
    println!(
        "fixed: Welch's test at the end rejects; quiet: without a warning; cover: intervals without a warning hold the truth"
    );
    println!(
        "{:>7} {:>8} {:>14} {:>5} | {:>10} {:>7} {:>11} {:>7} {:>7} | {:>6} {:>6} {:>7} {:>7} {:>7} | {:>7} {:>7}",
        "split",
        "arrival",
        "outcome",
        "lift",
        "ever wrong",
        "plain",
        "lift missed",
        "power",
        "plain p",
        "fixed",
        "quiet",
        "rejects",
        "cover",
        "Fieller",
        "should",
        "warned"
    );
    for control in [50, 10, 90, 5, 95] {
        for arrival in ARRIVALS {
            for outcome in OUTCOMES {
                for lift in [0.0, 0.2, 0.5, 1.0] {
                    let runs = if lift == 0.0 { options.runs } else { options.lifts };
                    let cell = Cell { outcome, arrival, control, lift, persons: options.persons };
                    let counts = count(&cell, runs, options.seed, options.threads);
                    print(&cell, &counts);
                    judge(&cell, &counts, &mut broken);
                }
            }
        }
    }
    for control in [50, 10, 5] {
        let alarms = sample_ratio_alarms(control, options.persons, options.runs, options.seed, options.threads);
        println!(
            "sample ratio {control}:{}: {alarms} alarms in {} runs read after every person",
            100 - control,
            options.runs
        );
        if alarms * 10_000 > 16 * options.runs.max(10_000) {
            broken.push(format!("sample ratio {control}:{}: {alarms} alarms", 100 - control));
        }
    }
    if broken.is_empty() {
        println!("everything that was promised holds");
    } else {
        println!("{} promises do not hold:", broken.len());
        for line in &broken {
            println!("  {line}");
        }
        std::process::exit(1);
    }
}

fn print(cell: &Cell, counts: &Counts) {
    let of_runs = |part: usize| percent(part, counts.runs);
    println!(
        "{:>7} {:>8} {:>14} {:>5} | {:>10} {:>7} {:>11} {:>7} {:>7} | {:>6} {:>6} {:>7} {:>7} {:>7} | {:>7} {:>7}",
        format!("{}:{}", cell.control, 100 - cell.control),
        cell.arrival.name(),
        cell.outcome.name(),
        format!("{}%", 100.0 * cell.lift),
        of_runs(counts.wrong),
        of_runs(counts.plain_missed),
        of_runs(counts.missed),
        of_runs(counts.decided),
        of_runs(counts.plain_decided),
        of_runs(counts.fixed_rejects),
        of_runs(counts.quiet),
        percent(counts.quiet_rejects, counts.quiet),
        percent(counts.quiet_covers, counts.quiet),
        percent(counts.quiet_fieller_covers, counts.quiet),
        of_runs(counts.should_warn),
        percent(counts.did_warn, counts.should_warn),
    );
}

fn judge(cell: &Cell, counts: &Counts, broken: &mut Vec<String>) {
    let mut check = |holds: bool, promise: &str| {
        if !holds {
            broken.push(format!(
                "{}:{} {} {} lift {}: {promise}",
                cell.control,
                100 - cell.control,
                cell.arrival.name(),
                cell.outcome.name(),
                cell.lift
            ));
        }
    };
    check(!is_above(counts.wrong, counts.runs, EVER_WRONG), "ever wrong <= 5 %");
    check(!is_above(counts.missed, counts.runs, EVER_WRONG), "lift missed <= 5 %");
    if cell.lift == 0.0 {
        check(!is_above(counts.quiet_rejects, counts.quiet, FIXED), "fixed horizon without a warning <= 5.5 %");
        let accepts = counts.comfortable - counts.comfortable_rejects;
        let within = !is_above(counts.comfortable_rejects, counts.comfortable, FIXED)
            && !is_above(accepts, counts.comfortable, 1.0 - LEAST_FIXED);
        check(within, "fixed horizon within 4.5 - 5.5 % where normal theory holds");
    }
    let misses = counts.quiet - counts.quiet_covers;
    // Few runs without a warning say nothing about coverage.
    if counts.quiet >= 200 && cell.arrival != Arrival::Blast {
        check(!is_above(misses, counts.quiet, 1.0 - COVERAGE), "coverage without a warning >= 94 %");
        check(!is_above(counts.quiet - counts.quiet_fieller_covers, counts.quiet, 1.0 - COVERAGE), "Fieller >= 94 %");
    }
    check(!is_above(counts.should_warn - counts.did_warn, counts.should_warn, 1.0 - WARNED), "warned in >= 99 %");
}
