//! Is the power that `/power` tells the power that experiments have?

use journey::{Method, UNIT};
use metrics::inference::DEFAULT_PLANNED_PERSONS;
use metrics::inference::power::{Baseline, Design, Direction, Horizon, Noise};
use metrics::report::{CONTRIBUTORS, PLANNED_CONTRIBUTORS, Verdict};

use super::random::Random;
use super::run::{Cell, Watch};
use super::tables::spread;
use super::world::{Arrival, LIFTS, Outcome, definition, tens};

/// Numbers of persons at which the power is told.
pub(crate) const BY: [usize; 4] = [1_000, 2_000, 5_000, 10_000];

/// The methods whose power is told.
pub(crate) const METHODS: [Method; 3] = [Method::Sequential, Method::Frequentist, Method::Bayesian];

/// An effect, and what power it has where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Power {
    /// The effect, as a fraction of control's KPI: the one that a sequence finds with 80 % within 5 000 persons.
    pub(crate) lift: f64,
    /// By method and number of persons: what is told, in shares.
    pub(crate) told: [[Option<f64>; BY.len()]; METHODS.len()],
    /// In how many runs there was a verdict by then (at that reading, for a fixed horizon).
    pub(crate) found: [[usize; BY.len()]; METHODS.len()],
    /// Whether normal theory has every reason to hold at each of the numbers of persons.
    pub(crate) comfortable: [bool; BY.len()],
}

/// What `/power` knows of a metric: its KPI and the variance between persons.
fn baseline(outcome: Outcome) -> Baseline {
    let log_normal = |median: f64, sigma: f64| (median * median) * (sigma * sigma).exp_m1() * (sigma * sigma).exp();
    let value = outcome.mean();
    let variance = match outcome {
        Outcome::Conversion(rate) => return Baseline::Conversion(rate),
        Outcome::Normal => 9.0,
        Outcome::LogNormal(sigma) => log_normal(10.0, sigma),
        Outcome::Buyers => 0.03 * 900.0 * 2f64.exp() - value * value,
        // Of a person's orders less what they would be worth on average, over the mean number of orders, squared.
        Outcome::Ratio => log_normal(20.0, 0.5) / (0.3 * 1.56),
    };
    Baseline::Mean { value, variance }
}

/// The share of persons who contribute at least, as the gate tells it from sums; conversions have no gate.
fn gate_share(outcome: Outcome, baseline: &Baseline) -> f64 {
    match *baseline {
        Baseline::Conversion(_) => f64::INFINITY,
        // Three in ten order: 60 % of them once, 24 % twice, 16 % three times. The denominator bounds the share.
        Baseline::Mean { .. } if outcome.is_ratio() => 0.3 * 1.56f64.powi(2) / (0.6 + 0.24 * 4.0 + 0.16 * 9.0),
        Baseline::Mean { value, variance } => {
            let alike = value * value / (variance + value * value);
            alike.max(1.0 / (4.0 + outcome.skewness().powi(2)))
        }
    }
}

fn design(method: Method, baseline: &Baseline, control: i64) -> Design {
    let (horizon, confidence) = match method {
        Method::Sequential => (Horizon::Sequential { tuning: DEFAULT_PLANNED_PERSONS }, 0.95),
        Method::Frequentist => (Horizon::Fixed, 0.95),
        // A chance of 95 % is a two-sided statement at 90 %.
        Method::Bayesian => match *baseline {
            Baseline::Mean { variance, .. } => (Horizon::Lift(Noise { variance, covariance: variance }), 0.9),
            Baseline::Conversion(_) => (Horizon::Fixed, 0.9),
        },
    };
    Design { horizon, confidence, share: 1.0 - control as f64 / 100.0 }
}

/// Simulates experiments with an effect that adds as much for everyone (per order for a ratio; to the rate of a
/// conversion), which is what a power from one variance speaks of. `None` where no effect is large enough.
pub(crate) fn power(outcome: Outcome, control: i64, runs: usize, seed: u64, threads: usize) -> Option<Power> {
    let baseline = baseline(outcome);
    let effect = design(Method::Sequential, &baseline, control)
        .minimum_detectable_effect(&baseline, 5_000.0, 0.8, Direction::Up)
        .ok()?;
    let smaller = |persons: usize| persons as f64 * control.min(100 - control) as f64 / 100.0;
    let told = METHODS.map(|method| {
        BY.map(|persons| {
            // Before the gate a sequence gives no verdict on values, and `/power` tells the reason in place of a power.
            let is_gated =
                method == Method::Sequential && gate_share(outcome, &baseline) * smaller(persons) < CONTRIBUTORS;
            design(method, &baseline, control).power(&baseline, effect, persons as f64).ok().filter(|_| !is_gated)
        })
    });
    let comfortable = BY.map(|persons| {
        outcome.contributing() * smaller(persons) >= PLANNED_CONTRIBUTORS
            && 355.0 * outcome.skewness().powi(2) <= smaller(persons)
    });
    let cell = Cell { outcome, arrival: Arrival::Persons, control, persons: BY[BY.len() - 1] };
    let definition = definition(outcome, Arrival::Persons, control);
    let work = |run: usize| {
        let mut random = Random::new(seed.wrapping_mul(3_000_017).wrapping_add(run as u64));
        let mut watch = Watch::new(&cell, &definition, 1, false);
        let mut found = [[false; BY.len()]; METHODS.len()];
        for at in 1..=cell.persons {
            let arm = usize::from(!random.chance(control as f64 / 100.0));
            let added = if arm == 1 { effect } else { 0.0 };
            let mut person = outcome.draw(&mut random);
            match outcome {
                // Drawn anew at its own rate: the watch looks at the first of the lifts.
                Outcome::Conversion(rate) => person.converts = [random.chance(rate + added); LIFTS.len()],
                Outcome::Ratio => person.y += tens(added) * (person.d / UNIT),
                _ => person.y += tens(added),
            }
            watch.arms.expose(arm);
            watch.add(arm, &person);
            watch.look();
            if let Some(place) = BY.iter().position(|by| *by == at) {
                for (method, found) in METHODS.iter().zip(&mut found) {
                    found[place] = match method {
                        Method::Sequential => watch.runs[0].decided,
                        other => watch.foreseen(*other).unwrap_or_else(|| {
                            matches!(watch.judge(0, *other).0.verdict.0, Verdict::Better | Verdict::Worse)
                        }),
                    };
                }
            }
        }
        found
    };
    let mut counts = [[0; BY.len()]; METHODS.len()];
    spread(runs, threads, work, |found| {
        for (counts, found) in counts.iter_mut().flatten().zip(found.into_iter().flatten()) {
            *counts += usize::from(found);
        }
    });
    Some(Power { lift: effect / baseline.value().abs(), told, found: counts, comfortable })
}
