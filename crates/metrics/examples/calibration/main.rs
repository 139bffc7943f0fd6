//! How often are the answers wrong? Whole experiments are simulated and read again and again; the tables say what share
//! of them was ever wrong, beside what was promised.
//!
//! `cargo run --release -p metrics --example calibration -- [--runs 10000] [--persons 10000] [--seed 1] [--threads N]`
//!
//! The tables go to the output as Markdown; how far it is goes to the error output.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints tables")]

mod lifetimes;
mod near;
mod power;
mod promises;
mod random;
mod run;
mod sums;
mod tables;
mod world;

use promises::{Promise, Share};
use run::Cell;
use tables::{Counts, count, sample_ratio_alarms};
use world::{ARRIVALS, LIFTS, OUTCOMES};

/// Few runs without a warning say nothing about coverage.
const ENOUGH: usize = 200;
/// The power is told for so many times fewer runs: its 3 points are many standard errors wide.
const POWER_PART: usize = 5;

struct Options {
    runs: usize,
    persons: usize,
    seed: u64,
    threads: usize,
}

fn options() -> Options {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut options = Options { runs: 10_000, persons: 10_000, seed: 1, threads: cores };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let number = pair.get(1).and_then(|text| text.parse().ok());
        let number: usize = number.expect("each option has a whole number");
        match pair[0].as_str() {
            "--runs" => options.runs = number,
            "--persons" => options.persons = number,
            "--seed" => options.seed = number as u64,
            "--threads" => options.threads = number,
            other => eprintln!("{other} is no option"),
        }
    }
    options
}

/// Everything that was promised of the cells.
struct Promises {
    ever_wrong: Promise,
    wrong_sign: Promise,
    missed: [Promise; LIFTS.len()],
    fixed: Promise,
    fixed_quiet: Promise,
    fixed_most: Promise,
    fixed_least: Promise,
    covers: Promise,
    delta_covers: Promise,
    fieller_covers: Promise,
    warned: Promise,
}

impl Promises {
    fn new() -> Self {
        let missed = [
            "lift set misses a lift of 0 % at some moment from the gate on",
            "lift set misses a lift of 20 % at some moment from the gate on",
            "lift set misses a lift of 50 % at some moment from the gate on",
            "lift set misses a lift of 100 % at some moment from the gate on",
        ];
        let at_most_5 = "<= 5 %";
        Self {
            ever_wrong: Promise::new("ever a verdict without an effect, read all the while", at_most_5),
            wrong_sign: Promise::new("ever a verdict against a true lift, read all the while", at_most_5),
            missed: missed.map(|what| Promise::new(what, at_most_5)),
            fixed: Promise::new("fixed horizon rejects without an effect, everywhere", "<= 5.5 %"),
            fixed_quiet: Promise::new("fixed horizon rejects without an effect and without a warning", "<= 5.5 %"),
            fixed_most: Promise::new("the same where e >= 200 and skewness^2 x 355 <= n_min", "<= 5.5 %"),
            fixed_least: Promise::new("the same where e >= 200 and skewness^2 x 355 <= n_min", ">= 4.5 %"),
            covers: Promise::new("interval of the difference without a warning holds the truth", ">= 94 %"),
            delta_covers: Promise::new("delta interval of the lift without a warning holds the truth", ">= 94 %"),
            fieller_covers: Promise::new("Fieller's interval of the lift without a warning holds the truth", ">= 94 %"),
            warned: Promise::new("warned where e < 25 or skewness^2 x 355 > n_min", ">= 99 %"),
        }
    }

    fn add(&mut self, lift: usize, counts: &Counts, place: &str) {
        let of_runs = |part: usize| Share::of(part, counts.runs);
        self.missed[lift].at_most(0.05, of_runs(counts.missed), place);
        if lift == 0 {
            self.ever_wrong.at_most(0.05, of_runs(counts.wrong), place);
            self.fixed.at_most(0.055, of_runs(counts.fixed_rejects), place);
            let comfortable = Share::of(counts.comfortable_rejects, counts.comfortable);
            self.fixed_most.at_most(0.055, comfortable, place);
            self.fixed_least.at_least(0.045, comfortable, place);
        } else {
            self.wrong_sign.at_most(0.05, of_runs(counts.wrong), place);
        }
        if counts.quiet >= ENOUGH {
            let of_quiet = |part: usize| Share::of(part, counts.quiet);
            if lift == 0 {
                self.fixed_quiet.at_most(0.055, of_quiet(counts.quiet_rejects), place);
            }
            self.covers.at_least(0.94, of_quiet(counts.quiet_covers), place);
            self.delta_covers.at_least(0.94, of_quiet(counts.quiet_delta_covers), place);
            self.fieller_covers.at_least(0.94, of_quiet(counts.quiet_fieller_covers), place);
        }
        self.warned.at_least(0.99, Share::of(counts.did_warn, counts.should_warn), place);
    }

