//! What must hold for every input of the anytime-valid methods, not only for those with a known answer.

use ethnum::I256;
use proptest::prelude::*;

use super::*;

fn arm() -> impl Strategy<Value = Estimate> {
    (2u64..1_000_000, -10.0f64..10.0, prop_oneof![1 => Just(0.0), 5 => 1e-9f64..30.0])
        .prop_map(|(n, value, variance)| Estimate::from_parts(n, value, variance).unwrap())
}

/// Estimates of any size, to the ends of the doubles.
fn any_arm() -> impl Strategy<Value = Estimate> {
    (2u64.., any::<f64>(), any::<f64>())
        .prop_filter_map("no estimate", |(n, value, variance)| Estimate::from_parts(n, value, variance.abs()).ok())
}

fn tuning() -> Tuning {
    Tuning::planned(DEFAULT_PLANNED_PERSONS).unwrap()
}

fn finite_bounds(bounds: &Bounds) -> bool {
    [bounds.low, bounds.high].into_iter().flatten().all(f64::is_finite)
}

proptest! {
    #[test]
    fn no_estimates_make_a_nan(
        a in any_arm(), b in any_arm(), planned in 1.0f64..1e9, harm in 0.0f64..1.0,
        confidence in prop_oneof![any::<f64>(), 0.0f64..1.0]
    ) {
        let tuning = Tuning::planned(planned)?;
        let Ok(gap) = Gap::between(&a, &b) else { return Ok(()) };
        if let Ok(compared) = sequential(&gap, &tuning, confidence) {
            if let Ok(test) = compared.test {
                prop_assert!(test.p_value > 0.0 && test.p_value <= 1.0 && test.log_e_value.is_finite());
                prop_assert!(test.standard_error.is_finite() && test.width.is_finite());
                prop_assert!(test.interval.low.is_finite() && test.interval.high.is_finite());
            }
            prop_assert!(finite_bounds(&compared.lift_bounds()), "{:?}", compared);
        }
        for more_is_better in [true, false] {
            let fixed = fixed_guardrail(&gap, 10.0, harm, more_is_better, confidence);
            let anytime = sequential_guardrail(&gap, &tuning, harm, more_is_better, confidence);
            for margin in [fixed, anytime].into_iter().flatten() {
                let numbers = [margin.value, margin.low, margin.high, margin.p_safe, margin.p_harmed];
                prop_assert!(numbers.iter().all(|number| number.is_finite()), "{:?}", margin);
            }
        }
        if let Ok(plain) = plain_sequential(&gap, planned, confidence) {
            prop_assert!(plain.p_value > 0.0 && plain.p_value <= 1.0 && plain.width.is_finite());
        }
        for prior in [Prior::Flat, Prior::Normal { mean: harm, standard_deviation: planned }] {
            if let Ok(posterior) = posterior(gap.difference, b.standard_error(), &prior, confidence) {
                let numbers = [
                    posterior.mean, posterior.chance_above, posterior.chance_below, posterior.loss_if_shipped,
                    posterior.loss_if_kept, posterior.interval.low, posterior.interval.high,
                ];
                prop_assert!(numbers.iter().all(|number| number.is_finite()), "{:?}", posterior);
                prop_assert!(posterior.loss_if_shipped >= 0.0 && posterior.loss_if_kept >= 0.0);
            }
        }
    }

    /// Zero lift is refuted exactly where the difference is significant, at every confidence and for every shape of the set.
    #[test]
    fn zero_is_in_the_lift_set_exactly_if_the_test_does_not_reject(
        a in arm(), b in arm(), confidence in 0.5f64..0.9999
    ) {
        let compared = sequential(&Gap::between(&a, &b)?, &tuning(), confidence)?;
        let (Ok(test), Ok(lift)) = (compared.test, compared.lift) else { return Ok(()) };
        let alpha = 1.0 - confidence;
        prop_assume!((test.p_value - alpha).abs() > 1e-9);
        prop_assert_eq!(lift.set.contains(0.0), test.p_value >= alpha, "{:?}", compared);
        prop_assert_eq!(lift.contains(0.0), test.p_value >= alpha, "{:?}", compared);
        let inside = test.interval.low <= 0.0 && 0.0 <= test.interval.high;
        prop_assert_eq!(inside, test.p_value >= alpha);
    }

    /// Each lift of the set passes the test of its own residual with the larger of the two standard errors.
    #[test]
    fn the_lift_set_holds_what_is_not_refuted(a in arm(), b in arm(), lift in -20.0f64..20.0) {
        let gap = Gap::between(&a, &b)?;
        let compared = sequential(&gap, &tuning(), 0.9)?;
        let (Ok(test), Ok(set)) = (compared.test, compared.lift) else { return Ok(()) };
        let variance = gap.residual_variance(lift).max(gap.pooled().residual_variance(lift));
        let distance = gap.residual(lift).abs() / variance.sqrt() - test.width;
        prop_assume!(distance.abs() > 1e-6);
        prop_assert_eq!(set.set.contains(lift), distance < 0.0, "{:?} {}", compared, distance);
    }

    /// The corrected form never claims more than Welch's standard error and no more time than there are persons.
    #[test]
    fn the_correction_is_cautious(a in arm(), b in arm()) {
        let gap = Gap::between(&a, &b)?;
        prop_assert!(effective_persons(a.persons(), b.persons()) <= (a.persons() + b.persons()) as f64 * (1.0 + 1e-12));
        if let Ok(test) = sequential(&gap, &tuning(), 0.95)?.test {
            prop_assert!(test.standard_error >= test.welch_standard_error);
            prop_assert!(test.standard_error >= test.pooled_standard_error);
            let plain = plain_sequential(&gap, DEFAULT_PLANNED_PERSONS, 0.95);
            if let Ok(plain) = plain && a.persons() == b.persons() {
                prop_assert!(test.p_value >= plain.p_value * (1.0 - 1e-9));
            }
        }
    }

    #[test]
    fn swapping_the_arms_negates(a in arm(), b in arm(), confidence in 0.5f64..0.999) {
        let judge = |c, t| sequential(&Gap::between(c, t).unwrap(), &tuning(), confidence).unwrap().test;
        let (forth, back) = (judge(&a, &b), judge(&b, &a));
        prop_assert_eq!(forth.is_ok(), back.is_ok());
        let (Ok(forth), Ok(back)) = (forth, back) else { return Ok(()) };
        prop_assert!((forth.p_value - back.p_value).abs() <= 1e-12 * forth.p_value);
        prop_assert!((forth.interval.low + back.interval.high).abs() <= 1e-12 * back.interval.high.abs());
    }

    /// Cents instead of dollars.
    #[test]
    fn the_unit_of_money_does_not_matter(a in arm(), b in arm(), power in -20i32..20) {
        let unit = 2f64.powi(power);
        let scaled = |arm: &Estimate| {
            Estimate::from_parts(arm.persons(), arm.value() * unit, arm.variance() * unit * unit).unwrap()
        };
        let plain = sequential(&Gap::between(&a, &b)?, &tuning(), 0.95)?;
        let other = sequential(&Gap::between(&scaled(&a), &scaled(&b))?, &tuning(), 0.95)?;
        let bits = |p: Result<SequentialTest, Undefined>| p.map(|test| (test.p_value.to_bits(), test.log_e_value.to_bits()));
        prop_assert_eq!(bits(plain.test), bits(other.test));
        let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * (a.abs() + 1.0),
            (a, b) => a.is_none() && b.is_none(),
        };
        let (Ok(plain), Ok(other)) = (plain.lift, other.lift) else { return Ok(()) };
        prop_assert!(near(plain.low, other.low) && near(plain.high, other.high));
    }

    /// One-sided: the bound excludes zero exactly where its p-value is below alpha, and one side at most.
    #[test]
    fn one_sided_bounds_and_p_values_agree(a in arm(), b in arm(), lift in -2.0f64..2.0, confidence in 0.5f64..0.999) {
        let Ok(bounds) = one_sided_sequential(&Gap::between(&a, &b)?, &tuning(), lift, confidence) else { return Ok(()) };
        let alpha = 1.0 - confidence;
        prop_assume!((bounds.p_above - alpha).abs() > 1e-9 && (bounds.p_below - alpha).abs() > 1e-9);
        prop_assert_eq!(bounds.low > 0.0, bounds.p_above < alpha);
        prop_assert_eq!(bounds.high < 0.0, bounds.p_below < alpha);
        prop_assert!(bounds.p_above.max(bounds.p_below) >= 1.0);
    }

    /// The set of rate ratios: zero lift, swapping, finiteness.
    #[test]
    fn exact_converters_laws(
        c in 0u64..3_000_000, t in prop_oneof![0u64..40, 0u64..3_000_000], w in 0.01f64..100.0, confidence in 0.5f64..0.9999
    ) {
        let Ok(exact) = exact_converters(c, t, [1.0, w], confidence) else {
            prop_assert_eq!(c + t, 0);
            return Ok(());
        };
        prop_assert!(finite_bounds(&exact.lift), "{:?}", exact);
        prop_assert_eq!(exact.lift.contains(0.0), exact.p_value >= 1.0 - confidence, "{:?}", exact);
        if let (Ok(low), Ok(high)) = (exact.lift.low, exact.lift.high) {
            prop_assert!(-1.0 <= low && low < high);
            // The estimate of the ratio is inside.
            let ratio = t as f64 / c as f64 / w - 1.0;
            prop_assert!(low <= ratio + 1e-9 * (1.0 + ratio.abs()) && ratio <= high + 1e-9 * (1.0 + ratio.abs()));
        }
        let back = exact_converters(t, c, [w, 1.0], confidence)?;
        prop_assert!((back.p_value - exact.p_value).abs() <= 1e-9 * exact.p_value);
        if let (Ok(low), Ok(high)) = (exact.lift.low, back.lift.high) {
            // Near -1 the digits of 1 + low are gone.
            prop_assert!(low < -0.999 || ((1.0 + low) * (1.0 + high) - 1.0).abs() < 1e-9, "{low} {high}");
        }
    }

    #[test]
    fn any_counts_of_converters(c: u64, t: u64, weights in prop::array::uniform2(any::<f64>()), confidence: f64) {
        if let Ok(exact) = exact_converters(c, t, weights, confidence) {
            prop_assert!(finite_bounds(&exact.lift) && exact.p_value > 0.0);
        }
    }

    /// A control of nothing against hundreds of orders is judged, and the other way round.
    #[test]
    fn a_disaster_gets_a_verdict(orders in 100u64..1000, persons in 10_000u64..20_000) {
        let arm = |orders: u64| {
            let sum = I256::from(orders) * I256::from(journey::UNIT);
            mean(i64::try_from(persons).unwrap(), sum, sum * I256::from(journey::UNIT)).unwrap()
        };
        for (c, t) in [(0, orders), (orders, 0)] {
            let compared = sequential(&Gap::between(&arm(c), &arm(t))?, &tuning(), 0.95)?;
            prop_assert!(compared.test.unwrap().p_value < 0.05);
            prop_assert!(exact_converters(c, t, [1.0, 1.0], 0.95)?.p_value < 1e-10);
        }
    }

    #[test]
    fn rates_laws(c in 0u64..5000, m in 0u64..5000, t in 0u64..5000, k in 0u64..5000) {
        let (c, t) = ((c, c + m), (t, t + k));
        let (forth, back) = (compare_rates(c, t)?, compare_rates(t, c)?);
        prop_assert!((forth.chance_above + forth.chance_below - 1.0).abs() < 1e-12, "{:?}", forth);
        prop_assert!((forth.chance_above - back.chance_below).abs() <= 1e-12);
        let mean = |(k, n): (u64, u64)| (1.0 + k as f64) / (2.0 + n as f64);
        prop_assert!((forth.loss_if_kept - forth.loss_if_shipped - (mean(t) - mean(c))).abs() < 1e-13);
    }

    /// The e-value and the p-value of a difference say the same.
    #[test]
    fn e_and_p(a in arm(), b in arm()) {
        if let Ok(test) = sequential(&Gap::between(&a, &b)?, &tuning(), 0.95)?.test {
            prop_assert!((test.p_value - (-test.log_e_value).exp().clamp(f64::MIN_POSITIVE, 1.0)).abs() < 1e-12);
        }
    }
}

