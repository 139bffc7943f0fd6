//! CUPED for ratios against the four by four covariance on raw rows, and laws.

use proptest::prelude::*;

use super::*;
use crate::inference::testing::close;
use crate::inference::{compare, ratio};

/// Numerator, denominator and the same two before the exposure, of each person, in units of one.
type Person = [i64; 4];

fn sums(persons: &[Person]) -> RatioCovariateSums {
    let unit = I256::from(1_000_000);
    let one = |i: usize| persons.iter().fold(I256::ZERO, |sum, person| sum + I256::from(person[i]) * unit);
    let two = |i: usize, j: usize| {
        let products = persons.iter().map(|person| I256::from(person[i]) * I256::from(person[j]) * unit * unit);
        products.fold(I256::ZERO, |sum, product| sum + product)
    };
    RatioCovariateSums {
        n: i64::try_from(persons.len()).unwrap(),
        y: one(0),
        yy: two(0, 0),
        d: one(1),
        dd: two(1, 1),
        yd: two(0, 1),
        x: one(2),
        xx: two(2, 2),
        u: one(3),
        uu: two(3, 3),
        xu: two(2, 3),
        xy: two(0, 2),
        yu: two(0, 3),
        dx: two(1, 2),
        du: two(1, 3),
    }
}

/// Made-up sessions and page views: `u = 1 + 17 i mod 5`, `x = u (3 + 29 i mod 7)`, `d = 1 + (u + 11 i mod 3)`, `y = d
/// (2 + shift + (29 i mod 7)) + 13 i mod 4`.
fn arm(persons: i64, shift: i64) -> Vec<Person> {
    (0..persons)
        .map(|i| {
            let u = 1 + 17 * i % 5;
            let d = 1 + u + 11 * i % 3;
            [d * (2 + shift + 29 * i % 7) + 13 * i % 4, d, u * (3 + 29 * i % 7), u]
        })
        .collect()
}

/// Source: numpy 1.26.4 on the raw rows: the four by four sample covariance of each arm, the gradient, and theta from
/// the linearised rows; Welch's test with scipy 1.17.1.
#[test]
fn reference() {
    let found = compare_adjusted_ratios(&sums(&arm(400, 0)), &sums(&arm(470, 1)), 0.95).unwrap();
    let (test, lift) = (found.comparison.test.unwrap(), found.comparison.lift.unwrap());
    let [theta, difference, error, p, relative_error, low, high, fieller_low, fieller_high] = NUMPY;
    close(found.theta, theta, 1e-12);
    close(found.comparison.difference, difference, 1e-12);
    close(test.standard_error, error, 1e-12);
    close(test.p_value, p, 1e-9);
    close(lift.standard_error, relative_error, 1e-12);
    close(lift.interval.low, low, 1e-11);
    close(lift.interval.high, high, 1e-11);
    let set = found.comparison.lift_fieller.unwrap();
    close(set.low.unwrap(), fieller_low, 1e-11);
    close(set.high.unwrap(), fieller_high, 1e-11);
    close(found.treatment.value() - found.control.value(), found.comparison.difference, 1e-11);
}

const NUMPY: [f64; 9] = [
    0.9278568609240285,
    0.9956376724193322,
    0.03614725286996313,
    1.2426246731895894e-119,
    0.008394857830047762,
    0.1716932665367903,
    0.2046477956105568,
    0.1720731997196474,
    0.20504710135205134,
];

#[test]
fn refusals() {
    let (c, t) = (sums(&arm(5, 0)), sums(&arm(6, 0)));
    let nobody = RatioCovariateSums { n: 0, ..c };
    assert_eq!(compare_adjusted_ratios(&nobody, &t, 0.95), Err(Undefined::NoPersons));
    let nothing = RatioCovariateSums { d: I256::ZERO, ..c };
    assert_eq!(compare_adjusted_ratios(&nothing, &t, 0.95), Err(Undefined::ZeroDenominator));
}

fn plain(sums: &RatioCovariateSums) -> Estimate {
    ratio(sums.n, sums.y, sums.yy, sums.d, sums.dd, sums.yd).unwrap()
}

proptest! {
    /// Without a history the comparison is the plain one, and with one the variance within arms never rises: theta
    /// minimises the pooled sum of squares.
    #[test]
    fn history_helps_or_is_left_out(
        c in prop::collection::vec((-50i64..50, 1i64..9, -50i64..50, 1i64..9), 2..25),
        t in prop::collection::vec((-50i64..50, 1i64..9, -50i64..50, 1i64..9), 2..25),
    ) {
        let rows = |arm: &[(i64, i64, i64, i64)]| arm.iter().map(|(y, d, x, u)| [*y, *d, *x, *u]).collect::<Vec<_>>();
        let (c, t) = (rows(&c), rows(&t));
        let bare = |arm: &[Person]| sums(&arm.iter().map(|[y, d, _, _]| [*y, *d, 0, 0]).collect::<Vec<_>>());
        let without = compare_adjusted_ratios(&bare(&c), &bare(&t), 0.95).unwrap();
        let simple = compare(&plain(&sums(&c)), &plain(&sums(&t)), 0.95).unwrap();
        prop_assert_eq!(without.theta.to_bits(), 0);
        let apart = without.comparison.difference - simple.difference;
        prop_assert!(apart.abs() <= 1e-12 * (1.0 + simple.difference.abs()));
        if let (Ok(left), Ok(right)) = (without.comparison.test, simple.test) {
            prop_assert!((left.standard_error - right.standard_error).abs() <= 1e-13 * right.standard_error);
        }
        let with = compare_adjusted_ratios(&sums(&c), &sums(&t), 0.95).unwrap();
        let before = (plain(&sums(&c)), plain(&sums(&t)));
        let squares = |c: &Estimate, t: &Estimate| {
            let of = |arm: &Estimate| arm.variance() * arm.persons() as f64 * arm.degrees_of_freedom();
            of(c) + of(t)
        };
        prop_assert!(squares(&with.control, &with.treatment) <= squares(&before.0, &before.1) * (1.0 + 1e-12));
        if let Ok(test) = with.comparison.test {
            prop_assert!(test.p_value > 0.0 && test.p_value <= 1.0);
        }
    }

    /// Whatever the sums are, possible or not, every number is finite or has a reason.
    #[test]
    fn finite_or_a_reason(c in any_sums(), t in any_sums()) {
        if let Ok(found) = compare_adjusted_ratios(&c, &t, 0.95) {
            prop_assert!(found.theta.is_finite() && found.comparison.difference.is_finite());
            if let Ok(test) = found.comparison.test {
                prop_assert!(test.p_value > 0.0 && test.p_value <= 1.0 && test.standard_error.is_finite());
            }
            if let Ok(lift) = found.comparison.lift {
                prop_assert!(lift.interval.low.is_finite() && lift.interval.high.is_finite());
            }
        }
    }
}

fn any_sums() -> impl Strategy<Value = RatioCovariateSums> {
    let sum = prop_oneof![
        any::<[i128; 2]>().prop_map(I256),
        any::<i64>().prop_map(I256::from),
        (-2i64..3).prop_map(I256::from),
        Just(I256::MAX)
    ];
    (prop_oneof![any::<i64>(), 1i64..9], prop::collection::vec(sum, 14)).prop_map(|(n, sums)| {
        let [y, yy, d, dd, yd, x, xx, u, uu, xu, xy, yu, dx, du] = sums.try_into().unwrap();
        RatioCovariateSums { n, y, yy, d, dd, yd, x, xx, u, uu, xu, xy, yu, dx, du }
    })
}
