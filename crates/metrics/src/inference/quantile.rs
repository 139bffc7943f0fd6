//! What do the persons at a given rank have, the median or the largest tenth for instance, and how sure is that?

use journey::UNIT;

use super::compare::Interval;
use super::sample::Estimate;
use super::tails::normal_isf;
use super::undefined::{Undefined, miss_rate};
use crate::histogram::{Bucket, Histogram, bounds};

/// A quantile of the persons' values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    /// The share of persons at or below it.
    pub share: f64,
    /// Persons.
    pub persons: u64,
    /// The quantile, in units of one: right to a bucket (1 %), exact where all persons of the bucket have one value.
    pub value: f64,
    /// The interval between order statistics, rounded outward to the edges of buckets.
    pub interval: Result<Interval, Undefined>,
    /// Value and variance, for the comparison of two arms by [`super::compare()`].
    pub estimate: Result<Estimate, Undefined>,
}

/// The quantile of an arm's values at `share`, strictly between 0 and 1, from a histogram.
///
/// The number of persons below the true quantile is binomial, `n share +- z sqrt(n share (1 - share))`; the order
/// statistics of these ranks bound the quantile whatever the distribution is (Thompson 1936; in this use Deng,
/// Knoblich, Lu, KDD 2018, arXiv 1803.06336, and Yao, Li, Lu, arXiv 2401.14549). Each end is rounded outward to the
/// edge of its bucket. Variance: [`quantile_estimate`].
///
/// Conditions: persons are independent; the ranks of both ends exist, else [`Undefined::TooFewBesideQuantile`], which
/// needs about `n > z^2 share / (1 - share)` and the mirror of it.
pub fn quantile(histogram: &Histogram, share: f64, confidence: f64) -> Result<Quantile, Undefined> {
    if !(share > 0.0 && share < 1.0) {
        return Err(Undefined::InvalidShare);
    }
    let z = normal_isf(miss_rate(confidence)? / 2.0).ok_or(Undefined::OutOfRange)?;
    if !histogram.is_possible() {
        return Err(Undefined::ImpossibleSums);
    }
    let persons = histogram.total().n.unsigned_abs();
    let n = persons as f64;
    let middle = rank((n * share).ceil().max(1.0), persons).ok_or(Undefined::NoPersons)?;
    let value = in_bucket(histogram, middle).ok_or(Undefined::NoPersons)?;
    let reach = z * (n * share * (1.0 - share)).sqrt();
    let low = rank((n * share - reach).floor(), persons).and_then(|rank| Some(end(histogram, rank)?.0));
    let high = rank((n * share + reach).ceil() + 1.0, persons).and_then(|rank| Some(end(histogram, rank)?.1));
    let interval = match (low, high) {
        (Some(low), Some(high)) => Ok(Interval { low, high }),
        _ => Err(Undefined::TooFewBesideQuantile),
    };
    let estimate = interval.and_then(|interval| quantile_estimate(persons, value, interval, confidence));
    Ok(Quantile { share, persons, value, interval, estimate })
}

/// A quantile with the variance that its interval implies: `((high - low) / (2 z))^2`, `z` the normal quantile of
/// `confidence` (Yao, Li, Lu, arXiv 2401.14549, algorithm 1). Two such estimates are compared like means.
///
/// [`Undefined::NoVariance`] where both ends are one value: so many persons share it that the quantile does not move.
pub fn quantile_estimate(persons: u64, value: f64, interval: Interval, confidence: f64) -> Result<Estimate, Undefined> {
    let z = normal_isf(miss_rate(confidence)? / 2.0).ok_or(Undefined::OutOfRange)?;
    let error = (interval.high - interval.low) / (2.0 * z);
    if error == 0.0 {
        return Err(Undefined::NoVariance);
    }
    Estimate::from_parts(persons, value, error * error)
}

/// A rank as a whole number, where a person has it.
fn rank(rank: f64, persons: u64) -> Option<u64> {
    if !(rank >= 1.0 && rank <= persons as f64) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and the persons")]
    let whole = rank as u64;
    Some(whole)
}

/// The bounds, in units of one, of the value of the person at a rank.
fn end(histogram: &Histogram, rank: u64) -> Option<(f64, f64)> {
    let (index, bucket, _) = histogram.at_rank(rank)?;
    value_bounds(index, &bucket)
}

fn value_bounds(index: i16, bucket: &Bucket) -> Option<(f64, f64)> {
    let (low, high) = bucket.single_value().map(|value| (value, value)).or_else(|| bounds(index))?;
    Some((low as f64 / UNIT as f64, high as f64 / UNIT as f64))
}