#[test]
fn refusals() {
    let some = Estimate::from_parts(100, 0.5, 0.01).unwrap();
    let still = Estimate::from_parts(100, 1.0, 0.0).unwrap();
    let gap = Gap::between(&some, &some).unwrap();
    assert_eq!(sequential(&gap, &tuning(), 1.0), Err(Undefined::InvalidConfidence));
    assert_eq!(Tuning::planned(0.5), Err(Undefined::InvalidPlan));
    assert_eq!(Tuning::planned(f64::NAN), Err(Undefined::InvalidPlan));
    let compared = sequential(&Gap::between(&still, &still).unwrap(), &tuning(), 0.95).unwrap();
    assert_eq!(compared.test, Err(Undefined::NoVariance));
    assert_eq!(compared.lift_bounds().low, Err(Undefined::NoVariance));
    let nobody = Estimate::from_parts(100, 0.0, 0.0).unwrap();
    let compared = sequential(&Gap::between(&nobody, &some).unwrap(), &tuning(), 0.95).unwrap();
    assert!(compared.test.is_ok());
    assert_eq!(compared.lift, Err(Undefined::ZeroControl));
    assert_eq!(exact_converters(0, 0, [1.0, 1.0], 0.95), Err(Undefined::NoConverters));
    assert_eq!(exact_converters(1, 0, [0.0, 1.0], 0.95), Err(Undefined::InvalidWeights));
    let improper = Prior::Normal { mean: 0.0, standard_deviation: 0.0 };
    assert_eq!(posterior(0.1, 0.1, &improper, 0.95), Err(Undefined::InvalidPrior));
    assert_eq!(posterior(0.1, 0.0, &Prior::Flat, 0.95), Err(Undefined::NoVariance));
    let arms: [&[u64]; 1] = [&[5, 5, 1]];
    assert_eq!(sequential_sample_ratio(arms, &[1.0, 1.0, 0.0]), Err(Undefined::PersonsInClosedArm));
    assert_eq!(sequential_sample_ratio([], &[1.0, 1.0]), Err(Undefined::NoPersons));
}
