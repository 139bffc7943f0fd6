//! Which of many results still stand? Adjusted p-values and confidence levels.
//!
//! A family is the slice that is passed, and its size is the slice's length. A member without a p-value (`None`)
//! still counts, as if its p-value were 1: an arm without data today may have data tomorrow, and a family that grew
//! with the data would be wrongly significant more often than promised. So the caller passes the whole family, as it
//! was fixed beforehand.

/// Holm's adjusted p-values, in the order of the input: the family-wise error rate at any dependence (Holm 1979).
///
/// Sorted ascending, `p_(i) * (m - i + 1)`, the running maximum, at most 1. `None` and whatever is not a probability
/// stay `None` and count in `m`.
#[must_use]
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut adjusted = vec![None; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, (index, p)) in ascending(p_values).into_iter().enumerate() {
        largest = largest.max(p * (p_values.len() - rank) as f64).min(1.0);
        adjusted[index] = Some(largest);
    }
    adjusted
}

/// Benjamini and Hochberg's adjusted p-values, in the order of the input: the false discovery rate where the tests
/// are independent or positively dependent (Benjamini and Hochberg 1995, Benjamini and Yekutieli 2001).
///
/// Sorted ascending, `p_(i) * m / i`, the running minimum from the top. `None` and whatever is not a probability stay
/// `None` and count in `m`.
#[must_use]
pub fn benjamini_hochberg(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut adjusted = vec![None; p_values.len()];
    let mut smallest: f64 = 1.0;
    for (rank, (index, p)) in ascending(p_values).into_iter().enumerate().rev() {
        smallest = smallest.min(p * p_values.len() as f64 / (rank + 1) as f64);
        adjusted[index] = Some(smallest);
    }
    adjusted
}

/// The e-BH procedure as adjusted p-values, in the order of the input: the false discovery rate under *any* dependence
/// (Wang and Ramdas, JRSS B 2022).
///
/// `e_values`: their logarithms. e-BH rejects the k largest, k the largest number with `e_(k) >= m / (alpha k)`: the same as
/// Benjamini and Hochberg on `1 / e`, which is what is returned. `None` and NaN count in `m`.
#[must_use]
pub fn e_benjamini_hochberg(log_e_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let p_values: Vec<Option<f64>> = log_e_values
        .iter()
        .map(|e| e.filter(|e| !e.is_nan()).map(|e| (-e).exp().clamp(f64::MIN_POSITIVE, 1.0)))
        .collect();
    benjamini_hochberg(&p_values)
}

/// The logarithm of the e-value that a p-value is worth, `ln(p^(-1/2) / 2)`: the calibrator of Vovk and Wang (Annals of
/// Statistics 2021) with exponent one half, for tests that have no e-value of their own. It costs power.
#[must_use]
pub fn calibrated_log_e_value(p_value: f64) -> f64 {
    -0.5 * p_value.ln() - std::f64::consts::LN_2
}

/// The p-values with their places, smallest first.
fn ascending(p_values: &[Option<f64>]) -> Vec<(usize, f64)> {
    let mut sorted: Vec<(usize, f64)> = p_values
        .iter()
        .enumerate()
        .filter_map(|(index, p)| Some((index, (*p)?)))
        .filter(|(_, p)| (0.0..=1.0).contains(p))
        .collect();
    sorted.sort_by(|(_, left), (_, right)| left.total_cmp(right));
    sorted
}

/// The confidence of each of `family` intervals that makes all of them cover together with `confidence`: `1 - (1 -
/// confidence) / family` (Bonferroni). The intervals beside Holm's p-values. A family of none is taken as one.
#[must_use]
pub fn bonferroni_confidence(confidence: f64, family: usize) -> f64 {
    1.0 - (1.0 - confidence) / family.max(1) as f64
}

