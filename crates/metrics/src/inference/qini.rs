//! Does a score rank persons by how they respond? The Qini curve and its coefficient.

use super::compare::Interval;
use super::level::Level;
use super::post_stratification::{Stratum, StratumSums};
use super::sample::mean;
use super::undefined::{Undefined, finite};

/// One point of the curve: persons down to some score have been treated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QiniPoint {
    /// The share of all persons who have this score or a higher one.
    pub share: f64,
    /// What treating them added, per person of the whole arm.
    pub gain: f64,
    /// The interval of the gain.
    pub interval: Result<Interval, Undefined>,
}

/// The curve, and what it amounts to.
#[derive(Debug, Clone, PartialEq)]
pub struct Qini {
    /// The points, by falling score; the curve begins at nothing.
    pub points: Vec<QiniPoint>,
    /// The area between the curve and the straight line to its end.
    pub coefficient: f64,
    /// Its interval.
    pub interval: Result<Interval, Undefined>,
}

/// The Qini curve of an arm against control (Radcliffe, "Using control groups to target on predicted lift", Direct Marketing
/// Analytics Journal 2007). `bins` hold the persons of one score each, the highest score first.
///
/// With `R` sums of values and `N` persons, of the arm `T` and of control `C`, over the bins down to one of them,
///
/// ```text
/// gain = (R_T - R_C N_T / N_C) / N_T(all),   Q = the area between the gains and the straight line to the last one,
/// ```
///
/// over the share of persons, by trapezoids: persons of one bin are treated in random order. It is the area of scikit-uplift's
/// `qini_curve` over that of its random line, per person and treated person. A bin down to which an arm has no persons makes
/// no point.
///
/// Gains and area are linear in the sums of the bins, so their variances given scores and arms are exact in those of the bins;
/// where a bin holds a single person of an arm it has the arm's variance within bins. The intervals are normal ones.
pub fn qini(bins: &[Stratum], level: &Level) -> Result<Qini, Undefined> {
    let control = Side::of(bins.iter().map(|bin| &bin.control))?;
    let arm = Side::of(bins.iter().map(|bin| &bin.treatment))?;
    let persons = control.persons() + arm.persons();
    let treated = arm.persons();
    if treated <= 0.0 || control.persons() <= 0.0 {
        return Err(Undefined::NoPersons);
    }
    let (mut n_c, mut n_t, mut r_c, mut r_t) = (0.0, 0.0, 0.0, 0.0);
    let mut points: Vec<Knot> = Vec::new();
    for at in 0..bins.len() {
        n_c += control.n[at];
        n_t += arm.n[at];
        r_c += control.sum[at];
        r_t += arm.sum[at];
        if n_c > 0.0 && n_t > 0.0 {
            let share = (n_c + n_t) / persons;
            points.push(Knot { bin: at, share, ratio: n_t / n_c, gain: finite((r_t - r_c * n_t / n_c) / treated)? });
        }
    }
    let end = points.last().copied().ok_or(Undefined::NoPersons)?;
    // The weight of each point in the area.
    let weights: Vec<f64> = (0..points.len())
        .map(|at| {
            let before = if at == 0 { 0.0 } else { points[at - 1].share };
            let after = points.get(at + 1).map_or(points[at].share, |next| next.share);
            let of_line = if at + 1 == points.len() { end.share / 2.0 } else { 0.0 };
            (after - before) / 2.0 - of_line
        })
        .collect();
    let coefficient = finite(points.iter().zip(&weights).map(|(point, weight)| weight * point.gain).sum())?;
    let width = level.normal();
    let around = |value: f64, variance: Result<f64, Undefined>| {
        let half = width * finite(variance?)?.sqrt();
        if half > 0.0 { Ok(Interval { low: value - half, high: value + half }) } else { Err(Undefined::NoVariance) }
    };
    // What is linear in the sums of the bins has the variance of its coefficients.
    let variance = |weight: &dyn Fn(usize) -> f64| {
        let (mut of_arm, mut of_control) = (0.0, 0.0);
        let mut sum = 0.0;
        for bin in (0..bins.len()).rev() {
            for (at, point) in points.iter().enumerate().filter(|(_, point)| point.bin == bin) {
                of_arm += weight(at) / treated;
                of_control += weight(at) * point.ratio / treated;
            }
            sum +=
                of_arm * of_arm * arm.variance_of_sum(bin)? + of_control * of_control * control.variance_of_sum(bin)?;
        }
        Ok(sum)
    };
    let told = points.iter().enumerate().map(|(at, point)| QiniPoint {
        share: point.share,
        gain: point.gain,
        interval: around(point.gain, variance(&|other| f64::from(u8::from(other == at)))),
    });
    Ok(Qini { points: told.collect(), coefficient, interval: around(coefficient, variance(&|at| weights[at])) })
}

