//! The short form of `make calibration`: a few hundred simulated experiments of each kind, read after every person.
//!
//! Seeds are fixed, so the result is always the same. A promise of 5 % is tested at five standard errors: this looks for what
//! is broken, the long form for what is a little off.

#[path = "../examples/calibration/lifetimes.rs"]
mod lifetimes;
#[path = "../examples/calibration/near.rs"]
mod near;
#[path = "../examples/calibration/power.rs"]
mod power;
#[path = "../examples/calibration/random.rs"]
mod random;
#[path = "../examples/calibration/run.rs"]
mod run;
#[path = "../examples/calibration/sums.rs"]
mod sums;
#[path = "../examples/calibration/tables.rs"]
mod tables;
#[path = "../examples/calibration/world.rs"]
mod world;

use run::Cell;
use tables::{Counts, count, sample_ratio_alarms};
use world::{ARRIVALS, Arrival, LIFTS, OUTCOMES, Outcome};

const SEED: u64 = 7;
const THREADS: usize = 2;
const PERSONS: usize = 1000;

fn counts(outcome: Outcome, arrival: Arrival, control: i64, runs: usize) -> [Counts; LIFTS.len()] {
    count(&Cell { outcome, arrival, control, persons: PERSONS }, runs, SEED, THREADS, false)
}

/// The place of a lift among those that are simulated.
fn lift(of: f64) -> usize {
    LIFTS.iter().position(|lift| (lift.value() - of).abs() < 1e-9).expect("a lift that is simulated")
}

/// `part` of `whole` is not more than `promise` by five standard errors.
fn holds(part: usize, whole: usize, promise: f64) -> bool {
    let error = (promise * (1.0 - promise) / whole.max(1) as f64).sqrt();
    part as f64 <= whole as f64 * (promise + 5.0 * error)
}

#[test]
fn no_winner_is_invented() {
    const RUNS: usize = 40;
    let (mut decided_plainly, mut decided) = (0, 0);
    for arrival in ARRIVALS {
        for outcome in OUTCOMES {
            for control in [50, 5] {
                let counts = counts(outcome, arrival, control, RUNS)[0];
                assert!(holds(counts.wrong, RUNS, 0.05), "{} {} {control}: {counts:?}", outcome.name(), arrival.name());
                assert!(
                    holds(counts.missed, RUNS, 0.05),
                    "{} {} {control}: {counts:?}",
                    outcome.name(),
                    arrival.name()
                );
                decided += counts.decided;
                decided_plainly += counts.plain_decided;
                assert_eq!(counts.decided, counts.wrong);
                assert!(counts.did_warn * 100 >= counts.should_warn * 99, "{outcome:?} {control}: {counts:?}");
            }
        }
    }
    // Together far fewer than 5 %; and the plain sequence is worse by an order of magnitude, or the table would say nothing.
    let all = RUNS * ARRIVALS.len() * OUTCOMES.len() * 2;
    assert!(decided * 100 <= 3 * all, "{decided} of {all}");
    assert!(decided_plainly > 5 * decided, "{decided_plainly} against {decided}");
}

#[test]
fn true_lifts_stay_inside_and_are_found() {
    const RUNS: usize = 20;
    for (outcome, true_lift, finds) in [
        (Outcome::Normal, 0.2, true),
        (Outcome::Conversion(0.05), 1.0, false),
        (Outcome::Buyers, 1.0, false),
        (Outcome::LogNormal(1.0), 0.5, true),
        (Outcome::Ratio, 0.5, true),
    ] {
        for (control, arrival) in [(50, Arrival::Persons), (10, Arrival::Persons), (90, Arrival::Days)] {
            let counts = counts(outcome, arrival, control, RUNS)[lift(true_lift)];
            assert!(holds(counts.missed, RUNS, 0.05), "{outcome:?} {control}: {counts:?}");
            assert_eq!(counts.wrong, 0, "{outcome:?} {control}: {counts:?}");
            assert!(!finds || control != 50 || counts.decided * 10 >= RUNS * 8, "{outcome:?} {control}: {counts:?}");
        }
    }
}

/// Arms estimate how long their persons stay, each by itself.
#[test]
fn lifespans_are_estimated_without_inventing_winners() {
    const RUNS: usize = 40;
    for control in [50, 10] {
        let [many, _] = lifetimes::STAYS.map(|stay| {
            let counts = lifetimes::count(stay, control, 3 * PERSONS, RUNS, SEED, THREADS);
            let place = format!("{} {control}: {counts:?}", stay.name());
            assert!(holds(counts[0].wrong, RUNS, 0.05), "{place}");
            assert_eq!(counts[0].decided, counts[0].wrong, "{place}");
            assert!(counts.iter().all(|counts| holds(counts.missed, RUNS, 0.05)), "{place}");
            assert!(counts.iter().all(|counts| counts.did_warn * 100 >= counts.should_warn * 99), "{place}");
            assert!(counts[1..].iter().all(|counts| counts.wrong == 0), "{place}");
            counts
        });
        // Where many leave, staying long enough to be worth half as much again is found by arms of a size.
        assert!(control != 50 || many[lift(0.5)].decided * 10 >= RUNS * 8, "{control}: {many:?}");
    }
}

#[test]
fn the_sample_ratio_seldom_cries_wolf() {
    let alarms: usize =
        [50, 5].into_iter().map(|control| sample_ratio_alarms(control, PERSONS, 100, SEED, THREADS)).sum();
    assert!(alarms <= 1, "{alarms}");
}

#[test]
fn a_fixed_horizon_without_a_warning_is_calibrated() {
    const RUNS: usize = 400;
    let counts = counts(Outcome::Normal, Arrival::Days, 50, RUNS)[lift(0.2)];
    assert_eq!((counts.quiet, counts.comfortable), (RUNS, RUNS));
    for covers in [counts.quiet_covers, counts.quiet_delta_covers, counts.quiet_fieller_covers] {
        assert!(holds(RUNS - covers, RUNS, 0.05), "{counts:?}");
    }
    assert!(counts.quiet_rejects == RUNS && counts.comfortable_rejects == counts.fixed_rejects);
    assert!(counts.runs == RUNS && counts.plain_missed < RUNS);
}

/// Passing over the looks whose answer can be foreseen changes nothing: asking the service at every look counts the same.
#[test]
fn nothing_is_passed_over() {
    for arrival in ARRIVALS {
        for outcome in OUTCOMES {
            for control in [50, 5, 90] {
                let cell = Cell { outcome, arrival, control, persons: 150 };
                let [quick, careful] = [false, true].map(|careful| count(&cell, 4, SEED, THREADS, careful));
                assert_eq!(quick, careful, "{cell:?}");
            }
        }
    }
}

#[test]
fn the_power_that_is_told_is_had() {
    const RUNS: usize = 60;
    let power = power::power(Outcome::Normal, 50, RUNS, SEED, THREADS).expect("there is an effect that is found");
    assert!(power.lift > 0.0 && power.comfortable == [true; power::BY.len()]);
    for (told, found) in power.told.iter().flatten().zip(power.found.iter().flatten()) {
        let told = told.expect("there is a power");
        let error = (told * (1.0 - told) / RUNS as f64).sqrt();
        let had = *found as f64 / RUNS as f64;
        assert!((had - told).abs() <= 0.03 + 5.0 * error, "told {told}, had {had}");
    }
}
