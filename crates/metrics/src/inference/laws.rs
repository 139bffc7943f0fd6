//! What must hold for every input, not only for those with a known answer.

use ethnum::I256;
use proptest::prelude::*;

use super::*;

/// Persons with a value, a denominator and a covariate, as whole numbers of 1e-6.
#[derive(Debug, Clone)]
struct Persons(Vec<[i64; 3]>);

impl Persons {
    fn sum(&self, term: impl Fn([i64; 3]) -> I256) -> I256 {
        self.0.iter().fold(I256::ZERO, |sum, person| sum + term(*person))
    }

    fn n(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap()
    }

    fn mean(&self) -> Result<Estimate, Undefined> {
        mean(self.n(), self.sum(|[y, _, _]| wide(y)), self.sum(|[y, _, _]| wide(y) * wide(y)))
    }

    fn ratio(&self) -> Result<Estimate, Undefined> {
        ratio(
            self.n(),
            self.sum(|[y, _, _]| wide(y)),
            self.sum(|[y, _, _]| wide(y) * wide(y)),
            self.sum(|[_, d, _]| wide(d)),
            self.sum(|[_, d, _]| wide(d) * wide(d)),
            self.sum(|[y, d, _]| wide(y) * wide(d)),
        )
    }

    fn with_covariate(&self) -> CovariateSums {
        CovariateSums {
            n: self.n(),
            y: self.sum(|[y, _, _]| wide(y)),
            yy: self.sum(|[y, _, _]| wide(y) * wide(y)),
            x: self.sum(|[_, _, x]| wide(x)),
            xx: self.sum(|[_, _, x]| wide(x) * wide(x)),
            xy: self.sum(|[y, _, x]| wide(x) * wide(y)),
        }
    }

    fn scaled(&self, factor: i64) -> Self {
        Self(self.0.iter().map(|[y, d, x]| [y * factor, *d, x * factor]).collect())
    }
}

fn wide(value: i64) -> I256 {
    I256::from(value)
}

fn persons(fewest: usize) -> impl Strategy<Value = Persons> {
    let value = prop_oneof![2 => Just(0i64), 3 => 0i64..1_000_000_000, 1 => -1_000_000_000i64..1_000_000_000];
    prop::collection::vec((value.clone(), 0i64..5_000_000, value).prop_map(|(y, d, x)| [y, d, x]), fewest..40)
        .prop_map(Persons)
}

/// Sums as no persons can have them, up to the very ends of the type.
fn any_sums() -> impl Strategy<Value = [I256; 5]> {
    prop::array::uniform5(prop_oneof![
        any::<[i128; 2]>().prop_map(I256),
        any::<i64>().prop_map(I256::from),
        (-3i64..4).prop_map(I256::from),
        Just(I256::MIN),
        Just(I256::MAX)
    ])
}

/// Estimates of any size, to the ends of the doubles.
fn any_estimate() -> impl Strategy<Value = Result<Estimate, Undefined>> {
    (any::<u64>(), any::<f64>(), any::<f64>())
        .prop_map(|(n, value, variance)| Estimate::from_parts(n, value, variance.abs()))
}

fn near(left: f64, right: f64, relative: f64) -> bool {
    (left - right).abs() <= relative * left.abs().max(right.abs())
}

/// All numbers of a comparison.
fn numbers(compared: &Comparison) -> Vec<f64> {
    let mut numbers = vec![compared.difference];
    if let Ok(Test { standard_error, t, degrees_of_freedom, p_value, interval }) = compared.test {
        numbers.extend([standard_error, t, degrees_of_freedom, p_value, interval.low, interval.high]);
    }
    if let Ok(Lift { value, standard_error, interval }) = compared.lift {
        numbers.extend([value, standard_error, interval.low, interval.high]);
    }
    if let Ok(fieller) = compared.lift_fieller {
        numbers.extend(fieller.low);
        numbers.extend(fieller.high);
    }
    numbers
}

fn check_finite(compared: &Comparison) -> Result<(), TestCaseError> {
    prop_assert!(numbers(compared).iter().all(|number| number.is_finite()), "{compared:?}");
    if let Ok(test) = compared.test {
        prop_assert!(test.p_value > 0.0 && test.p_value <= 1.0 && test.degrees_of_freedom >= 1.0);
    }
    Ok(())
}

