//! Do the anytime-valid and the Bayesian results agree with independent implementations and with 40-digit arithmetic?
//!
//! Example P: 1000 of 10 000 persons in control, 1120 of 10 000 in the arm, variance `p (1 - p)` as the peers take it.

use super::testing::close;
use super::*;

fn example(control: f64, treatment: f64, persons: u64) -> Gap {
    let arm = |p: f64| Estimate::from_parts(persons, p, p * (1.0 - p) / persons as f64).unwrap();
    Gap::between(&arm(control), &arm(treatment)).unwrap()
}

/// Source: gbstats 0.8.0, `SequentialTwoSidedTTest`, absolute; N* 5000 and 20 000.
#[test]
fn the_plain_confidence_sequence() {
    let plain = plain_sequential(&example(0.1, 0.112, 10_000), 5_000.0, 0.95).unwrap();
    close(plain.rho, 0.039_840_066_771_373_68, 1e-12);
    close(plain.width * plain.standard_error, 0.013_611_247_019_778_007, 1e-12);
    close(plain.p_value, 0.143_714_735_037_593_4, 1e-12);
    let other = plain_sequential(&example(0.1, 0.112, 10_000), 20_000.0, 0.95).unwrap();
    assert!((other.width * other.standard_error - 0.013_211_2).abs() < 5.1e-8);
    assert!((other.p_value - 0.102_28).abs() < 5.1e-6);
    // Howard, Ramdas, McAuliffe, Sekhon 2021, eq 14, as Eppo writes it, is the same sequence with rho_E = 1 / rho^2; its
    // published value for a tuning at 10 000 persons: half-width 0.013325552, rho_E 1260.0561.
    let (time, standard_error) = (20_000.0, plain.standard_error);
    let tuned = 1.0 / 1260.0561f64.sqrt();
    let half: f64 = two_sided_width(time, tuned, 0.05) * standard_error;
    assert!((half - 0.013_325_552).abs() < 5.1e-10);
}

/// At equal arms the corrected form is the plain one, but for the pooled variance, which is larger by the difference of
/// `n` and `n - 1` only.
#[test]
fn at_equal_arms_the_correction_vanishes() {
    let gap = example(0.1, 0.112, 10_000);
    let corrected = sequential(&gap, &Tuning::planned(5_000.0).unwrap(), 0.95).unwrap().test.unwrap();
    close(corrected.time, 20_000.0, 1e-15);
    close(corrected.p_value, 0.143_714_735_037_593_4, 1e-12);
    close(corrected.pooled_standard_error, corrected.welch_standard_error, 1e-12);
    let (width, interval) = (corrected.width * corrected.standard_error, corrected.interval);
    close(interval.high - 0.012, width, 1e-12);
}

/// Source: the formulas in 40-digit arithmetic (mpmath 1.3.0).
#[test]
fn the_one_sided_sequence() {
    let bounds = one_sided_sequential(&example(0.1, 0.112, 10_000), &Tuning::planned(5_000.0).unwrap(), 0.0, 0.95);
    let bounds = bounds.unwrap();
    close(Tuning::planned(5_000.0).unwrap().rho_one_sided(), 0.035_577_688_528_897_536, 1e-13);
    close(0.012 - bounds.low, 0.012_484_268_179_372_953, 1e-12);
    close(bounds.p_above, 0.068_028_283_642_988_395, 1e-11);
    close(bounds.p_below, 1.0, 0.0);
}