    fn into_list(self) -> Vec<Promise> {
        let mut list = vec![self.ever_wrong, self.wrong_sign];
        list.extend(self.missed);
        list.extend([self.fixed, self.fixed_quiet, self.fixed_most, self.fixed_least]);
        list.extend([self.covers, self.delta_covers, self.fieller_covers, self.warned]);
        list
    }
}

fn split(control: i64) -> String {
    format!("{control}:{}", 100 - control)
}

fn main() {
    let options = options();
    let Options { runs, persons, seed, threads } = options;
    let mut promises = Promises::new();
    let mut cells = Vec::new();
    for control in [50, 10, 90, 5, 95] {
        for arrival in ARRIVALS {
            for outcome in OUTCOMES {
                let cell = Cell { outcome, arrival, control, persons };
                let counts = count(&cell, runs, seed, threads, false);
                let names = [split(control), arrival.name().into(), outcome.name()];
                tell(&names, &counts, &mut promises, &mut cells);
            }
        }
        for stay in lifetimes::STAYS {
            let counts = lifetimes::count(stay, control, persons, runs, seed, threads);
            let names = [split(control), world::Arrival::Days.name().into(), stay.name()];
            tell(&names, &counts, &mut promises, &mut cells);
        }
    }
    let (powers, told) = powers(runs, seed, threads);
    let (ratios, alarms) = sample_ratios(&options);
    let mut list = promises.into_list();
    list.extend(told);
    list.push(alarms);
    println!(
        "{runs} runs of {persons} persons in each cell, under every true lift; seed {seed}. A promise is missed where a share lies \
         beyond it by more than three standard errors, which chance does not explain.\n"
    );
    println!("| what | promised | cells | worst | verdict |\n|---|---|---:|---|---|");
    for promise in &list {
        println!("{}", promise.row());
    }
    let misses: Vec<String> = list.iter().flat_map(Promise::misses).collect();
    if !misses.is_empty() {
        println!("\n## Where promises are missed\n\n{}", misses.join("\n"));
    }
    println!("\n## Power by N\n\n{}", powers.join("\n"));
    println!("\n## Sample ratio\n\n{}", ratios.join("\n"));
    println!("\n## Every cell\n\n{LEGEND}\n\n{HEAD}\n{}", cells.join("\n"));
    std::process::exit(i32::from(!misses.is_empty()));
}

fn percent_of(lift: usize) -> String {
    format!("+{:.0} %", 100.0 * LIFTS[lift].value())
}

const LEGEND: &str = "Shares of runs in per cent. *wrong*: a verdict against the truth at some moment; *plain*: the uncorrected sequence \
    (`t = n_T + n_C`, Welch's standard error) excludes the truth at some moment; *missed*: the lift set excludes the true lift at \
    some moment from the gate on; *verdict*, *plain verdict*: a verdict at some moment. At the end: *rejects*: Welch's test; *quiet*: \
    answers without a warning; of these *q. rejects* and the share of intervals that hold the truth, of the difference, of the \
    lift by the delta method, and by Fieller; *should*, *warned*: runs that have to warn, and the share of them that do.";
const HEAD: &str = "| split | arrival | outcome | lift | wrong | plain | missed | verdict | plain verdict | rejects | quiet | q. rejects | \
    difference | delta | Fieller | should | warned |\n|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

/// Tells what came out of a cell, by true lift.
fn tell(names: &[String; 3], counts: &[Counts], promises: &mut Promises, cells: &mut Vec<String>) {
    let place = names.join(" ");
    for (lift, counts) in counts.iter().enumerate() {
        promises.add(lift, counts, &format!("{place} {}", percent_of(lift)));
        cells.push(row(names, lift, counts));
    }
    eprintln!("{place}");
}

