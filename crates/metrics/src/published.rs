//! What sums have the mean and the variance that somebody published?
//!
//! A publication gives persons, mean and variance; everything else here starts from sums. The sum is the nearest one on the
//! grid of a millionth, and the squares follow from it, so that mean and variance come back up to that rounding.

use ethnum::I256;

/// The decimals that a mean and a variance are read with.
pub const PUBLISHED_DECIMALS: u32 = 24;

/// The most persons of sums that somebody brings along, and the largest magnitude of a mean (its square: of a variance).
/// With them no sum leaves 256 bits.
pub const MOST: i64 = 1_000_000_000_000;

/// Why a mean and a variance have no sums here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpublishable {
    /// The variance of nobody or of one person, a negative one, or numbers beyond [`MOST`].
    Impossible,
    /// A millionth of the sum is more than a two-thousandth of its standard error: a smaller unit is needed.
    TooCoarse,
}

/// The sum (in 1e-6) and the sum of squares (in 1e-12) of `n` persons with this mean and sample variance (n - 1), both in
/// 1e-24: `sum = n mean`, rounded; `squares = sum^2 / n + (n - 1) variance`, rounded up.
///
/// Conditions: `2 <= n`, `n` and `|mean|` at most [`MOST`], `0 <= variance` at most its square, and `sqrt(n variance)` at
/// least 0.001, or zero, so that the rounding of the sum moves the mean by at most a two-thousandth of its standard error.
pub fn sums_of_published(n: i64, mean: I256, variance: I256) -> Result<(I256, I256), Unpublishable> {
    let most = I256::from(MOST);
    let unit = I256::new(10).pow(PUBLISHED_DECIMALS);
    if !(2..=MOST).contains(&n) || variance.is_negative() || mean.abs() > most * unit || variance > most * most * unit {
        return Err(Unpublishable::Impossible);
    }
    let persons = I256::from(n);
    // n variance >= 1e-6, so that the standard error of the sum is 1000 times its unit.
    if variance != I256::ZERO && persons * variance < I256::new(10).pow(PUBLISHED_DECIMALS - 6) {
        return Err(Unpublishable::TooCoarse);
    }
    let sum = rounded(persons * mean, I256::new(10).pow(PUBLISHED_DECIMALS - 6));
    let about_the_mean = rounded((persons - I256::ONE) * variance, I256::new(10).pow(PUBLISHED_DECIMALS - 12));
    let square = sum * sum;
    let least = square / persons + I256::from(i64::from(square % persons != I256::ZERO));
    Ok((sum, least + about_the_mean))
}

/// The quotient by a positive number, to the nearest integer, halves away from zero.
fn rounded(above: I256, below: I256) -> I256 {
    let half = below / I256::new(2);
    if above.is_negative() { (above - half) / below } else { (above + half) / below }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::{mean, squares_are_possible};
    use proptest::prelude::*;

    fn at_24(number: f64) -> I256 {
        // Six digits after the point are enough for the tests.
        #[expect(clippy::cast_possible_truncation, reason = "small")]
        let millionths = (number * 1e6).round() as i64;
        I256::from(millionths) * I256::new(10).pow(18)
    }

    #[test]
    fn a_published_share_comes_back() {
        // 1000 of 10 000, with the variance p (1 - p) that peers publish.
        let (sum, squares) = sums_of_published(10_000, at_24(0.1), at_24(0.09)).unwrap();
        assert_eq!((sum, squares), (I256::new(1_000_000_000), I256::new(999_910_000_000_000)));
        let estimate = mean(10_000, sum, squares).unwrap();
        assert_eq!((estimate.value(), estimate.variance()), (0.1, 0.09 / 10_000.0));
    }

    #[test]
    fn what_has_no_sums_is_refused() {
        assert_eq!(sums_of_published(1, at_24(1.0), at_24(1.0)), Err(Unpublishable::Impossible));
        assert_eq!(sums_of_published(5, at_24(1.0), at_24(-1.0)), Err(Unpublishable::Impossible));
        assert_eq!(sums_of_published(MOST + 1, at_24(1.0), at_24(1.0)), Err(Unpublishable::Impossible));
        let tiny = I256::new(10).pow(16);
        assert_eq!(sums_of_published(5, at_24(1.0), tiny), Err(Unpublishable::TooCoarse));
        assert_eq!(sums_of_published(5, at_24(1.0), I256::ZERO).unwrap().1, I256::new(5_000_000_000_000));
        // The largest that there is fits.
        let (most, unit) = (I256::from(MOST), I256::new(10).pow(PUBLISHED_DECIMALS));
        assert!(sums_of_published(MOST, most * unit, most * most * unit).is_ok());
    }

    proptest! {
        #[test]
        fn mean_and_variance_come_back(n in 2i64..1_000_000, m in -1e6f64..1e6, s in 0.01f64..1e3) {
            let (sum, squares) = sums_of_published(n, at_24(m), at_24(s * s)).unwrap();
            prop_assert!(squares_are_possible(n, sum, squares));
            let estimate = mean(n, sum, squares).unwrap();
            let of_mean = (s * s / n as f64).sqrt();
            prop_assert!((estimate.value() - m).abs() <= 0.001 * of_mean + 1e-6);
            prop_assert!((estimate.variance() / (s * s / n as f64) - 1.0).abs() <= 1e-2);
        }
    }
}
