//! Power against other programs' values, against simulation, and laws.

use proptest::prelude::*;

use super::*;
use crate::inference::testing::close;
use crate::random::Random;

fn fixed(share: f64) -> Design {
    Design { horizon: Horizon::Fixed, confidence: 0.95, share }
}

fn sequential(tuning: f64, share: f64) -> Design {
    Design { horizon: Horizon::Sequential { tuning }, confidence: 0.95, share }
}

/// Source: mpmath 1.4.1 at 30 digits, the integral over the chi distribution; scipy 1.17.1 `nct.sf` agrees to 1e-14.
#[test]
fn noncentral_t() {
    for (t, df, shift, expected) in [
        (2.0, 5.0, 1.5, 0.3685507527443283),
        (1.96, 10198.0, 2.8, 0.799537102020201),
        (12.7, 1.0, 3.0, 0.1861967819923959),
        (2.776, 4.0, -1.0, 0.00279809511571314),
        (3.0, 30.5, 5.0, 0.970509185055382),
        (2.0, 1e6, 2.8, 0.7881445145094044),
        (1.98, 110.0, 2.5, 0.6984377370945106),
        (2.6, 200.5, -0.3, 0.002034214287611491),
        (30.0, 101.0, 25.0, 0.016054121271297215),
    ] {
        close(noncentral::noncentral_t_sf(t, df, shift).unwrap(), expected, 1e-12);
    }
    assert_eq!(noncentral::noncentral_t_sf(1.0, 0.0, 1.0), None);
    assert_eq!(noncentral::noncentral_t_sf(f64::NAN, 3.0, 1.0), None);
}

/// Sources: statsmodels 0.15.0 `TTestIndPower` for equal arms; for unequal ones, where it pools the degrees of freedom,
/// scipy 1.17.1 `nct` at Welch's.
#[test]
fn power_at_a_fixed_horizon() {
    let mean = Baseline::Mean { value: 0.0, variance: 1.0 };
    close(fixed(0.5).power(&mean, 0.2, 200.0).unwrap(), 0.29064587165908673, 1e-9);
    close(fixed(0.5).power(&mean, 0.5, 40.0).unwrap(), 0.3379390289250411, 1e-9);
    close(fixed(0.05).power(&mean, 0.4, 1000.0).unwrap(), WELCH[0], 1e-9);
    close(fixed(0.1).power(&Baseline::Conversion(0.1), 0.012, 10_000.0).unwrap(), WELCH[1], 1e-9);
    let wide = Baseline::Mean { value: 7.0, variance: 4.0 };
    close(fixed(0.25).power(&wide, -2.0, 40.0).unwrap(), WELCH[2], 1e-9);
}

const WELCH: [f64; 3] = [0.7727053890498279, 0.2088047615988816, 0.7276468152214866];

/// Sources: statsmodels 0.15.0 `solve_power`; tea-tasting's `solve_power` (2535 persons, rounded up) for a mean of
/// 12.8566 and variance 133.32670178035607, by the same formula with scipy.
#[test]
fn persons_at_a_fixed_horizon() {
    let mean = Baseline::Mean { value: 0.0, variance: 1.0 };
    close(fixed(0.5).persons_needed(&mean, 0.1, 0.8).unwrap().total, 2.0 * 1570.7330430520037, 1e-9);
    let revenue = Baseline::Mean { value: 12.8566, variance: 133.32670178035607 };
    let needed = fixed(0.5).persons_needed(&revenue, 1.28566, 0.8).unwrap();
    close(needed.total, TEA, 1e-9);
    assert_eq!(needed.total.ceil().to_bits(), 2535f64.to_bits());
    let effect = fixed(0.5).minimum_detectable_effect(&revenue, needed.total, 0.8, Direction::Down).unwrap();
    close(effect, -1.28566, 1e-9);
}

const TEA: f64 = 2534.3173113509874;

/// The textbook's n for 10 % against 11 %, power 80 %: 14 748.05 an arm.
#[test]
fn the_textbook() {
    let (control, arm) = textbook_persons(&Baseline::Conversion(0.1), 0.01, 0.95, 0.5, 0.8).unwrap();
    assert!((control - 14_748.05).abs() < 0.005 && (arm - control).abs() < 1e-9);
    // Exactly: (z_0.025 + z_0.2)^2 (0.1 * 0.9 + 0.11 * 0.89) / 0.01^2 with scipy's quantiles.
    close(control, (1.959963984540054 + 0.8416212335729143f64).powi(2) * 1879.0, 1e-12);
    // At this size Student's t asks for two persons more.
    let exact = fixed(0.5).persons_needed(&Baseline::Conversion(0.1), 0.01, 0.8).unwrap();
    assert!((exact.total / 2.0 - control - 1.0).abs() < 1.0, "{}", exact.total);
    assert_eq!(textbook_persons(&Baseline::Conversion(0.1), 0.0, 0.95, 0.5, 0.8), Err(Undefined::Unreachable));
}

