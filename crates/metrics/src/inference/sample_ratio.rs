//! Did the arms receive the shares of persons that they were meant to? Pearson's chi-square, at one reading.

use super::tails::chi_square_sf;
use super::undefined::{Undefined, finite};

/// Below this p-value the split counts as broken: a chance of one in a thousand, the threshold of the published
/// practice.
pub const SAMPLE_RATIO_THRESHOLD: f64 = 0.001;

/// Arm sizes against their weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleRatio {
    /// Pearson's statistic.
    pub chi_square: f64,
    /// Arms of positive weight less one.
    pub degrees_of_freedom: u32,
    /// The probability of sizes at least as far off under the weights, by the chi-square distribution; never zero.
    /// Valid for one reading, not for many.
    pub p_value: f64,
    /// The smallest expected size; below 5 the chi-square distribution is a poor approximation.
    pub smallest_expected: f64,
}

/// Pearson's chi-square test of arm sizes against assignment weights, without continuity correction (Pearson 1900;
/// Fabijan and others, KDD 2019).
///
/// `observed`: persons per arm; `weights`: one for each arm, in any unit, zero or more. Statistic: the sum of `(O -
/// E)^2 / E` with `E = N weight / (sum of weights)`; p-value by the chi-square survival function with `k - 1` degrees
/// of freedom, `k` the arms of positive weight.
pub fn sample_ratio(observed: &[u64], weights: &[f64]) -> Result<SampleRatio, Undefined> {
    if observed.len() != weights.len() || weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
        return Err(Undefined::InvalidWeights);
    }
    let arms: Vec<(f64, f64)> =
        observed.iter().zip(weights).filter(|(_, w)| **w > 0.0).map(|(o, w)| (*o as f64, *w)).collect();
    if arms.len() < 2 {
        return Err(Undefined::FewerThanTwoArms);
    }
    if observed.iter().zip(weights).any(|(persons, weight)| *weight == 0.0 && *persons > 0) {
        return Err(Undefined::PersonsInClosedArm);
    }
    // In units of the largest weight, so that their sum is finite.
    let unit = weights.iter().fold(0.0f64, |largest, weight| largest.max(*weight));
    let total_weight: f64 = arms.iter().map(|(_, weight)| weight / unit).sum();
    let persons: f64 = arms.iter().map(|(observed, _)| observed).sum();
    if persons == 0.0 {
        return Err(Undefined::NoPersons);
    }
    let expected = |weight: f64| persons * (weight / unit / total_weight);
    let chi_square: f64 =
        arms.iter().map(|(observed, weight)| (observed - expected(*weight)).powi(2) / expected(*weight)).sum();
    let degrees_of_freedom = u32::try_from(arms.len() - 1).map_err(|_| Undefined::OutOfRange)?;
    let chi_square = finite(chi_square)?;
    Ok(SampleRatio {
        chi_square,
        degrees_of_freedom,
        p_value: chi_square_sf(chi_square, degrees_of_freedom).ok_or(Undefined::OutOfRange)?,
        smallest_expected: arms.iter().map(|(_, weight)| expected(*weight)).fold(persons, f64::min),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::testing::close;
    use proptest::prelude::*;

    /// Sources: gbstats 0.8.0 `check_srm` for the first; scipy 1.17.1 `chisquare` on the arm sizes of the Hillstrom
    /// and Cookie Cats experiments.
    #[test]
    fn reference() {
        let check = |observed: &[u64], weights: &[f64], chi_square: Option<f64>, p: f64| {
            let result = sample_ratio(observed, weights).unwrap();
            close(result.p_value, p, 1e-12);
            if let Some(expected) = chi_square {
                close(result.chi_square, expected, 1e-12);
            }
        };
        check(&[10_000, 10_400], &[0.5, 0.5], None, 0.005_101_399_646_004_981);
        check(&[21_306, 21_307, 21_387], &[1.0, 1.0, 1.0], Some(0.202_531_25), 0.903_692_957_560_419_6);
        check(&[21_306, 42_694], &[1.0, 2.0], Some(0.052_531_25), 0.818_715_829_290_082_5);
        check(&[44_700, 45_489], &[1.0, 1.0], Some(6.902_404_949_605_827_5), 0.008_607_987_810_836_262);
        check(&[44_699, 45_489], &[1.0, 1.0], Some(6.919_989_355_568_369), 0.008_523_748_341_090_839);
    }

    #[test]
    fn refusals() {
        assert_eq!(sample_ratio(&[1, 2], &[1.0]), Err(Undefined::InvalidWeights));
        assert_eq!(sample_ratio(&[1, 2], &[1.0, f64::NAN]), Err(Undefined::InvalidWeights));
        assert_eq!(sample_ratio(&[1, 2], &[1.0, -1.0]), Err(Undefined::InvalidWeights));
        assert_eq!(sample_ratio(&[5], &[1.0]), Err(Undefined::FewerThanTwoArms));
        assert_eq!(sample_ratio(&[5, 5, 1], &[1.0, 1.0, 0.0]), Err(Undefined::PersonsInClosedArm));
        assert_eq!(sample_ratio(&[0, 0], &[1.0, 1.0]), Err(Undefined::NoPersons));
        assert_eq!(sample_ratio(&[5, 5, 0], &[1.0, 1.0, 0.0]).unwrap().degrees_of_freedom, 1);
    }

    proptest! {
        #[test]
        fn finite_or_a_reason(
            arms in prop::collection::vec((any::<u64>(), prop_oneof![any::<f64>(), 0.0f64..10.0]), 0..6)
        ) {
            let (observed, weights): (Vec<u64>, Vec<f64>) = arms.into_iter().unzip();
            if let Ok(result) = sample_ratio(&observed, &weights) {
                prop_assert!(result.chi_square.is_finite() && result.smallest_expected.is_finite());
                prop_assert!(result.p_value > 0.0 && result.p_value <= 1.0);
            }
        }

        #[test]
        fn the_unit_of_the_weights_does_not_matter(a in 1u64..1_000_000, b in 1u64..1_000_000, w in 0.1f64..10.0) {
            let p = |unit: f64| sample_ratio(&[a, b], &[w * unit, unit]).unwrap().p_value;
            prop_assert!((p(1.0) - p(1024.0)).abs() <= 1e-9 * p(1.0));
        }
    }
}
