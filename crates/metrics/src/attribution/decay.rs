//! How much of a touch is left after a time? Powers of one half, in whole numbers.

/// The weight of a touch of no age.
pub(super) const WHOLE: u64 = 1 << 52;

/// `2^(-1/2), 2^(-1/4), 2^(-1/8) ..` in units of 2^-63: each the square root of the one before, cut.
const ROOTS: [u64; 56] = {
    let mut roots = [0; 56];
    let mut power: u128 = 1 << 62;
    let mut at = 0;
    while at < roots.len() {
        power = (power << 63).isqrt();
        #[expect(clippy::cast_possible_truncation, reason = "below 2^63")]
        {
            roots[at] = power as u64;
        }
        at += 1;
    }
    roots
};

/// `2^52 2^(-age / half_life)`, cut to a whole number: the same on every machine. Relative error below 2^-50 before the cut.
///
/// A `half_life` of zero lets nothing but what has no age remain.
pub(super) fn decay(age: u64, half_life: u64) -> u64 {
    if age == 0 {
        return WHOLE;
    }
    let Some(halvings) = age.checked_div(half_life).filter(|halvings| *halvings <= 52) else { return 0 };
    // The part of a half-life that is left, in units of 2^-64: its binary digits say which roots to multiply.
    let part = (u128::from(age % half_life) << 64) / u128::from(half_life);
    let mut product: u128 = 1 << 63;
    for (at, root) in ROOTS.iter().enumerate() {
        if part >> (63 - at) & 1 == 1 {
            product = (product * u128::from(*root)) >> 63;
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 2^52")]
    let weight = (product >> 11) as u64;
    weight >> halvings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the exponential of doubles, to the precision that both have.
        #[test]
        fn is_the_power_of_one_half(age in 0..=u64::MAX >> 12, half_life in 1..=u64::MAX >> 12) {
            let expected = WHOLE as f64 * (-(age as f64 / half_life as f64)).exp2();
            let error = (decay(age, half_life) as f64 - expected).abs();
            // The cut takes up to one unit.
            prop_assert!(error <= 1.0 + expected * 1e-14, "{} is not {expected}", decay(age, half_life));
        }
    }

    #[test]
    fn halves() {
        for halvings in 0..60 {
            let expected = if halvings <= 52 { WHOLE >> halvings } else { 0 };
            assert_eq!(decay(halvings * 86_400_000_000, 86_400_000_000), expected);
        }
        assert_eq!((decay(0, 0), decay(1, 0), decay(u64::MAX, 1)), (WHOLE, 0, 0));
        assert!(decay(1, u64::MAX) <= WHOLE);
    }
}
