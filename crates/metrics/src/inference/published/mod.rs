//! Do the results agree with published experiments and with independent implementations?

mod data;

use data::{Arm, PUBLISHED};

use super::testing::{close, units};
use super::*;

fn estimate((n, sum, squares): Arm) -> Estimate {
    mean(n, units(sum, 6), units(squares, 12)).unwrap()
}

/// Twenty comparisons of the Hillstrom and Cookie Cats experiments, from the arms' exact sums.
#[test]
fn real_experiments() {
    for published in PUBLISHED {
        let compared = compare(&estimate(published.control), &estimate(published.treatment), 0.95).unwrap();
        let (test, lift) = (compared.test.unwrap(), compared.lift.unwrap());
        for (actual, expected) in [
            (compared.difference, published.difference),
            (test.standard_error, published.standard_error),
            (test.degrees_of_freedom, published.degrees_of_freedom),
            (test.t, published.t),
            (test.p_value, published.p_value),
            (test.interval.low, published.interval[0]),
            (test.interval.high, published.interval[1]),
            (lift.value, published.lift),
            (lift.standard_error.powi(2), published.lift_variance),
            (lift.interval.low, published.lift_interval[0]),
            (lift.interval.high, published.lift_interval[1]),
        ] {
            assert!(
                (actual - expected).abs() <= 1e-9 * expected.abs(),
                "{}: {actual:e} is not {expected:e}",
                published.name
            );
        }
        let fieller = compared.lift_fieller.unwrap();
        assert_eq!(fieller.contains(0.0), test.p_value >= 0.05, "{}", published.name);
    }
}

/// 1000 of 10 000 against 1120 of 10 000.
mod proportions {
    use super::*;

    /// The peers' variance of a proportion is `p (1 - p) / n`; these go through [`Estimate::from_parts`].
    fn peers() -> Comparison {
        let arm = |p: f64| Estimate::from_parts(10_000, p, p * (1.0 - p) / 10_000.0).unwrap();
        compare(&arm(0.1), &arm(0.112), 0.95).unwrap()
    }

    /// Source: gbstats 0.8.0, `TwoSidedTTest` on `ProportionStatistic`, absolute and relative (its relative p-value
    /// is on the relative scale and not ours).
    #[test]
    fn fixed_horizon() {
        let compared = peers();
        let (test, lift) = (compared.test.unwrap(), compared.lift.unwrap());
        close(test.interval.low, 0.003_468_436_559_603_714, 1e-12);
        close(test.interval.high, 0.020_531_563_440_396_278, 1e-12);
        close(test.p_value, 0.005_839_837_395_924_086, 1e-12);
        close(lift.value, 0.12, 1e-13);
        close(lift.impact_score(), 12.0, 1e-13);
        close(lift.standard_error, 0.046_081_666_636_526_936, 1e-12);
        close(lift.interval.low, 0.029_676_112_643_001_948, 1e-12);
        close(lift.interval.high, 0.210_323_887_356_997_98, 1e-12);
    }

    /// The same from sums, with the variance over `n - 1`: wider by a ten-thousandth. Source: the formulas with scipy
    /// 1.17.1's t distribution.
    #[test]
    fn from_sums() {
        let compared = compare(&estimate((10_000, "1000", "1000")), &estimate((10_000, "1120", "1120")), 0.95).unwrap();
        let (test, lift) = (compared.test.unwrap(), compared.lift.unwrap());
        close(test.interval.low, 0.003_468_009_949_435_668_3, 1e-12);
        close(test.interval.high, 0.020_531_990_050_564_33, 1e-12);
        close(test.p_value, 0.005_842_298_803_877_348_5, 1e-12);
        close(lift.standard_error, 0.046_083_970_892_679_42, 1e-12);
        close(lift.interval.low, 0.029_671_596_109_891_285, 1e-12);
        close(lift.interval.high, 0.210_328_403_890_108_7, 1e-12);
    }

