//! What becomes of sums at the edges: known answers, each of one case.

use ethnum::I256;

use super::*;

/// A spread of one in a value of a billion, at a billion persons, at the end of what the sums may hold: doubles would
/// answer zero or worse.
#[test]
fn nothing_cancels() {
    let n = 1_000_000_000i64;
    // Half of the persons at 1e18 + 1, half at 1e18 - 1, in 1e-6.
    let (centre, count) = (I256::new(1_000_000_000_000_000_000), I256::from(n));
    let estimate = mean(n, count * centre, count * (centre * centre + I256::ONE)).unwrap();
    testing::close(estimate.value(), 1e12, 1e-15);
    testing::close(estimate.variance(), 1e-12 / (1e9 - 1.0), 1e-15);
    // The same over a constant denominator: the cubes of such sums need more than 256 bits.
    let estimate = ratio(
        n,
        count * centre,
        count * (centre * centre + I256::ONE),
        count * centre,
        count * centre * centre,
        count * centre * centre,
    );
    let estimate = estimate.unwrap();
    testing::close(estimate.value(), 1.0, 1e-15);
    testing::close(estimate.variance(), 1e-36 / (1e9 - 1.0), 1e-15);
}

#[test]
fn reasons() {
    let (zero, one) = (I256::ZERO, I256::ONE);
    assert_eq!(mean(0, zero, zero), Err(Undefined::NoPersons));
    assert_eq!(mean(1, one, one), Err(Undefined::FewerThanTwoPersons));
    assert_eq!(mean(-1, one, one), Err(Undefined::ImpossibleSums));
    assert_eq!(mean(4, one, zero), Err(Undefined::ImpossibleSums));
    assert_eq!(ratio(4, one, one, zero, zero, zero), Err(Undefined::ZeroDenominator));
    assert_eq!(skewness(4, zero, zero, zero), Err(Undefined::NoSkewness));
    assert!(normal_theory_holds(1.0, 355) && !normal_theory_holds(-1.01, 355));

    let nobody = Estimate::from_parts(100, 0.0, 0.0).unwrap();
    let some = Estimate::from_parts(100, 0.5, 0.01).unwrap();
    // Zero orders against some: the difference and its test stay, the lift has a reason.
    let compared = compare(&nobody, &some, 0.95).unwrap();
    assert!(compared.test.unwrap().p_value < 1e-5);
    assert_eq!(compared.lift, Err(Undefined::ZeroControl));
    assert_eq!(compared.lift_fieller, Err(Undefined::ZeroControl));
    // No spread anywhere: only the difference.
    let everybody = Estimate::from_parts(100, 1.0, 0.0).unwrap();
    let compared = compare(&everybody, &Estimate::from_parts(50, 2.0, 0.0).unwrap(), 0.95).unwrap();
    assert_eq!(compared.difference.to_bits(), 1f64.to_bits());
    assert_eq!(compared.test, Err(Undefined::NoVariance));
    assert_eq!(compared.lift, Err(Undefined::NoVariance));
    assert_eq!(compared.lift_fieller, Err(Undefined::NoVariance));
    assert_eq!(compare(&some, &some, 1.0), Err(Undefined::InvalidConfidence));
    assert_eq!(Undefined::NoPersons.to_string(), "the arm has no persons yet");
}

/// A control near zero: the upper side of the lift is open, and the shown lower end still excludes zero, since the
/// test does.
#[test]
fn open_sides() {
    let control = Estimate::from_parts(1000, 0.003, 3e-6).unwrap();
    let better = Estimate::from_parts(1000, 0.03, 3e-5).unwrap();
    let compared = compare(&control, &better, 0.95).unwrap();
    let fieller = compared.lift_fieller.unwrap();
    assert!(compared.test.unwrap().p_value < 0.001);
    assert!(matches!(fieller.set, FiellerSet::Outside { below, above } if below < -1.0 && above > 0.0));
    assert!(fieller.low.unwrap() > 0.0 && fieller.high.is_none());
    assert_eq!(fieller.open_because(), Some(Undefined::OpenSide));
    // Nothing is known of either arm: no lift is refuted.
    let vague = Estimate::from_parts(1000, 0.001, 1e-5).unwrap();
    let fieller = compare(&vague, &vague, 0.95).unwrap().lift_fieller.unwrap();
    assert_eq!((fieller.set, fieller.low, fieller.high), (FiellerSet::Everything, None, None));
}

/// The lift divides by the absolute KPI of control: less of a loss is a rise.
#[test]
fn a_negative_control() {
    let control = Estimate::from_parts(500, -2.0, 0.01).unwrap();
    let arm = Estimate::from_parts(500, -1.5, 0.01).unwrap();
    let compared = compare(&control, &arm, 0.95).unwrap();
    let (lift, fieller) = (compared.lift.unwrap(), compared.lift_fieller.unwrap());
    testing::close(lift.value, 0.25, 1e-15);
    assert!(lift.interval.low > 0.0);
    assert!(fieller.low.unwrap() > 0.0 && fieller.contains(0.25));
    // Mirrored about zero, both arms: the same uncertainty, the other sign.
    let mirrored =
        compare(&Estimate::from_parts(500, 2.0, 0.01).unwrap(), &Estimate::from_parts(500, 1.5, 0.01).unwrap(), 0.95)
            .unwrap();
    let mirrored_fieller = mirrored.lift_fieller.unwrap();
    testing::close(mirrored.lift.unwrap().standard_error, lift.standard_error, 1e-15);
    testing::close(mirrored_fieller.low.unwrap(), -fieller.high.unwrap(), 1e-13);
    testing::close(mirrored_fieller.high.unwrap(), -fieller.low.unwrap(), 1e-13);
}
