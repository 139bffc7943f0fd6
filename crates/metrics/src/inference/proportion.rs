//! How sure is one arm's KPI by itself? Wilson's interval for a proportion, the t interval for a mean or a ratio.

use super::compare::Interval;
use super::level::Level;
use super::sample::Estimate;
use super::undefined::{Undefined, finite};

/// Wilson's score interval of a proportion: `successes` of `persons` (Wilson, JASA 1927).
///
/// `(p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)`. Inside `[0, 1]` always, 0 exactly where
/// nobody succeeded, 1 exactly where everybody did; defined from one person on, also without any spread, where the t
/// interval is not. Refused: more successes than persons, and fewer than none.
pub fn wilson_interval(successes: i64, persons: i64, confidence: f64) -> Result<Interval, Undefined> {
    wilson_interval_at(successes, persons, &Level::new(confidence)?)
}

/// [`wilson_interval`] at a level that is made once for many intervals.
pub fn wilson_interval_at(successes: i64, persons: i64, level: &Level) -> Result<Interval, Undefined> {
    let z = level.normal();
    if persons == 0 {
        return Err(Undefined::NoPersons);
    }
    if !(0..=persons).contains(&successes) {
        return Err(Undefined::ImpossibleSums);
    }
    let (n, p) = (persons as f64, successes as f64 / persons as f64);
    let q = (persons - successes) as f64 / n;
    let square = z * z / n;
    let high = if successes == persons {
        1.0
    } else {
        ((p + square / 2.0 + (square * (p * q + square / 4.0)).sqrt()) / (1.0 + square)).min(1.0)
    };
    // The ends are the roots of a quadratic whose product is p^2 / (1 + z^2 / n): taken from it, a small lower end
    // keeps its digits.
    let low = if successes == 0 { 0.0 } else { p * p / ((1.0 + square) * high) };
    Ok(Interval { low: low.min(high), high })
}

/// The t interval of an estimate: `value +- t sqrt(variance)` with `persons - 1` degrees of freedom; for means and,
/// by the delta method, ratios.
pub fn mean_interval(estimate: &Estimate, confidence: f64) -> Result<Interval, Undefined> {
    mean_interval_at(estimate, &Level::new(confidence)?)
}

/// [`mean_interval`] at a level that is made once for many intervals.
pub fn mean_interval_at(estimate: &Estimate, level: &Level) -> Result<Interval, Undefined> {
    if estimate.variance() == 0.0 {
        return Err(Undefined::NoVariance);
    }
    let quantile = level.student(estimate.degrees_of_freedom())?;
    Interval::around(estimate.value(), finite(quantile * estimate.standard_error())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::testing::close;

    /// Source: scipy 1.17.1, `binomtest(k, n).proportion_ci(c, method="wilson")`; the last low end is of 40-digit
    /// arithmetic (mpmath 1.4.1).
    #[test]
    fn wilson_reference() {
        for (successes, persons, confidence, low, high) in [
            (0, 20, 0.95, 0.0, 0.16112515805281935),
            (1, 20, 0.95, 0.008881448800795402, 0.23613119344674205),
            (20, 20, 0.95, 0.8388748419471808, 1.0),
            (122, 21306, 0.95, 0.004798205845961411, 0.006832169692008917),
            (3894, 21307, 0.9, 0.1784423049428488, 0.18715193227303045),
            (1000, 10000, 0.99, 0.09253574270516274, 0.10799469708160514),
            (3, 7, 0.5, 0.3106034777497514, 0.5552572159915451),
            (1, 1, 0.95, 0.20654931437723745, 1.0),
            (1, 1000000000000, 0.95, 1.7652455493517478e-13, 5.66493426573651e-12),
        ] {
            let interval = wilson_interval(successes, persons, confidence).unwrap();
            close(interval.low, low, 1e-13);
            close(interval.high, high, 1e-13);
        }
    }

    #[test]
    fn wilson_edges() {
        assert_eq!(wilson_interval(0, 0, 0.95), Err(Undefined::NoPersons));
        assert_eq!(wilson_interval(2, 1, 0.95), Err(Undefined::ImpossibleSums));
        assert_eq!(wilson_interval(-1, 1, 0.95), Err(Undefined::ImpossibleSums));
        assert_eq!(wilson_interval(-2, -1, 0.95), Err(Undefined::ImpossibleSums));
        assert_eq!(wilson_interval(1, 2, 1.0), Err(Undefined::InvalidConfidence));
        assert_eq!(wilson_interval(0, 7, 0.95).unwrap().low.to_bits(), 0);
        assert_eq!(wilson_interval(7, 7, 0.95).unwrap().high.to_bits(), 1f64.to_bits());
        let vast = wilson_interval(i64::MAX - 1, i64::MAX, 0.95).unwrap();
        assert!(vast.low <= vast.high && vast.high <= 1.0);
    }

    /// Source: scipy 1.17.1, `t.interval`.
    #[test]
    fn mean_reference() {
        for (persons, value, variance, confidence, low, high) in [
            (2, 3.5, 0.25, 0.95, -2.853102368087347, 9.853102368087347),
            (12, -7.25, 2.0, 0.99, -11.642273696382375, -2.857726303617625),
            (5000, 14.856464, 0.0269, 0.95, 14.534928155047968, 15.177999844952033),
            (1000000000, 1.0, 1e-12, 0.5, 0.9999993255102495, 1.0000006744897505),
        ] {
            let interval = mean_interval(&Estimate::from_parts(persons, value, variance).unwrap(), confidence).unwrap();
            close(interval.low, low, 1e-12);
            close(interval.high, high, 1e-12);
        }
        let constant = Estimate::from_parts(9, 2.0, 0.0).unwrap();
        assert_eq!(mean_interval(&constant, 0.95), Err(Undefined::NoVariance));
    }
}
