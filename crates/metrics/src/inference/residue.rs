//! What does rounding take from a quotient of integers?

use super::exact::{Exact, quotient};

/// `numerator / denominator - rounded`, evaluated exactly before it is rounded itself; `None` where the denominator is
/// zero. `rounded` is finite.
pub(super) fn residue(numerator: &Exact, denominator: &Exact, rounded: f64) -> Option<f64> {
    let (mantissa, exponent) = parts(rounded);
    let scale = power_of_two(exponent.unsigned_abs());
    if exponent >= 0 {
        return quotient(&(numerator - &(&(&mantissa * &scale) * denominator)), denominator);
    }
    quotient(&(&(numerator * &scale) - &(&mantissa * denominator)), &(denominator * &scale))
}

/// A finite double as a whole number times a power of two.
fn parts(number: f64) -> (Exact, i32) {
    const FRACTION: u32 = 52;
    let bits = number.to_bits();
    let fraction = bits & ((1 << FRACTION) - 1);
    let exponent = (bits >> FRACTION & 0x7ff) as i32;
    // Numbers below the normal ones have no hidden bit.
    let (whole, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << FRACTION, exponent - 1075) };
    let magnitude = Exact::from(whole.cast_signed());
    (if number < 0.0 { -magnitude } else { magnitude }, exponent)
}

fn power_of_two(exponent: u32) -> Exact {
    let mut power = Exact::from(1);
    for bit in (0..u32::BITS - exponent.leading_zeros()).rev() {
        power = power.squared();
        if exponent >> bit & 1 == 1 {
            power = &power * &Exact::from(2);
        }
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn doubles_are_taken_apart() {
        for number in [0.0, 1.0, -1.5, 1e300, -1e-300, f64::MIN_POSITIVE, 5e-324, 0.1, 1e15 + 0.125] {
            let (mantissa, exponent) = parts(number);
            let scale = power_of_two(exponent.unsigned_abs());
            let one = Exact::from(1);
            let back = if exponent >= 0 { quotient(&(&mantissa * &scale), &one) } else { quotient(&mantissa, &scale) };
            assert_eq!(back, Some(number));
        }
    }

    proptest! {
        /// A double has no residue against itself, and a third of what is missing is a third.
        #[test]
        fn what_is_missing(whole in -(1i64 << 50)..(1i64 << 50), below in 1i64..1_000) {
            let rounded = whole as f64 / below as f64;
            let left = residue(&Exact::from(whole), &Exact::from(below), rounded).unwrap();
            prop_assert!(left.abs() <= rounded.abs() * f64::EPSILON);
            // whole = below * (rounded + left), in integers: below * rounded is off by below * left.
            let missing = residue(&(&Exact::from(whole) * &Exact::from(3)), &Exact::from(below), rounded * 3.0);
            prop_assert!((missing.unwrap() - 3.0 * left).abs() <= 6.0 * f64::EPSILON * rounded.abs());
            prop_assert_eq!(residue(&Exact::from(whole), &Exact::from(1), whole as f64), Some(0.0));
        }
    }
}