/// At 50:50 the half-width is that of the plain sequence: example P, 1000 and 1120 conversions of 10 000, gbstats
/// 0.8.0 `SequentialTwoSidedTTest`: 0.013611247019778007 (there with the variance p (1 - p), as in a plan).
#[test]
fn half_width_of_the_sequence() {
    let half_width = sequential(5000.0, 0.5).half_width(&Baseline::Conversion(0.1), 0.012, 20_000.0).unwrap();
    close(half_width, 0.013611247019778007, 1e-12);
    let later = sequential(20_000.0, 0.5).half_width(&Baseline::Conversion(0.1), 0.012, 20_000.0).unwrap();
    assert!((later - 0.0132112).abs() < 5e-8);
}

/// Formula 10 of one look, by hand, and below the power of all looks.
#[test]
fn one_look() {
    let design = sequential(5000.0, 0.5);
    let rate = Baseline::Conversion(0.1);
    let error = ((0.09 + 0.112 * 0.888) / 10_000.0f64).sqrt();
    let half_width = 0.013611247019778007;
    let expected = normal_sf((half_width - 0.012) / error).unwrap() + normal_sf((half_width + 0.012) / error).unwrap();
    close(design.power_of_one_look(&rate, 0.012, 20_000.0).unwrap(), expected, 1e-12);
    assert!(design.power(&rate, 0.012, 20_000.0).unwrap() > expected);
}

/// The share of simulated experiments that have a verdict by their last person, read after every one: within three
/// standard errors of the simulation plus one point for readings being steps.
#[test]
fn power_against_simulation() {
    const RUNS: u32 = 3_000;
    let mut random = Random::new(2103);
    for (tuning, share, persons, effect) in
        [(1_000.0, 0.5, 1_000u32, 0.25), (2_000.0, 0.2, 1_200, 0.22), (300.0, 0.5, 1_000, 0.0), (100.0, 0.1, 800, 0.6)]
    {
        let design = sequential(tuning, share);
        let baseline = Baseline::Mean { value: 1.0, variance: 1.0 };
        let planned = design.power(&baseline, effect, f64::from(persons)).unwrap();
        // The mean difference in a plan's own terms: persons come in blocks with the planned share.
        let half_widths: Vec<f64> =
            (0..=persons).map(|n| design.half_width(&baseline, 0.0, f64::from(n)).unwrap_or(f64::INFINITY)).collect();
        let mut found = 0;
        for _ in 0..RUNS {
            let (mut c, mut t, mut n_c, mut n_t) = (0.0, 0.0, 0.0, 0.0);
            for n in 1..=persons {
                if f64::from(n) * share >= n_t + 1.0 - 1e-9 {
                    t += effect + random.normal();
                    n_t += 1.0;
                } else {
                    c += random.normal();
                    n_c += 1.0;
                }
                if f64::from(n) >= design.fewest() && (t / n_t - c / n_c).abs() > half_widths[n as usize] {
                    found += 1;
                    break;
                }
            }
        }
        let observed = f64::from(found) / f64::from(RUNS);
        let noise = 3.0 * (planned * (1.0 - planned) / f64::from(RUNS)).sqrt();
        assert!(
            (observed - planned).abs() < noise + 0.01,
            "N* {tuning}, share {share}: simulated {observed}, planned {planned}"
        );
    }
}

/// With the proposed N* fewer persons are needed than with ten times or a tenth of it.
#[test]
fn proposed_tuning() {
    let rate = Baseline::Conversion(0.05);
    for share in [0.5, 0.1] {
        let tuning = sequential(1.0, share).tuning_for_effect(&rate, 0.01, 0.8).unwrap();
        let needed = |tuning| sequential(tuning, share).persons_needed(&rate, 0.01, 0.8).unwrap().total;
        let best = needed(tuning);
        close(tuning_for_persons(best, share), tuning, 1e-6);
        assert!(best < needed(tuning * 10.0) && best < needed(tuning / 10.0), "{share}");
        // Looking often costs persons, but not twice as many.
        let once = fixed(share).persons_needed(&rate, 0.01, 0.8).unwrap().total;
        assert!(once < best && best < 2.0 * once, "{share}: {once} {best}");
    }
}

#[test]
fn days() {
    assert_eq!(days_needed(4_100.0, 0.0, 700.0, 7.0), Some(13.0));
    assert_eq!(days_needed(10.0, 10.0, 0.0, 7.0), Some(0.0));
    assert_eq!(days_needed(10.0, 9.0, 0.0, 7.0), None);
}

