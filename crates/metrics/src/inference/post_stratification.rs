//! How much clearer is a comparison when like is compared with like? Post-stratification on a dimension that was known
//! before the exposure.

use super::compare::{Comparison, Contrast};
use super::gap::Gap;
use super::level::Level;
use super::sample::{Estimate, mean};
use super::undefined::{Undefined, finite};
use ethnum::I256;

/// An arm's sums within a stratum: persons, values in 1e-6, squares in 1e-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StratumSums {
    /// Persons.
    pub n: i64,
    /// Sum of their values.
    pub y: I256,
    /// Sum of the squares.
    pub yy: I256,
}

impl StratumSums {
    fn merge(&mut self, other: &Self) -> Result<(), Undefined> {
        let sum = |left: I256, right| left.checked_add(right).ok_or(Undefined::ImpossibleSums);
        let n = self.n.checked_add(other.n).ok_or(Undefined::ImpossibleSums)?;
        *self = Self { n, y: sum(self.y, other.y)?, yy: sum(self.yy, other.yy)? };
        Ok(())
    }

    fn mean(&self) -> Result<Estimate, Undefined> {
        mean(self.n, self.y, self.yy)
    }
}

/// A stratum: persons who had the same value of the dimension before the exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stratum {
    /// Those in control.
    pub control: StratumSums,
    /// Those in the arm.
    pub treatment: StratumSums,
}

/// A comparison within strata.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StratifiedComparison {
    /// Strata after merging.
    pub strata: usize,
    /// Strata that were merged into the largest one: an arm had fewer than two persons in them, or no spread.
    pub merged: usize,
    /// The KPI of control, weighted like the persons of both arms.
    pub control: f64,
    /// Difference, test, lift and Fieller's set.
    pub comparison: Comparison,
    /// The difference and the control below the lift, with their second moments, for every other method.
    pub gap: Gap,
}

/// Compares the means of two arms stratum by stratum, weighted by the strata's shares of all persons (Miratrix, Sekhon,
/// Yu, JRSS B 2013; Xie and Aurisset, KDD 2016).
///
/// Stratum `k`, with the share `w_k = n_k / n` of the persons of both arms, has two estimates: `m_C,k` with the
/// variance `v_C,k`, and the difference `D_k` with the variance `v_T,k + v_C,k`; their covariance is `-v_C,k`. Over the
/// strata `m_C = sum w_k m_C,k` and `D = sum w_k D_k`, and their covariance matrix is
///
/// ```text
/// A [(diag w - w w') / n] A' + sum_k w_k^2 V_k,
/// ```
///
/// `A` having the columns `(m_C,k, D_k)`: the first part is the chance in who came, the second that within strata. Lift
/// `D / |m_C|` by the delta method with the covariance of the two, Fieller's set from the same three moments; degrees
/// of freedom after Satterthwaite over all arms and strata.
///
/// Conditions: the dimension is known before the exposure and was chosen beforehand; strata in which an arm has fewer
/// than two persons or no spread are merged into the largest one (then too small to tell anything alone).
pub fn compare_stratified(strata: &[Stratum], confidence: f64) -> Result<StratifiedComparison, Undefined> {
    let kept = merge(strata)?;
    let persons: f64 = kept.iter().map(|stratum| stratum.control.n as f64 + stratum.treatment.n as f64).sum();
    let mut cells = Vec::with_capacity(kept.len());
    for stratum in &kept {
        let (c, t) = (stratum.control.mean()?, stratum.treatment.mean()?);
        let share = (stratum.control.n as f64 + stratum.treatment.n as f64) / persons;
        cells.push(Cell { share, base: c.value(), difference: t.value() - c.value(), c, t });
    }
    let sum = |of: &dyn Fn(&Cell) -> f64| cells.iter().map(of).sum::<f64>();
    let base = finite(sum(&|cell| cell.share * cell.base))?;
    let difference = finite(sum(&|cell| cell.share * cell.difference))?;
    // A [diag w - w w'] A' is the covariance of the strata's estimates over the shares.
    let between = |of: &dyn Fn(&Cell) -> f64| sum(&|cell| cell.share * of(cell)) / persons;
    let (of_base, of_difference) = (|cell: &Cell| cell.base - base, |cell: &Cell| cell.difference - difference);
    let within = |of: &dyn Fn(&Cell) -> f64| sum(&|cell| cell.share * cell.share * of(cell));
    let base_variance = between(&|cell| of_base(cell).powi(2)) + within(&|cell| cell.c.variance());
    let of_strata = within(&|cell| cell.c.variance() + cell.t.variance());
    let variance = between(&|cell| of_difference(cell).powi(2)) + of_strata;
    let covariance = between(&|cell| of_base(cell) * of_difference(cell)) - within(&|cell| cell.c.variance());
    let lift = difference / base;
    let freedom = |arm: &Estimate, share: f64| {
        let part = share * share * arm.variance() / variance;
        part * part / arm.degrees_of_freedom()
    };
    let degrees_of_freedom = if variance > 0.0 {
        finite(1.0 / sum(&|cell| freedom(&cell.c, cell.share) + freedom(&cell.t, cell.share))).map(|df| df.max(1.0))
    } else {
        Err(Undefined::NoVariance)
    };
    let comparison = Contrast {
        difference,
        variance,
        base,
        base_variance,
        covariance,
        lift_variance: variance - 2.0 * lift * covariance + lift * lift * base_variance,
        degrees_of_freedom,
    }
    .evaluate(&Level::new(confidence)?);
    // The chance in who came belongs to both arms; it goes with the parts within strata, which make the degrees of
    // freedom.
    let share_of_treatment = if of_strata > 0.0 { within(&|cell| cell.t.variance()) / of_strata } else { 0.5 };
    let of_treatment = share_of_treatment * variance;
    let gap = Gap {
        difference: difference + 0.0,
        persons: sum_of(&kept, |stratum| stratum.treatment.n)?,
        control_persons: sum_of(&kept, |stratum| stratum.control.n)?,
        variance: of_treatment,
        control_variance: variance - of_treatment,
        base,
        base_variance,
        covariance,
        accrued: 1.0,
    };
    let merged = strata.len() - kept.len();
    Ok(StratifiedComparison { strata: kept.len(), merged, control: base, comparison, gap })
}

