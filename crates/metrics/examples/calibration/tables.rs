//! Many simulated experiments, on every core, and what share of them came out how.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::inference::sequential_sample_ratio;

use super::random::Random;
use super::run::{Cell, Run, simulate};
use super::world::{Outcome, definition};

/// How many runs of a cell came out how.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) runs: usize,
    pub(crate) decided: usize,
    pub(crate) wrong: usize,
    pub(crate) missed: usize,
    pub(crate) plain_decided: usize,
    pub(crate) plain_missed: usize,
    pub(crate) fixed_rejects: usize,
    pub(crate) quiet: usize,
    pub(crate) quiet_rejects: usize,
    pub(crate) quiet_covers: usize,
    pub(crate) quiet_fieller_covers: usize,
    pub(crate) comfortable: usize,
    pub(crate) comfortable_rejects: usize,
    pub(crate) should_warn: usize,
    pub(crate) did_warn: usize,
}

impl Counts {
    fn add(&mut self, run: &Run) {
        let quiet = run.fixed_exists && !run.warned;
        for (count, flag) in [
            (&mut self.runs, true),
            (&mut self.decided, run.decided),
            (&mut self.wrong, run.wrong),
            (&mut self.missed, run.missed),
            (&mut self.plain_decided, run.plain_decided),
            (&mut self.plain_missed, run.plain_missed),
            (&mut self.fixed_rejects, run.fixed_rejects),
            (&mut self.quiet, quiet),
            (&mut self.quiet_rejects, quiet && run.fixed_rejects),
            (&mut self.quiet_covers, quiet && run.fixed_covers),
            (&mut self.quiet_fieller_covers, quiet && run.fieller_covers),
            (&mut self.comfortable, run.comfortable),
            (&mut self.comfortable_rejects, run.comfortable && run.fixed_rejects),
            (&mut self.should_warn, run.should_warn),
            (&mut self.did_warn, run.should_warn && (run.warned || !run.fixed_exists)),
        ] {
            *count += usize::from(flag);
        }
    }

    fn merge(&mut self, other: &Self) {
        for (count, more) in [
            (&mut self.runs, other.runs),
            (&mut self.decided, other.decided),
            (&mut self.wrong, other.wrong),
            (&mut self.missed, other.missed),
            (&mut self.plain_decided, other.plain_decided),
            (&mut self.plain_missed, other.plain_missed),
            (&mut self.fixed_rejects, other.fixed_rejects),
            (&mut self.quiet, other.quiet),
            (&mut self.quiet_rejects, other.quiet_rejects),
            (&mut self.quiet_covers, other.quiet_covers),
            (&mut self.quiet_fieller_covers, other.quiet_fieller_covers),
            (&mut self.comfortable, other.comfortable),
            (&mut self.comfortable_rejects, other.comfortable_rejects),
            (&mut self.should_warn, other.should_warn),
            (&mut self.did_warn, other.did_warn),
        ] {
            *count += more;
        }
    }
}

/// Simulates a cell `runs` times. The runs have seeds of their own, so the result does not depend on the threads.
pub(crate) fn count(cell: &Cell, runs: usize, seed: u64, threads: usize) -> Counts {
    let definition = definition(cell.outcome, cell.arrival, cell.control);
    let skewness = skewness(cell.outcome);
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut counts = Counts::default();
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        break;
                    }
                    let mut random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(run as u64));
                    counts.add(&simulate(cell, &definition, skewness, &mut random));
                }
                total.lock().expect("no thread fails").merge(&counts);
            });
        }
    });
    total.into_inner().expect("no thread fails")
}

/// The skewness of a person's value in control.
fn skewness(outcome: Outcome) -> f64 {
    // Of a log-normal value: (w + 2) sqrt(w - 1), w = exp(sigma^2); of a mixture with zeros by its raw moments.
    let log_normal = |sigma: f64, share: f64| {
        let raw = |power: f64| share * (power * power * sigma * sigma / 2.0).exp();
        let (a, b, c) = (raw(1.0), raw(2.0), raw(3.0));
        (c - 3.0 * a * b + 2.0 * a * a * a) / (b - a * a).powf(1.5)
    };
    match outcome {
        Outcome::Normal | Outcome::Ratio => 0.0,
        Outcome::LogNormal(sigma) => log_normal(sigma, 1.0),
        Outcome::Buyers => log_normal(1.0, 0.03),
        Outcome::Conversion(rate) => (1.0 - 2.0 * rate) / (rate * (1.0 - rate)).sqrt(),
    }
}

/// How many of `runs` experiments with the assignment that was planned raise a sample-ratio alarm at some moment, read
/// after every person.
pub(crate) fn sample_ratio_alarms(control: i64, persons: usize, runs: usize, seed: u64, threads: usize) -> usize {
    let (next, alarms) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let weights = [control as f64, 100.0 - control as f64];
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        break;
                    }
                    let mut random = Random::new(seed.wrapping_mul(7_000_003).wrapping_add(run as u64));
                    let mut counts = [0u64; 2];
                    let fires = (0..persons).any(|_| {
                        counts[usize::from(!random.chance(control as f64 / 100.0))] += 1;
                        sequential_sample_ratio([counts.as_slice()], &weights).is_ok_and(|ratio| ratio.p_value < 0.001)
                    });
                    alarms.fetch_add(usize::from(fires), Ordering::Relaxed);
                }
            });
        }
    });
    alarms.into_inner()
}
