//! Can these sums come from real persons? What the sums of any set of values obey, decided exactly.
//!
//! Sums that somebody brings along may be mistyped, of different persons, or of different units. Inference would answer
//! with a negative variance; here the one sum that cannot be is found.
//!
//! Units as everywhere: sums in 1e-6, squares and products in 1e-12, cubes in 1e-18; `n` persons, zero or more.

use ethnum::I256;

use super::exact::{Exact, cross};

/// Whether `n` values can add up to `sum` and their squares to `squares`: `n squares >= sum^2` (Cauchy and Schwarz). One
/// value has equality; nobody has nothing.
#[must_use]
pub fn squares_are_possible(n: i64, sum: I256, squares: I256) -> bool {
    match n {
        ..=-1 => false,
        0 => sum == I256::ZERO && squares == I256::ZERO,
        _ => {
            let spread = spread(n, sum, sum, squares);
            !spread.is_negative() && (n > 1 || spread.is_zero())
        }
    }
}

/// The least sum of squares, in units of one, of `n` values (one or more) that add up to `sum`: `sum^2 / n`, reached where
/// all are alike.
#[must_use]
pub fn least_squares(n: i64, sum: I256) -> f64 {
    let sum = sum.as_f64() / 1e6;
    sum * (sum / n as f64)
}

/// Whether two values `a` and `b` of each of `n` persons can have the sums `[a, aa, b, bb, ab]`, of which the squares are
/// possible: `(n ab - a b)^2 <= (n aa - a^2) (n bb - b^2)`, no covariance beyond the spreads (Cauchy and Schwarz).
#[must_use]
pub fn products_are_possible(n: i64, [a, aa, b, bb, ab]: [I256; 5]) -> bool {
    if n <= 0 {
        return n == 0 && ab == I256::ZERO;
    }
    let room = &(&spread(n, a, a, aa) * &spread(n, b, b, bb)) - &spread(n, a, b, ab).squared();
    !room.is_negative()
}

/// Whether `n` values with these sums, of which the squares are possible, can have cubes that add up to `cubes`: the
/// skewness lies within `+-(n - 2) / sqrt(n - 1)`, the bound that one value unlike all others reaches (Wilkins, A note on
/// skewness and kurtosis, Ann. Math. Statist. 15 (1944)).
#[must_use]
pub fn cubes_are_possible(n: i64, sum: I256, squares: I256, cubes: I256) -> bool {
    if n <= 0 {
        return n == 0 && cubes == I256::ZERO;
    }
    let (count, y, yy, yyy) = (Exact::from(n), Exact::from(sum), Exact::from(squares), Exact::from(cubes));
    let spread = cross(&count, &y, &y, &yy);
    let third = &(&(&count.squared() * &yyy) - &(&(&Exact::from(3) * &count) * &(&y * &yy)))
        + &(&Exact::from(2) * &(&y.squared() * &y));
    // third^2 (n - 1) <= spread^3 (n - 2)^2, the square of the bound times all denominators.
    let most = &(&spread.squared() * &spread) * &Exact::from(n - 2).squared();
    let found = &third.squared() * &Exact::from(n - 1);
    if n == 1 { third.is_zero() } else { !(&most - &found).is_negative() }
}

fn spread(n: i64, a: I256, b: I256, ab: I256) -> Exact {
    cross(&Exact::from(n), &Exact::from(a), &Exact::from(b), &Exact::from(ab))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(values: impl Iterator<Item = i64>) -> I256 {
        values.fold(I256::ZERO, |sum, value| sum + I256::from(value))
    }

    fn products(pairs: &[(i64, i64)], of: fn(I256, I256) -> I256) -> I256 {
        pairs.iter().fold(I256::ZERO, |sum, (a, b)| sum + of(I256::from(*a), I256::from(*b)))
    }

    #[test]
    fn what_no_persons_can_have() {
        let int = |value: i64| I256::from(value);
        // Two values that add up to 10 have squares of at least 50.
        assert!(squares_are_possible(2, int(10), int(50)));
        assert!(!squares_are_possible(2, int(10), int(49)));
        assert!((least_squares(2, int(10_000_000)) - 50.0).abs() < 1e-12);
        assert!(squares_are_possible(1, int(7), int(49)) && !squares_are_possible(1, int(7), int(50)));
        assert!(squares_are_possible(0, int(0), int(0)) && !squares_are_possible(0, int(1), int(1)));
        assert!(!squares_are_possible(-1, int(0), int(0)));
        // 1, 3 beside 2, 6: the covariance is as large as it can be.
        let sums = |ab| [int(4), int(10), int(8), int(40), int(ab)];
        assert!(products_are_possible(2, sums(20)) && !products_are_possible(2, sums(21)));
        assert!(products_are_possible(2, sums(12)) && !products_are_possible(2, sums(11)));
        // 0, 0, 3: the cubes cannot be more than those of one value unlike the others.
        assert!(cubes_are_possible(3, int(3), int(9), int(27)) && !cubes_are_possible(3, int(3), int(9), int(28)));
        assert!(cubes_are_possible(2, int(4), int(10), int(28)) && !cubes_are_possible(2, int(4), int(10), int(29)));
        assert!(cubes_are_possible(1, int(2), int(4), int(8)) && !cubes_are_possible(1, int(2), int(4), int(9)));
    }

    proptest! {
        #[test]
        fn the_sums_of_real_persons_are_possible(
            pairs in prop::collection::vec((-1_000_000_000_000_000i64..=1_000_000_000_000_000, -5i64..=5), 0..20)
        ) {
            let n = i64::try_from(pairs.len()).unwrap();
            let (a, b) = (sum(pairs.iter().map(|pair| pair.0)), sum(pairs.iter().map(|pair| pair.1)));
            let (aa, bb) = (products(&pairs, |a, _| a * a), products(&pairs, |_, b| b * b));
            prop_assert!(squares_are_possible(n, a, aa));
            prop_assert!(products_are_possible(n, [a, aa, b, bb, products(&pairs, |a, b| a * b)]));
            prop_assert!(cubes_are_possible(n, a, aa, products(&pairs, |a, _| a * a * a)));
        }
    }
}