fn row(names: &[String; 3], lift: usize, counts: &Counts) -> String {
    let of_runs = |part: usize| Share::of(part, counts.runs).text();
    let of_quiet = |part: usize| Share::of(part, counts.quiet).text();
    let [split, arrival, outcome] = names.clone();
    let columns = [
        split,
        arrival,
        outcome,
        percent_of(lift),
        of_runs(counts.wrong),
        of_runs(counts.plain_missed),
        of_runs(counts.missed),
        of_runs(counts.decided),
        of_runs(counts.plain_decided),
        of_runs(counts.fixed_rejects),
        of_runs(counts.quiet),
        of_quiet(counts.quiet_rejects),
        of_quiet(counts.quiet_covers),
        of_quiet(counts.quiet_delta_covers),
        of_quiet(counts.quiet_fieller_covers),
        of_runs(counts.should_warn),
        Share::of(counts.did_warn, counts.should_warn).text(),
    ];
    format!("| {} |", columns.join(" | "))
}

/// The power that is told against the power that is had.
fn powers(runs: usize, seed: u64, threads: usize) -> (Vec<String>, [Promise; 2]) {
    let runs = (runs / POWER_PART).max(1);
    let mut promise =
        Promise::new("power by N differs from `/power` where normal theory is to be trusted", "<= 3 points");
    let mut everywhere = Promise::new("power by N differs from `/power`, everywhere", "<= 3 points");
    let columns = power::METHODS
        .iter()
        .flat_map(|method| power::BY.map(|persons| format!("{} {persons}", format!("{method:?}").to_lowercase())));
    let columns: Vec<String> = columns.collect();
    let mut rows = vec![
        "Effects are those that a sequence finds with 80 % within 5 000 persons, the same for everyone (per order for a ratio, on \
         the rate for conversions). Told / had, in per cent; in brackets where normal theory is not to be trusted and the answer \
         warns.\n"
            .to_owned(),
        format!("| split | outcome | effect | {} |", columns.join(" | ")),
        format!("|---|---|---:|{}", "---:|".repeat(columns.len())),
    ];
    rows[0] = format!("{runs} runs. {}", rows[0]);
    for control in [50, 10, 90, 5, 95] {
        for outcome in OUTCOMES {
            eprintln!("power {} {}", split(control), outcome.name());
            let Some(power) = power::power(outcome, control, runs, seed, threads) else { continue };
            let mut cells = Vec::new();
            for (at, method) in power::METHODS.iter().enumerate() {
                for (place_at, persons) in power::BY.iter().enumerate() {
                    let had = Share::of(power.found[at][place_at], runs);
                    let Some(told) = power.told[at][place_at] else {
                        cells.push(format!("- / {}", had.text()));
                        continue;
                    };
                    let off = (had.value() - told).abs();
                    let chance = 3.0 * (told * (1.0 - told) / runs as f64).sqrt();
                    let text = format!("{:.1} / {:.1}", 100.0 * told, 100.0 * had.value());
                    cells.push(if power.comfortable[place_at] { text } else { format!("({text})") });
                    let name = format!("{method:?}").to_lowercase();
                    let place = format!("{} {} {name} by {persons}", split(control), outcome.name());
                    if power.comfortable[place_at] {
                        promise.cell(off, 0.03 + chance, off, &place);
                    }
                    everywhere.cell(off, 0.03 + chance, off, &place);
                }
            }
            rows.push(format!(
                "| {} | {} | {:+.1} % | {} |",
                split(control),
                outcome.name(),
                100.0 * power.lift,
                cells.join(" | ")
            ));
        }
    }
    (rows, [promise, everywhere])
}

fn sample_ratios(options: &Options) -> (Vec<String>, Promise) {
    let Options { runs, persons, seed, threads } = *options;
    let mut promise = Promise::new("sample-ratio alarms, read after every person", "<= 16 in 10 000");
    let mut rows = vec!["| split | alarms | runs | promised |\n|---|---:|---:|---:|".to_owned()];
    for control in [50, 10, 90, 5, 95] {
        let alarms = sample_ratio_alarms(control, persons, runs, seed, threads);
        rows.push(format!("| {} | {alarms} | {runs} | <= 16 in 10 000 |", split(control)));
        let share = Share::of(alarms, runs);
        // 0.1 % is what is promised of each experiment; sixteen of 10 000 are 1.9 standard errors more.
        promise.cell(share.above(0.001), 1.9, share.value(), &split(control));
    }
    (rows, promise)
}