    /// Source: Statsig's published formula at the normal quantile, `p (1 - p)`.
    #[test]
    fn fieller_at_the_normal_quantile() {
        let (control, treatment) = (0.1 * 0.9 / 10_000.0, 0.112 * 0.888 / 10_000.0);
        let lift = Quotient {
            numerator: 0.112 - 0.1,
            numerator_variance: control + treatment,
            denominator: 0.1,
            denominator_variance: control,
            covariance: -control,
        };
        let set = fieller(&lift, tails::normal_isf(0.025).unwrap()).unwrap();
        close(set.low.unwrap(), 0.033_327_282_395_850_144, 1e-12);
        close(set.high.unwrap(), 0.214_443_966_225_075_22, 1e-12);
        assert_eq!(set.open_because(), None);
    }

    /// Source: the textbook form of Fieller's interval (Statsig's, with the t quantile) with scipy 1.17.1.
    #[test]
    fn fieller_at_the_t_quantile() {
        let set = peers().lift_fieller.unwrap();
        close(set.low.unwrap(), 0.033_322_231_416_758_05, 1e-12);
        close(set.high.unwrap(), 0.214_449_963_603_411_4, 1e-12);
    }
}

/// Two arms of 5000 and 5200 persons with revenue y, orders d and a covariate x, made by a formula: `i = 0..n`: `x =
/// (37 i mod 101) / 10`, `d = floor((13 i mod 7) / 2)`, `y = d (5 + (29 i mod 11)) + 0.4 x + shift [d > 0]`, shift 0
/// and 0.8.
mod revenue {
    use super::*;

    fn control() -> CovariateSums {
        CovariateSums {
            n: 5000,
            y: units("74282.32", 6),
            yy: units("1777100.9728", 12),
            x: units("24998.3", 6),
            xx: units("167491.33", 12),
            xy: units("388673.232", 12),
        }
    }

    fn treatment() -> CovariateSums {
        CovariateSums {
            n: 5200,
            y: units("80238.2", 6),
            yy: units("1969324.2448", 12),
            x: units("25995.5", 6),
            xx: units("174155.93", 12),
            xy: units("418678.492", 12),
        }
    }

    fn revenue(arm: &CovariateSums) -> Estimate {
        mean(arm.n, arm.y, arm.yy).unwrap()
    }

    /// Sources: gbstats 0.8.0 (lift and interval), tea-tasting (p-value on the absolute scale).
    #[test]
    fn revenue_per_person() {
        let compared = compare(&revenue(&control()), &revenue(&treatment()), 0.95).unwrap();
        let lift = compared.lift.unwrap();
        close(lift.value, 0.038_633_626_206_281_524, 1e-12);
        close(lift.interval.low, 0.007_378_047_331_086_816, 1e-11);
        close(lift.interval.high, 0.069_889_205_081_476, 1e-11);
        close(compared.test.unwrap().p_value, 0.013_524_878_012_719_91, 1e-11);
    }

    /// Source: gbstats 0.8.0, `RatioStatistic`, relative; printed to ten decimals.
    #[test]
    fn average_order_value() {
        let (c, t) = (control(), treatment());
        let c = ratio(c.n, c.y, c.yy, units("6429", 6), units("13575", 12), units("148594.44", 12)).unwrap();
        let t = ratio(t.n, t.y, t.yy, units("6687", 6), units("14117", 12), units("159894.2", 12)).unwrap();
        let compared = compare(&c, &t, 0.95).unwrap();
        let lift = compared.lift.unwrap();
        close(lift.value, 0.038_503_156_302_585_74, 1e-12);
        assert!((lift.interval.low - 0.023_573_626_4).abs() < 5.1e-11);
        assert!((lift.interval.high - 0.053_432_686_2).abs() < 5.1e-11);
        // The p-value of gbstats is on the relative scale; that of tea-tasting on ours.
        close(compared.test.unwrap().p_value, 2.588_904e-7, 2e-7);
    }