fn sum_of(strata: &[Stratum], count: fn(&Stratum) -> i64) -> Result<u64, Undefined> {
    let persons = strata.iter().try_fold(0i64, |sum, stratum| sum.checked_add(count(stratum)));
    persons.and_then(|persons| u64::try_from(persons).ok()).ok_or(Undefined::ImpossibleSums)
}

struct Cell {
    share: f64,
    base: f64,
    difference: f64,
    c: Estimate,
    t: Estimate,
}

/// The strata that can stand alone; the others go into the largest of these, or into one if none can.
fn merge(strata: &[Stratum]) -> Result<Vec<Stratum>, Undefined> {
    let size = |stratum: &Stratum| stratum.control.n.saturating_add(stratum.treatment.n);
    let alone = |sums: &StratumSums| match sums.mean() {
        Ok(estimate) => Ok(estimate.variance() > 0.0),
        Err(Undefined::NoPersons | Undefined::FewerThanTwoPersons) => Ok(false),
        Err(reason) => Err(reason),
    };
    let (mut kept, mut rest) = (Vec::new(), Stratum::default());
    let mut left_over = false;
    for stratum in strata {
        if alone(&stratum.control)? && alone(&stratum.treatment)? {
            kept.push(*stratum);
        } else {
            rest.control.merge(&stratum.control)?;
            rest.treatment.merge(&stratum.treatment)?;
            left_over = true;
        }
    }
    match kept.iter_mut().max_by_key(|stratum| size(stratum)) {
        Some(largest) => {
            largest.control.merge(&rest.control)?;
            largest.treatment.merge(&rest.treatment)?;
        }
        None if left_over => kept.push(rest),
        None => return Err(Undefined::NoPersons),
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::compare;
    use crate::inference::testing::{close, units};
    use proptest::prelude::*;

    fn sums(n: i64, y: &str, yy: &str) -> StratumSums {
        StratumSums { n, y: units(y, 6), yy: units(yy, 12) }
    }

    /// The revenue example of the published comparisons, split at the covariate (below 5, 5 and more). Source: the head
    /// of GrowthBook's repository (gbstats), and numpy on the 10 200 rows.
    #[test]
    fn reference() {
        let strata = [
            Stratum { control: sums(2476, "34199.68", "804315.3024"), treatment: sums(2575, "37139.6", "896633.2480") },
            Stratum {
                control: sums(2524, "40082.64", "972785.6704"),
                treatment: sums(2625, "43098.6", "1072690.9968"),
            },
        ];
        let found = compare_stratified(&strata, 0.95).unwrap();
        let lift = found.comparison.lift.unwrap();
        close(lift.value, 0.038632552757553534, 1e-12);
        close(lift.standard_error, 0.01588665639093828, 1e-12);
        assert!((lift.interval.low - 0.007491581).abs() < 1e-9, "{lift:?}");
        assert!((lift.interval.high - 0.069773524).abs() < 1e-9);
        assert_eq!((found.strata, found.merged), (2, 0));
    }

    #[test]
    fn small_strata_go_into_the_largest() {
        let whole = Stratum { control: sums(4, "10", "30"), treatment: sums(4, "14", "54") };
        let tiny = Stratum { control: sums(1, "3", "9"), treatment: sums(3, "3", "5") };
        let found = compare_stratified(&[tiny, whole], 0.95).unwrap();
        assert_eq!((found.strata, found.merged), (1, 1));
        let plain = compare(
            &mean(5, units("13", 6), units("39", 12)).unwrap(),
            &mean(7, units("17", 6), units("59", 12)).unwrap(),
            0.95,
        )
        .unwrap();
        close(found.comparison.difference, plain.difference, 1e-14);
        close(found.comparison.test.unwrap().p_value, plain.test.unwrap().p_value, 1e-12);
        assert_eq!(compare_stratified(&[], 0.95), Err(Undefined::NoPersons));
        assert_eq!(compare_stratified(&[Stratum::default()], 0.95), Err(Undefined::NoPersons));
        assert_eq!(compare_stratified(&[tiny], 0.95), Err(Undefined::FewerThanTwoPersons));
        let impossible = Stratum { control: sums(4, "10", "3"), treatment: sums(4, "14", "54") };
        assert_eq!(compare_stratified(&[impossible, whole], 0.95), Err(Undefined::ImpossibleSums));
    }

    fn persons() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(-5_000_000i64..50_000_000, 2..20)
    }

    fn of(values: &[i64]) -> StratumSums {
        let wide = |value: &i64| I256::from(*value);
        StratumSums {
            n: i64::try_from(values.len()).unwrap(),
            y: values.iter().map(wide).sum(),
            yy: values.iter().map(|value| wide(value) * wide(value)).sum(),
        }
    }

    /// Sums as no persons can have them.
    fn any_sums() -> impl Strategy<Value = StratumSums> {
        let sum = prop_oneof![any::<[i128; 2]>().prop_map(I256), any::<i64>().prop_map(I256::from), Just(I256::MAX)];
        (prop_oneof![any::<i64>(), 0i64..5], sum.clone(), sum).prop_map(|(n, y, yy)| StratumSums { n, y, yy })
    }

    proptest! {
        #[test]
        fn finite_or_a_reason(arms in prop::collection::vec((any_sums(), any_sums()), 0..4)) {
            let strata: Vec<Stratum> =
                arms.into_iter().map(|(control, treatment)| Stratum { control, treatment }).collect();
            if let Ok(found) = compare_stratified(&strata, 0.95) {
                prop_assert!(found.control.is_finite() && found.comparison.difference.is_finite());
                if let Ok(test) = found.comparison.test {
                    prop_assert!(test.p_value > 0.0 && test.p_value <= 1.0 && test.standard_error.is_finite());
                }
                if let Ok(lift) = found.comparison.lift {
                    prop_assert!(lift.interval.low.is_finite() && lift.interval.high.is_finite());
                }
            }
        }

        /// One stratum is the plain comparison; the order of strata does not matter; no NaN.
        #[test]
        fn laws(arms in prop::collection::vec((persons(), persons()), 1..5)) {
            let strata: Vec<Stratum> =
                arms.iter().map(|(c, t)| Stratum { control: of(c), treatment: of(t) }).collect();
            let found = compare_stratified(&strata, 0.95);
            let backwards: Vec<Stratum> = strata.iter().rev().copied().collect();
            let mirrored = compare_stratified(&backwards, 0.95);
            prop_assert_eq!(found.is_ok(), mirrored.is_ok());
            if let (Ok(found), Ok(mirrored)) = (found, mirrored) {
                let scale = found.control.abs() + 1.0;
                prop_assert!((found.comparison.difference - mirrored.comparison.difference).abs() <= 1e-9 * scale);
                if let Ok(test) = found.comparison.test {
                    prop_assert!(test.p_value > 0.0 && test.p_value <= 1.0 && test.standard_error.is_finite());
                }
                if let (1, Ok(test)) = (strata.len(), found.comparison.test) {
                    let plain = compare(&strata[0].control.mean().unwrap(), &strata[0].treatment.mean().unwrap(), 0.95)
                        .unwrap().test.unwrap();
                    prop_assert!((test.p_value - plain.p_value).abs() <= 1e-9 * plain.p_value);
                }
            }
        }
    }
}