/// Source: the definition in 40-digit arithmetic (mpmath 1.3.0), roots by bisection.
#[test]
fn exact_converters_against_long_arithmetic() {
    #[rustfmt::skip]
    let cases = [
        (30, 55, [1.0, 1.0], 0.05, 0.111_346_252_069_092_08, Some(-0.059_080_743_467_908_821), Some(2.741_451_683_749_781_3)),
        (12, 3, [1.0, 9.0], 0.05, 4.153_948_357_263_157_9e-5, Some(-0.999_893_113_165_365_99), Some(-0.510_962_761_964_441_44)),
        (0, 500, [1.0, 1.0], 0.05, 1.184_286_264_599_983_6e-135, Some(11.363_429_916_423_992), None),
        (500, 0, [1.0, 1.0], 0.05, 1.184_286_264_599_983_6e-135, Some(-1.0), Some(-0.919_116_296_467_894_67)),
        (40, 400, [1.0, 19.0], 0.05, 0.015_574_611_042_374_368, Some(-0.679_733_569_957_899_49), Some(-0.065_270_635_748_640_556)),
        (250_000, 251_500, [1.0, 1.0], 0.05, 1.0, Some(-0.005_351_875_048_812_083), Some(0.017_481_564_141_520_955)),
        (1, 1, [1.0, 1.0], 0.1, 1.0, Some(-0.974_984_355_438_178_91), Some(38.974_984_355_438_177)),
    ];
    for (control, treatment, weights, alpha, p, low, high) in cases {
        let exact = exact_converters(control, treatment, weights, 1.0 - alpha).unwrap();
        close(exact.p_value, p, 1e-12);
        for (actual, expected) in [(exact.lift.low, low), (exact.lift.high, high)] {
            match expected {
                Some(expected) => close(actual.unwrap(), expected, 1e-9),
                None => assert_eq!(actual, Err(Undefined::TooFewConverters)),
            }
        }
    }
}

/// Sources: Optimizely's `ssrm-test` 0.1.5 (0.4798225720927691 at 10 000) and the definition in 40-digit arithmetic, on
/// numpy's `default_rng(7).binomial(1, 0.52, 3000)`, read after every person.
#[test]
fn the_sequential_sample_ratio_of_a_stream() {
    let bits = STREAM.concat();
    let mut counts = [0u64; 2];
    let mut readings = Vec::new();
    for digit in bits.chars() {
        let digit = digit.to_digit(16).unwrap();
        for bit in (0..4).rev() {
            counts[usize::from(digit >> bit & 1 == 0)] += 1;
            readings.push(counts);
        }
    }
    assert_eq!(counts, [1566, 1434]);
    let read = || readings.iter().map(<[u64; 2]>::as_slice);
    let peers = sample_ratio_sequential::largest(read(), &[1.0, 1.0], 10_000.0).unwrap();
    close(peers.p_value, 0.479_822_572_058_354_62, 1e-12);
    close(peers.p_value, 0.479_822_572_092_769_1, 1e-9);
    close(sequential_sample_ratio(read(), &[1.0, 1.0]).unwrap().p_value, 0.028_047_490_276_044_394, 1e-12);
}

/// Sources: gbstats 0.8.0, `EffectBayesianABTest`, relative; the loss in 40-digit arithmetic.
#[test]
fn the_normal_posterior() {
    let gap = example(0.1, 0.112, 10_000);
    let (lift, error) = (gap.lift().unwrap(), gap.lift_standard_error().unwrap());
    let flat = posterior(lift, error, &Prior::Flat, 0.95).unwrap();
    close(flat.chance_above, 0.995_393_836_391_902_7, 1e-12);
    close(flat.loss_if_kept, 0.120_066_588_469_559_82, 1e-12);
    close(flat.loss_if_shipped, 6.658_846_955_984_14e-5, 1e-11);
    let prior = Prior::Normal { mean: 0.0, standard_deviation: 0.3 };
    let proper = posterior(lift, error, &prior, 0.95).unwrap();
    close(proper.mean, 0.117_233_905_087_430_42, 1e-12);
    close(proper.chance_above, 0.994_971_808_660_635_8, 1e-12);
    assert!((proper.interval.low - 0.027_962_522).abs() < 5.1e-10);
    assert!((proper.interval.high - 0.206_505_288).abs() < 5.1e-10);
    // Far out, in 40-digit arithmetic (mpmath 1.3.0).
    for (z, loss) in
        [(3.0, 0.000_382_154_317_047_723_6), (20.0, 1.370_012_494_729_579_9e-90), (30.0, 1.631_956_734_091_401_2e-199)]
    {
        let far = posterior(z, 1.0, &Prior::Flat, 0.95).unwrap();
        close(far.loss_if_shipped, loss, 1e-11);
        close(posterior(-z, 1.0, &Prior::Flat, 0.95).unwrap().loss_if_kept, loss, 1e-11);
    }
}

