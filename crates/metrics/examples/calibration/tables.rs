//! Many simulated experiments, on every core, and what share of them came out how.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::inference::{SAMPLE_RATIO_CONCENTRATION, sequential_sample_ratio};

use super::random::Random;
use super::run::{Cell, Run, simulate};
use super::world::{LIFTS, definition};

/// How many runs of a cell came out how, under one true lift.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
    pub(crate) quiet_delta_covers: usize,
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
            (&mut self.quiet_delta_covers, quiet && run.delta_covers),
            (&mut self.quiet_fieller_covers, quiet && run.fieller_covers),
            (&mut self.comfortable, run.comfortable),
            (&mut self.comfortable_rejects, run.comfortable && run.fixed_rejects),
            (&mut self.should_warn, run.should_warn),
            (&mut self.did_warn, run.should_warn && (run.warned || !run.fixed_exists)),
        ] {
            *count += usize::from(flag);
        }
    }
}

/// Does `work` for the numbers below `runs` on `threads` threads. Each run has a seed of its own, so what comes out does not
/// depend on the threads, as long as it adds up in any order.
pub(crate) fn spread<T: Send>(
    runs: usize,
    threads: usize,
    work: impl Fn(usize) -> T + Sync,
    mut add: impl FnMut(T) + Send,
) {
    let next = AtomicUsize::new(0);
    let add = Mutex::new(&mut add);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= runs {
                        break;
                    }
                    let found = work(run);
                    (add.lock().expect("no thread fails"))(found);
                }
            });
        }
    });
}

/// Simulates a cell `runs` times, under every true lift. `careful`: see [`simulate`].
pub(crate) fn count(cell: &Cell, runs: usize, seed: u64, threads: usize, careful: bool) -> [Counts; LIFTS.len()] {
    let definition = definition(cell.outcome, cell.arrival, cell.control);
    count_by(runs, seed, threads, |random| simulate(cell, &definition, random, careful))
}

/// Makes `runs` runs, each with a seed of its own, and counts how they came out.
pub(crate) fn count_by(
    runs: usize,
    seed: u64,
    threads: usize,
    simulate: impl Fn(&mut Random) -> [Run; LIFTS.len()] + Sync,
) -> [Counts; LIFTS.len()] {
    let mut counts = [Counts::default(); LIFTS.len()];
    let work = |run: usize| simulate(&mut Random::new(seed.wrapping_mul(1_000_003).wrapping_add(run as u64)));
    spread(runs, threads, work, |runs| {
        for (counts, run) in counts.iter_mut().zip(&runs) {
            counts.add(run);
        }
    });
    counts
}

/// How many of `runs` experiments with the assignment that was planned raise a sample-ratio alarm at some moment, read
/// after every person. The service is asked where its e-value is nearly large enough.
pub(crate) fn sample_ratio_alarms(control: i64, persons: usize, runs: usize, seed: u64, threads: usize) -> usize {
    let weights = [control as f64, 100.0 - control as f64];
    let shares = weights.map(|weight| weight / 100.0);
    let alarm = 1000f64.ln();
    let work = |run: usize| {
        let mut random = Random::new(seed.wrapping_mul(7_000_003).wrapping_add(run as u64));
        let (mut counts, mut log_e_value, mut all) = ([0u64; 2], 0.0, 0.0);
        (0..persons).any(|_| {
            let arm = usize::from(!random.chance(shares[0]));
            let prior = SAMPLE_RATIO_CONCENTRATION * shares[arm];
            let predicted = (prior + counts[arm] as f64) / (SAMPLE_RATIO_CONCENTRATION + all);
            log_e_value += (predicted / shares[arm]).ln();
            counts[arm] += 1;
            all += 1.0;
            log_e_value > alarm - 1e-6
                && sequential_sample_ratio([counts.as_slice()], &weights).is_ok_and(|ratio| ratio.p_value < 0.001)
        })
    };
    let mut alarms = 0;
    spread(runs, threads, work, |fires| alarms += usize::from(fires));
    alarms
}