/// The confidence of the intervals of the `selected` members of a family that keeps the expected share of wrong ones
/// among them at `1 - confidence`: `1 - selected (1 - confidence) / family` (Benjamini and Yekutieli, JASA 2005). The
/// intervals beside Benjamini and Hochberg's p-values, `selected` being the number that are significant. With none
/// selected the level is that of one.
#[must_use]
pub fn false_coverage_confidence(confidence: f64, selected: usize, family: usize) -> f64 {
    let family = family.max(1);
    let share = selected.clamp(1, family) as f64 / family as f64;
    1.0 - share * (1.0 - confidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::testing::close;
    use proptest::prelude::*;

    /// Source of the results: statsmodels 0.15.0, `multipletests`; gbstats 0.8.0 agrees.
    const FAMILY: [f64; 5] = [0.031, 0.6, 0.001, 0.04, 0.012];

    fn family() -> Vec<Option<f64>> {
        FAMILY.map(Some).to_vec()
    }

    #[test]
    fn reference() {
        for (adjusted, expected) in [
            (holm(&family()), [0.093, 0.6, 0.005, 0.093, 0.048]),
            (benjamini_hochberg(&family()), [0.05, 0.6, 0.005, 0.05, 0.03]),
        ] {
            for (adjusted, expected) in adjusted.into_iter().zip(expected) {
                close(adjusted.unwrap(), expected, 1e-14);
            }
        }
    }

    #[test]
    fn what_has_no_p_value_still_counts() {
        let family = [Some(0.01), None, Some(f64::NAN), Some(1.5)];
        assert_eq!(holm(&family), [Some(0.04), None, None, None]);
        assert_eq!(benjamini_hochberg(&family), [Some(0.04), None, None, None]);
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }

    /// By hand: of e-values 100, 45, 30, 2 at m = 4 and alpha = 0.05, e-BH wants 80, 40, 26.7, 20: it rejects three.
    #[test]
    fn e_values() {
        let adjusted = e_benjamini_hochberg(&[Some(45f64.ln()), Some(2f64.ln()), Some(100f64.ln()), Some(30f64.ln())]);
        for (adjusted, expected) in adjusted.into_iter().zip([4.0 / 90.0, 0.5, 0.04, 4.0 / 90.0]) {
            close(adjusted.unwrap(), expected, 1e-14);
        }
        assert_eq!(e_benjamini_hochberg(&[Some(f64::NAN), None, Some(-3.0)]), [None, None, Some(1.0)]);
        close(calibrated_log_e_value(1e-4), 50f64.ln(), 1e-14);
    }

    #[test]
    fn adjusted_confidence() {
        close(bonferroni_confidence(0.95, 4), 0.9875, 1e-15);
        close(false_coverage_confidence(0.95, 2, 10), 0.99, 1e-15);
        close(false_coverage_confidence(0.95, 0, 10), 0.995, 1e-15);
        close(false_coverage_confidence(0.95, 10, 10), 0.95, 1e-15);
        close(bonferroni_confidence(0.95, 0), 0.95, 1e-15);
    }

    proptest! {
        /// Both only ever raise a p-value, Holm at least as much, and neither changes the order.
        #[test]
        fn laws(p_values in prop::collection::vec(prop::option::of(0.0f64..=1.0), 0..12)) {
            let (holm, bh) = (holm(&p_values), benjamini_hochberg(&p_values));
            for i in 0..p_values.len() {
                prop_assert_eq!(p_values[i].is_some(), holm[i].is_some());
                prop_assert_eq!(p_values[i].is_some(), bh[i].is_some());
                let (Some(p), Some(h), Some(b)) = (p_values[i], holm[i], bh[i]) else { continue };
                prop_assert!(p <= b + 1e-15 && b <= h + 1e-15 && h <= 1.0);
                for j in 0..p_values.len() {
                    if p_values[j].is_some_and(|other| p <= other) {
                        prop_assert!(Some(h) <= holm[j] && Some(b) <= bh[j]);
                    }
                }
            }
        }
    }
}