/// The variance from the rows themselves, by deviations from the mean: another road to the same number.
#[test]
fn the_variance_is_that_of_the_rows() {
    let rows = Persons(vec![[1_000_000, 1_000_000, 0], [4_000_000, 2_000_000, 0], [10_000_000, 3_000_000, 0]]);
    let estimate = rows.mean().unwrap();
    testing::close(estimate.value(), 5.0, 1e-15);
    // Deviations -4, -1, 5: squares 42, over two, over three.
    testing::close(estimate.variance(), 7.0, 1e-15);
    let estimate = rows.ratio().unwrap();
    testing::close(estimate.value(), 2.5, 1e-15);
    // z = -1.5, -1, 2.5: squares 9.5, over two, over three, over the squared mean denominator 4.
    testing::close(estimate.variance(), 9.5 / 2.0 / 3.0 / 4.0, 1e-15);
}

proptest! {
    #[test]
    fn no_sums_make_a_nan(n: i64, few in -1i64..5, [sums, more] in [any_sums(), any_sums()]) {
        for n in [n, few] {
            let estimates = |[y, yy, d, dd, yd]: [I256; 5]| [mean(n, y, yy), ratio(n, y, yy, d, dd, yd)];
            for control in estimates(sums).into_iter().flatten() {
                prop_assert!(control.value().is_finite() && (0.0..f64::MAX).contains(&control.variance()));
                if let Ok(interval) = mean_interval(&control, 0.95) {
                    prop_assert!(interval.low.is_finite() && interval.high.is_finite());
                }
                for treatment in estimates(more).into_iter().flatten() {
                    if let Ok(compared) = compare(&control, &treatment, 0.95) {
                        check_finite(&compared)?;
                    }
                }
            }
            if let Ok(skewness) = skewness(n, sums[0], sums[1], sums[2]) {
                prop_assert!(skewness.is_finite());
            }
            let arm = |[y, yy, x, xx, xy]: [I256; 5]| CovariateSums { n, y, yy, x, xx, xy };
            let arms = [arm(sums), arm(more)];
            for theta in [Theta::within_arms(&arms), Theta::across_arms(&arms)] {
                if let Ok(adjusted) = compare_adjusted(&arms[0], &arms[1], &theta, 0.95) {
                    check_finite(&adjusted.comparison)?;
                }
            }
        }
    }

    #[test]
    fn no_estimates_make_a_nan(
        control in any_estimate(), treatment in any_estimate(), confidence in prop_oneof![any::<f64>(), 0.0f64..1.0]
    ) {
        let (Ok(control), Ok(treatment)) = (control, treatment) else { return Ok(()) };
        if let Ok(compared) = compare(&control, &treatment, confidence) {
            check_finite(&compared)?;
        }
    }

    #[test]
    fn swapping_the_arms_negates_the_difference(a in persons(2), b in persons(2)) {
        for (a, b) in [(a.mean(), b.mean()), (a.ratio(), b.ratio())] {
            let (Ok(a), Ok(b)) = (a, b) else { continue };
            let (forth, back) = (compare(&a, &b, 0.95).unwrap(), compare(&b, &a, 0.95).unwrap());
            prop_assert!(near(forth.difference, -back.difference, 0.0));
            prop_assert_eq!(forth.test.is_ok(), back.test.is_ok());
            let (Ok(forth), Ok(back)) = (forth.test, back.test) else { continue };
            prop_assert!(near(forth.t, -back.t, 0.0));
            prop_assert!(near(forth.p_value, back.p_value, 1e-12));
            prop_assert!(near(forth.interval.low, -back.interval.high, 1e-12));
            prop_assert!(near(forth.interval.high, -back.interval.low, 1e-12));
        }
    }

    /// Cents instead of dollars: the difference follows, t, p and lift do not move.
    #[test]
    fn the_unit_of_money_does_not_matter(a in persons(2), b in persons(2), factor in 2i64..1000) {
        let check = |plain: &Comparison, other: &Comparison| {
            let scale = factor as f64;
            // A difference of means loses the digits that the means have in common: measured in standard errors, that
            // is nothing.
            if let (Ok(plain), Ok(other)) = (plain.test, other.test) {
                prop_assert!((plain.t - other.t).abs() <= 1e-9 * (1.0 + plain.t.abs()));
                prop_assert!(near(plain.standard_error * scale, other.standard_error, 1e-12));
                prop_assert!(near(plain.degrees_of_freedom, other.degrees_of_freedom, 1e-12));
            }
            if let (Ok(plain), Ok(other)) = (plain.lift, other.lift) {
                prop_assert!(near(plain.standard_error, other.standard_error, 1e-9));
                prop_assert!((plain.value - other.value).abs() <= 1e-9 * (plain.standard_error + plain.value.abs()));
            }
            prop_assert_eq!(plain.test.is_ok(), other.test.is_ok());
            prop_assert_eq!(plain.lift.is_ok(), other.lift.is_ok());
            Ok(())
        };
        let plain = compare(&a.mean()?, &b.mean()?, 0.95)?;
        check(&plain, &compare(&a.scaled(factor).mean()?, &b.scaled(factor).mean()?, 0.95)?)?;
        let adjusted = |a: &Persons, b: &Persons| {
            let arms = [a.with_covariate(), b.with_covariate()];
            compare_adjusted(&arms[0], &arms[1], &Theta::within_arms(&arms), 0.95)
        };
        check(&adjusted(&a, &b)?.comparison, &adjusted(&a.scaled(factor), &b.scaled(factor))?.comparison)?;
    }

    /// The interval of the lift and the p-value of the difference say the same, at every confidence.
    #[test]
    fn zero_is_inside_fieller_exactly_if_the_test_does_not_reject(
        a in persons(2), b in persons(2), confidence in 0.5f64..0.9999
    ) {
        let adjusted = [a.with_covariate(), b.with_covariate()];
        for compared in [
            compare(&a.mean()?, &b.mean()?, confidence)?,
            compare_adjusted(&adjusted[0], &adjusted[1], &Theta::within_arms(&adjusted), confidence)?.comparison,
        ] {
            let (Ok(test), Ok(fieller)) = (compared.test, compared.lift_fieller) else { continue };
            let alpha = 1.0 - confidence;
            prop_assume!((test.p_value - alpha).abs() > 1e-9);
            prop_assert_eq!(fieller.set.contains(0.0), test.p_value >= alpha, "{:?}", compared);
            prop_assert_eq!(fieller.contains(0.0), test.p_value >= alpha, "{:?}", compared);
        }
    }

    /// Each member of Fieller's set passes its own test, and each point outside fails it.
    #[test]
    fn fieller_is_the_set_of_lifts_that_are_not_rejected(
        m in [-10.0f64..10.0, -10.0..10.0], v in [0.001f64..30.0, 0.001..30.0], r in -20.0f64..20.0
    ) {
        let control = Estimate::from_parts(400, m[0], v[0]).unwrap();
        let treatment = Estimate::from_parts(300, m[1], v[1]).unwrap();
        let compared = compare(&control, &treatment, 0.9).unwrap();
        let critical = tails::student_isf(0.05, compared.test.unwrap().degrees_of_freedom).unwrap();
        let ratio = 1.0 + r * m[0].signum();
        let statistic = (m[1] - ratio * m[0]).abs() / (v[1] + ratio * ratio * v[0]).sqrt();
        prop_assume!((statistic - critical).abs() > 1e-9);
        prop_assert_eq!(compared.lift_fieller.unwrap().set.contains(r), statistic < critical);
    }

    /// Sums are all there is: how persons came to be added up leaves no trace.
    #[test]
    fn splitting_and_merging_changes_nothing(all in persons(4), cut in 0usize..40) {
        let (left, right) = all.0.split_at(cut.min(all.0.len()));
        let [left, right] = [left, right].map(|part| Persons(part.to_vec()).with_covariate());
        let merged = CovariateSums {
            n: left.n + right.n,
            y: left.y + right.y,
            yy: left.yy + right.yy,
            x: left.x + right.x,
            xx: left.xx + right.xx,
            xy: left.xy + right.xy,
        };
        prop_assert_eq!(merged, all.with_covariate());
        prop_assert_eq!(mean(merged.n, merged.y, merged.yy), all.mean());
    }

    /// Where sums fit 256 bits they take a short way, where not a long one. The same persons with values a hundred
    /// thousand million times as large take the long one; lifts and t cannot tell.
    #[test]
    fn the_short_way_and_the_long_one_agree(a in persons(2)) {
        let huge = I256::from(100_000_000_000i64) * I256::from(100_000_000_000_000i64);
        let n = a.n();
        let [y, yy, yyy, d, dd, yd] = [
            a.sum(|[y, _, _]| wide(y)),
            a.sum(|[y, _, _]| wide(y) * wide(y)),
            a.sum(|[y, _, _]| wide(y) * wide(y) * wide(y)),
            a.sum(|[_, d, _]| wide(d)),
            a.sum(|[_, d, _]| wide(d) * wide(d)),
            a.sum(|[y, d, _]| wide(y) * wide(d)),
        ];
        let (short, long) = (mean(n, y, yy)?, mean(n, y * huge, yy * huge * huge)?);
        let scale = 1e25;
        prop_assert!(near(short.value() * scale, long.value(), 1e-15));
        prop_assert!(near(short.variance() * scale * scale, long.variance(), 1e-14));
        match (ratio(n, y, yy, d, dd, yd), ratio(n, y * huge, yy * huge * huge, d, dd, yd * huge)) {
            (Ok(short), Ok(long)) => {
                prop_assert!(near(short.value() * scale, long.value(), 1e-15));
                prop_assert!(near(short.variance() * scale * scale, long.variance(), 1e-14));
            }
            (short, long) => prop_assert_eq!(short, long),
        }
        // Cubes of the huge values would not fit any more: a smaller factor.
        let large = I256::from(1_000_000_000_000i64);
        match (skewness(n, y, yy, yyy), skewness(n, y * large, yy * large * large, yyy * large * large * large)) {
            (Ok(short), Ok(long)) => prop_assert!(near(short, long, 1e-13) || (short - long).abs() < 1e-13),
            (short, long) => prop_assert_eq!(short, long),
        }
    }

    /// The integer formulas against the rows in doubles.
    #[test]
    fn sums_agree_with_rows(all in persons(2)) {
        let n = all.0.len() as f64;
        let values: Vec<f64> = all.0.iter().map(|[y, _, _]| *y as f64 / 1e6).collect();
        let centre = values.iter().sum::<f64>() / n;
        let moment = |power: i32| values.iter().map(|y| (y - centre).powi(power)).sum::<f64>() / n;
        let estimate = all.mean()?;
        prop_assert!((estimate.value() - centre).abs() <= 1e-12 * values.iter().map(|y| y.abs()).sum::<f64>());
        prop_assert!(near(estimate.variance(), moment(2) / (n - 1.0), 1e-9));
        let cubes = all.sum(|[y, _, _]| wide(y) * wide(y) * wide(y));
        let sums = all.with_covariate();
        match skewness(all.n(), sums.y, sums.yy, cubes) {
            Ok(skewness) => prop_assert!((skewness - moment(3) / moment(2).powf(1.5)).abs() <= 1e-6),
            Err(reason) => prop_assert_eq!(reason, Undefined::NoSkewness),
        }
        if let Ok(estimate) = all.ratio() {
            let rows: Vec<(f64, f64)> = all.0.iter().map(|[y, d, _]| (*y as f64 / 1e6, *d as f64 / 1e6)).collect();
            let mean_d = rows.iter().map(|(_, d)| d).sum::<f64>() / n;
            let square: f64 = rows.iter().map(|(y, d)| (y - estimate.value() * d).powi(2)).sum();
            let size: f64 = rows.iter().map(|(y, d)| y * y + (estimate.value() * d).powi(2)).sum();
            let scale = (n - 1.0) * n * mean_d * mean_d;
            prop_assert!((estimate.variance() - square / scale).abs() <= 1e-9 * size / scale);
        }
    }
}