/// Source: the closed sums (Evan Miller, "Formulas for Bayesian A/B Testing") in 60-digit arithmetic (mpmath 1.3.0).
#[test]
fn exact_rates() {
    #[rustfmt::skip]
    let cases = [
        ((1000, 10_000), (1120, 10_000), 0.997_077_905_939_189_19, 0.002_922_094_060_810_807_9, 3.834_225_875_466_663_9e-6, 0.012_001_434_705_779_486),
        ((0, 20), (3, 15), 0.972_443_031_266_560_68, 0.027_556_968_733_439_322, 0.001_120_737_962_843_226, 0.190_960_310_155_356_59),
        ((5, 500), (9, 90), 0.999_992_733_067_398_22, 7.266_932_601_782_341_4e-6, 2.203_412_586_791_457_1e-8, 0.096_743_482_972_979_15),
        ((2, 2), (0, 2), 0.05, 0.95, 0.507_142_857_142_857_14, 0.007_142_857_142_857_142_9),
        ((300, 9000), (31, 450), 0.999_887_301_128_732_21, 0.000_112_698_871_267_786_14, 2.081_151_136_385_877_8e-7, 0.037_359_654_295_215_209),
    ];
    for (control, treatment, above, below, shipped, kept) in cases {
        let rates = compare_rates(control, treatment).unwrap();
        close(rates.chance_above, above, 1e-12);
        close(rates.chance_below, below, 1e-9);
        close(rates.loss_if_shipped, shipped, 1e-9);
        close(rates.loss_if_kept, kept, 1e-11);
    }
    close(compare_rates((0, 5000), (500, 5000)).unwrap().loss_if_kept, 0.099_960_015_993_602_559, 1e-12);
    assert_eq!(compare_rates((3, 2), (0, 2)), Err(Undefined::ImpossibleSums));
}

/// A guardrail at fixed horizon is the one-sided test of the published formula: with no tolerated harm half the two-sided
/// p-value.
#[test]
fn guardrails() {
    let gap = example(0.1, 0.112, 10_000);
    let fixed = fixed_guardrail(&gap, 19_900.0, 0.0, true, 0.95).unwrap();
    close(2.0 * fixed.p_safe, 0.005_839_837_395_924_086, 1e-4);
    assert_eq!(fixed.harm, Harm::Safe);
    let tuning = Tuning::planned(5_000.0).unwrap();
    // m_T - 0.98 m_C = 0.014; for a goal of less, 1.02 m_C - m_T = -0.010.
    let more = sequential_guardrail(&gap, &tuning, 0.02, true, 0.95).unwrap();
    close(more.value, 0.014, 1e-13);
    assert_eq!((more.harm, more.low > 0.0), (Harm::Safe, true));
    let less = sequential_guardrail(&gap, &tuning, 0.02, false, 0.95).unwrap();
    close(less.value, -0.010, 1e-12);
    assert_eq!(less.harm, Harm::Undecided);
    let harmed = sequential_guardrail(&example(0.1, 0.16, 10_000), &tuning, 0.02, false, 0.95).unwrap();
    assert_eq!(harmed.harm, Harm::Harmed);
    assert!(harmed.p_harmed < 0.05 && harmed.p_safe > 0.99);
}

/// The random stream, four persons a digit.
#[rustfmt::skip]
const STREAM: [&str; 8] = [
    "1a7e0de7dda2af41f52191eaf24ca697cd42ba0f94a7107eac1479244234ee6f9bd9a8763014792646d57d8ff6b272edc034",
    "b88652b1196c215b4b03ee35796c9ab2f9d07ef7fad11380393f46cd5cca8996ffcba8adbe1059389cf73956ffbb4b965d28",
    "5196fc3db2d95d11efb63f6e186c72fd373ce159bba6a93d050f9f77566df625c4d2ea4ee2d2b7894171c9ce315a69be3b6b",
    "a3903613b0f8d586585ff2520b628d615c2af9afcacc06753bc105fc3d2fda3f0b76a8fc3ee3c633c6669fecd342f3c1dec2",
    "7ffb605f13e889fdf59e1dbbaa9b7fdbc7b2ac3df922657b691f2e940b9634a449444feb53584102b758496b31ff81457b1b",
    "c0e2817dbe8f4cbb45f38913926701de3add58a04ca78a41977b62e667e94422b7610cd5c955bbd1f320ad00fb672bc322f8",
    "cc31cb7ed84621149774607fc1981a918451de0d5c60b883bf60d6d7dc9afeeaeec7b182fec06b3201a35f9d74ce0ad12f36",
    "19fe8a6b1f0035fb36cee4ae39a5fb01f28b6905e54ea6ec72",
];