    /// Sources: gbstats 0.8.0 (absolute) and the head of GrowthBook's repository (relative); theta as there, over all
    /// persons as one sample.
    #[test]
    fn cuped_as_growthbook() {
        let theta = Theta::across_arms(&[control(), treatment()]);
        close(theta.value().unwrap(), 0.401_837_701_671_350_13, 1e-11);
        let adjusted = compare_adjusted(&control(), &treatment(), &theta, 0.95).unwrap();
        let (test, lift) = (adjusted.comparison.test.unwrap(), adjusted.comparison.lift.unwrap());
        close(adjusted.comparison.difference, 0.574_170_196_269_417_2, 1e-12);
        close(test.interval.low, 0.120_967_984_480_765_01, 1e-11);
        close(test.interval.high, 1.027_372_408_058_069_5, 1e-12);
        close(test.p_value, 0.013_029_102_739_390_286, 1e-11);
        close(lift.standard_error, 0.015_865_275_930_378_474, 1e-12);
        assert!((lift.interval.low - 0.007_548_775_248).abs() < 5.1e-13);
        assert!((lift.interval.high - 0.069_746_898_375).abs() < 5.1e-13);
    }

    /// Source: numpy on the 10 200 rows, theta within arms.
    #[test]
    fn cuped_within_arms() {
        let theta = Theta::within_arms(&[control(), treatment()]);
        close(theta.value().unwrap(), 0.401_846_569_671_990_6, 1e-12);
        let adjusted = compare_adjusted(&control(), &treatment(), &theta, 0.95).unwrap();
        close(adjusted.comparison.difference, 0.574_170_200_928_527_2, 1e-12);
        close(adjusted.comparison.test.unwrap().p_value, 0.013_029_101_993_130_943, 1e-11);
        close(adjusted.comparison.lift.unwrap().standard_error, 0.015_865_275_861_106_483, 1e-12);
        // On the scale of the KPI: the difference of the adjusted values is the adjusted difference.
        close(adjusted.treatment.value() - adjusted.control.value(), adjusted.comparison.difference, 1e-12);
        close(adjusted.control.value(), revenue(&control()).value(), 1e-3);
    }

    /// A covariate that does not vary leaves the plain comparison.
    #[test]
    fn cuped_without_history() {
        let bare = |mut arm: CovariateSums| {
            (arm.x, arm.xx, arm.xy) = (ethnum::I256::ZERO, ethnum::I256::ZERO, ethnum::I256::ZERO);
            arm
        };
        let (c, t) = (bare(control()), bare(treatment()));
        let adjusted = compare_adjusted(&c, &t, &Theta::within_arms(&[c, t]), 0.95).unwrap();
        let plain = compare(&revenue(&c), &revenue(&t), 0.95).unwrap();
        assert_eq!(adjusted.theta.to_bits(), 0);
        assert_eq!((adjusted.control, adjusted.treatment), (revenue(&c), revenue(&t)));
        let (a, b) = (adjusted.comparison.lift.unwrap(), plain.lift.unwrap());
        close(a.standard_error, b.standard_error, 1e-14);
        close(adjusted.comparison.test.unwrap().p_value, plain.test.unwrap().p_value, 1e-10);
        let (a, b) = (adjusted.comparison.lift_fieller.unwrap(), plain.lift_fieller.unwrap());
        close(a.low.unwrap(), b.low.unwrap(), 1e-10);
        close(a.high.unwrap(), b.high.unwrap(), 1e-10);
    }

    /// Source: scipy 1.17.1, `stats.skew` on the rows of each arm.
    #[test]
    fn skewness_of_revenue() {
        let (c, t) = (control(), treatment());
        close(skewness(c.n, c.y, c.yy, units("51867381.640576", 18)).unwrap(), 0.6976251630123194, 1e-12);
        close(skewness(t.n, t.y, t.yy, units("58486923.79808", 18)).unwrap(), 0.6381674944377302, 1e-12);
    }
}