/// The value at a rank, the persons of a bucket taken as evenly spread over it.
fn in_bucket(histogram: &Histogram, rank: u64) -> Option<f64> {
    let (index, bucket, inside) = histogram.at_rank(rank)?;
    let (low, high) = value_bounds(index, &bucket)?;
    let share = (inside as f64 - 0.5) / bucket.n as f64;
    Some(low + (high - low) * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::compare;
    use crate::inference::testing::close;
    use proptest::prelude::*;

    /// The 90th percentile of a made-up revenue in two arms of 5000 and 5200; source: gbstats 0.8.0,
    /// `QuantileStatistic`, whose variance is smaller by the factor `(n - 1) / n`.
    #[test]
    fn reference() {
        let arm = |persons: u64, value, low, high| {
            let ours = quantile_estimate(persons, value, Interval { low, high }, 0.95).unwrap();
            let factor = (persons - 1) as f64 / persons as f64;
            Estimate::from_parts(persons, value, ours.variance() * factor).unwrap()
        };
        let control = arm(5000, 31.04, 30.6, 31.52);
        let treatment = arm(5200, 31.844000000000015, 31.400000000000002, 32.339693996915194);
        let test = compare(&control, &treatment, 0.95).unwrap().test.unwrap();
        close(test.standard_error, 0.33545183722056554, 1e-12);
        close(test.degrees_of_freedom, 10197.974865931763, 1e-12);
        close(test.interval.low, 0.14644843798613472, 1e-11);
        close(test.interval.high, 1.4615515620138977, 1e-12);
        close(test.p_value, 0.016558313971716476, 1e-11);
    }

    /// The same rows through a histogram: every number of the reference within a bucket, on the side of caution.
    #[test]
    fn through_a_histogram() {
        let arm = |n: i128, shift: i128| -> Quantile {
            let histogram: Histogram = (0..n)
                .map(|i| {
                    let (x, orders) = (37 * i % 101, 13 * i % 7 / 2);
                    orders * (5 + 29 * i % 11) * 1_000_000 + x * 40_000 + if orders > 0 { shift } else { 0 }
                })
                .collect();
            quantile(&histogram, 0.9, 0.95).unwrap()
        };
        for (arm, value, low, high) in
            [(arm(5000, 0), 31.04, 30.6, 31.52), (arm(5200, 800_000), 31.844, 31.4, 32.339694)]
        {
            let interval = arm.interval.unwrap();
            assert!((arm.value / value - 1.0).abs() < 0.01, "{arm:?}");
            assert!(interval.low <= low && interval.low > 0.99 * low, "{arm:?}");
            assert!(interval.high >= high && interval.high < 1.01 * high, "{arm:?}");
        }
    }

    #[test]
    fn refusals() {
        let five: Histogram = (1..=5).collect();
        assert_eq!(quantile(&five, 0.0, 0.95), Err(Undefined::InvalidShare));
        assert_eq!(quantile(&Histogram::default(), 0.5, 0.95), Err(Undefined::NoPersons));
        assert_eq!(quantile(&five, 0.9, 0.95).unwrap().interval, Err(Undefined::TooFewBesideQuantile));
        // Half of the persons bought nothing: the median does not move.
        let zeros: Histogram = std::iter::repeat_n(0, 60).chain((1..=40).map(|value| value * 1_000_000)).collect();
        let median = quantile(&zeros, 0.5, 0.5).unwrap();
        assert_eq!((median.value.to_bits(), median.interval), (0, Ok(Interval { low: 0.0, high: 0.0 })));
        assert_eq!(median.estimate, Err(Undefined::NoVariance));
        let mut impossible = five;
        impossible.take_away(9);
        assert_eq!(quantile(&impossible, 0.5, 0.95), Err(Undefined::ImpossibleSums));
    }

    proptest! {
        /// The interval holds the interval of the exact order statistics and is no more than a bucket wider on each
        /// side; the value is that of its rank to a bucket; mirrored values mirror everything.
        #[test]
        fn outward(
            values in prop::collection::vec(prop_oneof![Just(0i128), -2_000_000_000i128..2_000_000_000], 30..200),
            share in 0.2f64..0.8,
        ) {
            let histogram: Histogram = values.iter().copied().collect();
            let mut sorted: Vec<f64> = values.iter().map(|value| *value as f64 / 1e6).collect();
            sorted.sort_by(f64::total_cmp);
            let n = sorted.len() as f64;
            let reach = 1.959963984540054 * (n * share * (1.0 - share)).sqrt();
            let found = quantile(&histogram, share, 0.95).unwrap();
            let interval = found.interval.unwrap();
            // The order statistic of a rank that need not be whole: the first place at or beyond it.
            let at = |rank: f64| *sorted.iter().enumerate().find(|(place, _)| *place as f64 + 1.0 >= rank).unwrap().1;
            let (low, high) = (at((n * share - reach).floor()), at((n * share + reach).ceil() + 1.0));
            prop_assert!(interval.low <= low && interval.low >= low - 0.0102 * low.abs() - 1e-6);
            prop_assert!(interval.high >= high && interval.high <= high + 0.0102 * high.abs() + 1e-6);
            let middle = at((n * share).ceil());
            prop_assert!((found.value - middle).abs() <= 0.0102 * middle.abs() + 1e-6);
        }
    }
}