#[test]
fn refusals() {
    let rate = Baseline::Conversion(0.9);
    assert_eq!(fixed(0.5).power(&Baseline::Conversion(0.0), 0.1, 100.0), Err(Undefined::InvalidDesign));
    assert_eq!(fixed(1.0).power(&rate, 0.1, 100.0), Err(Undefined::InvalidDesign));
    assert_eq!(fixed(0.5).power(&rate, 0.05, 3.0), Err(Undefined::FewerThanTwoPersons));
    assert_eq!(fixed(0.5).persons_needed(&rate, 0.0, 0.8), Err(Undefined::Unreachable));
    assert_eq!(fixed(0.5).persons_needed(&rate, 0.01, 0.01), Err(Undefined::InvalidDesign));
    assert_eq!(fixed(0.5).minimum_detectable_effect(&rate, 10.0, 0.8, Direction::Up), Err(Undefined::Unreachable));
    assert_eq!(sequential(0.0, 0.5).power(&rate, 0.05, 100.0), Err(Undefined::InvalidPlan));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The three questions invert each other, for both horizons and any split.
    #[test]
    fn effect_persons_power(
        live: bool, share in 0.05f64..0.95, rate in 0.01f64..0.6, lift in 0.03f64..0.3, power in 0.5f64..0.95,
    ) {
        let design = if live { sequential(5000.0, share) } else { fixed(share) };
        let baseline = Baseline::Conversion(rate);
        let effect = rate * lift;
        let needed = design.persons_needed(&baseline, effect, power).unwrap();
        prop_assume!(needed.total > 1.01 * design.fewest());
        prop_assert!((design.power(&baseline, effect, needed.total).unwrap() - power).abs() < 1e-9);
        let back = design.minimum_detectable_effect(&baseline, needed.total, power, Direction::Up).unwrap();
        prop_assert!((back - effect).abs() < 1e-8 * effect, "{back} {effect}");
        prop_assert!(needed.control as f64 >= needed.total * (1.0 - share));
    }

}

proptest! {
    /// No plan gives a NaN, and power is a probability.
    #[test]
    fn finite_or_a_reason(
        live: bool, share: f64, rate: f64, variance: f64, effect: f64, persons in prop_oneof![any::<f64>(), 1f64..1e6],
        tuning: f64,
    ) {
        let design = if live { sequential(tuning, share) } else { fixed(share) };
        for baseline in [Baseline::Conversion(rate), Baseline::Mean { value: rate, variance }] {
            for design in [design, Design { share: 0.3, ..design }] {
                if let Ok(power) = design.power(&baseline, effect, persons) {
                    prop_assert!((0.0..=1.0).contains(&power));
                }
            }
        }
    }
}

/// A sequence that is tuned for more persons than there are has no power, and says so.
#[test]
fn out_of_reach() {
    let rate = Baseline::Conversion(0.1);
    for tuning in [1e12, 1e60, 8e121, 1e300] {
        assert!(sequential(tuning, 0.3).power(&rate, 0.01, 1_000.0).unwrap() < 1e-6, "{tuning}");
    }
    assert!(sequential(5_000.0, 0.3).power(&rate, 0.5, 1e9).unwrap() > 1.0 - 1e-9);
}

/// The power of the lift against experiments whose control and arm are drawn from their normal distributions, four standard
/// errors allowed; and far below that of the difference where the effect is large and control uncertain.
#[test]
fn the_power_of_a_lift_is_that_of_simulated_ones() {
    const RUNS: u32 = 40_000;
    let noise = Noise { variance: 9.0, covariance: 9.0 };
    for (value, effect, share, persons) in
        [(1.0, 0.6, 0.5, 400.0), (1.0, 1.2, 0.9, 500.0), (-1.0, 0.8, 0.3, 300.0), (1.0, -0.5, 0.5, 600.0)]
    {
        let design = Design { horizon: Horizon::Lift(noise), confidence: 0.9, share };
        let baseline = Baseline::Mean { value, variance: 9.0 };
        let told = design.power(&baseline, effect, persons).unwrap();
        let (v_c, v_t) = (9.0 / (persons * (1.0 - share)), 9.0 / (persons * share));
        let mut random = Random::new(11);
        let mut normal = || {
            let radius = (-2.0 * (1.0 - random.uniform()).ln()).sqrt();
            radius * (std::f64::consts::TAU * random.uniform()).cos()
        };
        let found = (0..RUNS).filter(|_| {
            let control = value + v_c.sqrt() * normal();
            let arm = value + effect + v_t.sqrt() * normal();
            // The delta method: the variance of a quotient, by control squared.
            (arm - control).abs() > 1.644_853_626_951_472_7 * (v_t + (arm / control).powi(2) * v_c).sqrt()
        });
        let had = found.count() as f64 / f64::from(RUNS);
        let error = (told * (1.0 - told) / f64::from(RUNS)).sqrt();
        assert!((had - told).abs() < 4.0 * error + 1e-4, "{value} {effect} {share}: told {told}, had {had}");
    }
    let of_lift = Design { horizon: Horizon::Lift(noise), confidence: 0.9, share: 0.9 };
    let of_difference = Design { horizon: Horizon::Fixed, ..of_lift };
    let baseline = Baseline::Mean { value: 1.0, variance: 9.0 };
    let [lift, difference] = [of_lift, of_difference].map(|design| design.power(&baseline, 1.2, 500.0).unwrap());
    assert!(lift < difference - 0.1, "{lift} {difference}");
    // What is not known of control bounds the power of any effect.
    let few = of_lift.minimum_detectable_effect(&baseline, 40.0, 0.8, Direction::Up);
    assert_eq!(few, Err(Undefined::Unreachable));
}