#[derive(Debug, Clone, Copy)]
struct Knot {
    bin: usize,
    share: f64,
    /// Persons of the arm for each of control.
    ratio: f64,
    gain: f64,
}

/// One arm by bins.
struct Side {
    n: Vec<f64>,
    sum: Vec<f64>,
    /// The variance between persons of each bin, where it is known.
    between: Vec<Option<f64>>,
    /// The variance between persons within bins, of all bins together.
    within: Result<f64, Undefined>,
}

impl Side {
    fn of<'a>(bins: impl Iterator<Item = &'a StratumSums>) -> Result<Self, Undefined> {
        let mut side = Self { n: Vec::new(), sum: Vec::new(), between: Vec::new(), within: Ok(0.0) };
        let (mut squares, mut freedom) = (0.0, 0.0);
        for bin in bins {
            if bin.n < 0 {
                return Err(Undefined::ImpossibleSums);
            }
            let n = bin.n as f64;
            let between = match mean(bin.n, bin.y, bin.yy) {
                Ok(estimate) => Some(estimate.variance() * n),
                Err(Undefined::NoPersons | Undefined::FewerThanTwoPersons) => None,
                Err(reason) => return Err(reason),
            };
            if let Some(between) = between {
                squares += between * (n - 1.0);
                freedom += n - 1.0;
            }
            side.n.push(n);
            side.sum.push(bin.y.as_f64() / journey::UNIT as f64);
            side.between.push(between);
        }
        side.within = if freedom > 0.0 { Ok(squares / freedom) } else { Err(Undefined::FewerThanTwoPersons) };
        Ok(side)
    }

    fn persons(&self) -> f64 {
        self.n.iter().sum()
    }

    fn variance_of_sum(&self, bin: usize) -> Result<f64, Undefined> {
        let n = self.n[bin];
        if n == 0.0 {
            return Ok(0.0);
        }
        Ok(n * self.between[bin].map_or(self.within, Ok)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::testing::close;
    use crate::random::Random;
    use ethnum::I256;

    /// A person: score (in bins), whether treated, and the value.
    type Person = (usize, bool, i64);

    fn bins(persons: &[Person], count: usize) -> Vec<Stratum> {
        let mut bins = vec![Stratum::default(); count];
        for (bin, treated, value) in persons {
            let bin = &mut bins[*bin];
            let side = if *treated { &mut bin.treatment } else { &mut bin.control };
            let units = I256::from(*value) * I256::from(1_000_000);
            *side = StratumSums { n: side.n + 1, y: side.y + units, yy: side.yy + units * units };
        }
        bins
    }

    fn level() -> Level {
        Level::new(0.95).unwrap()
    }

    /// In worlds in which the truth is known the interval holds it as often as it says.
    #[test]
    fn the_interval_holds_the_truth() {
        let mut random = Random::new(11);
        let (worlds, mut held) = (400, 0);
        // The effect falls with the score from 0.3 to -0.1, so the area between curve and line is known.
        let effect = [0.3, 0.2, 0.1, 0.0, -0.1];
        let gains: Vec<f64> = (0..5).map(|at| effect[..=at].iter().sum::<f64>() / 5.0).collect();
        let truth: f64 = gains.iter().take(4).sum::<f64>() / 5.0 + gains[4] / 10.0 - gains[4] / 2.0;
        for _ in 0..worlds {
            let persons: Vec<Person> = (0..1_500)
                .map(|at| {
                    let bin = at % 5;
                    let treated = random.uniform() < 0.5;
                    let rate = 0.3 + if treated { effect[bin] } else { 0.0 };
                    (bin, treated, i64::from(random.uniform() < rate))
                })
                .collect();
            let interval = qini(&bins(&persons, 5), &level()).unwrap().interval.unwrap();
            held += u32::from(interval.low <= truth && truth <= interval.high);
        }
        // 95 % of 400 is 380; four standard deviations of 4.4 below it.
        assert!(held >= 362, "{held} of {worlds}");
    }

    #[test]
    fn a_score_that_says_nothing_has_no_area_and_no_persons_no_curve() {
        let flat = [bins(&[(0, true, 1), (0, true, 0), (0, false, 1), (0, false, 0)], 1)[0]; 4];
        let found = qini(&flat, &level()).unwrap();
        close(found.coefficient + 1.0, 1.0, 1e-12);
        assert_eq!(qini(&[], &level()).unwrap_err(), Undefined::NoPersons);
        assert_eq!(qini(&bins(&[(0, true, 1)], 1), &level()).unwrap_err(), Undefined::NoPersons);
        // One person in each arm: there is a curve, but nothing says how sure it is.
        let found = qini(&bins(&[(0, true, 1), (0, false, 0)], 1), &level()).unwrap();
        assert_eq!(found.points[0].interval, Err(Undefined::FewerThanTwoPersons));
    }
}
