//! How are polynomials of sums evaluated without losing a digit? As integers of any length, divided once.
//!
//! The sums of a tally are 256-bit integers in units of 1e-6. A variance needs products of two of them, the variance
//! of a ratio products of three, an adjusted variance of six: no fixed width is safe for all, and in doubles the
//! products cancel. So the numerator and the denominator are computed exactly here, and the only rounding is that of
//! [`quotient`].

use std::cmp::Ordering;
use std::ops::{Add, Mul, Neg, Sub};

use ethnum::I256;

/// An integer of any length: a sign and a magnitude, least significant limb first.
///
/// The last limb is never zero, and zero is never negative, so equal integers have equal representations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exact {
    negative: bool,
    limbs: Vec<u64>,
}

impl Exact {
    fn new(negative: bool, mut limbs: Vec<u64>) -> Self {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Self { negative: negative && !limbs.is_empty(), limbs }
    }

    /// `10^exponent`.
    pub(super) fn power_of_ten(exponent: u32) -> Self {
        (0..exponent).fold(Self::from(1), |power, _| &power * &Self::from(10))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    pub(super) fn is_negative(&self) -> bool {
        self.negative
    }

    /// The square.
    pub(super) fn squared(&self) -> Self {
        self * self
    }

    /// The number as `mantissa * 2^exponent`, the mantissa correctly rounded from 64 leading bits and a sticky bit.
    /// Zero has no leading bit: `None`.
    fn scientific(&self) -> Option<(f64, i64)> {
        let top = *self.limbs.last()?;
        let shift = top.leading_zeros();
        let below = self.limbs.len().checked_sub(2).map_or(0, |index| self.limbs[index]);
        let head = if shift == 0 { top } else { (top << shift) | (below >> (64 - shift)) };
        let cut_off = if shift == 0 { below } else { below << shift };
        let sticky = cut_off != 0 || self.limbs.iter().rev().skip(2).any(|limb| *limb != 0);
        let mantissa = (head | u64::from(sticky)) as f64;
        let exponent = i64::try_from(self.limbs.len() - 1).ok()? * 64 - i64::from(shift);
        Some((if self.negative { -mantissa } else { mantissa }, exponent))
    }
}

/// `numerator / denominator` as a double, with at most two units in the last place of error; `None` when the
/// denominator is zero or the quotient is beyond the doubles. A quotient too small for a double is zero.
pub(super) fn quotient(numerator: &Exact, denominator: &Exact) -> Option<f64> {
    let (below, exponent_below) = denominator.scientific()?;
    let Some((above, exponent_above)) = numerator.scientific() else {
        return Some(0.0);
    };
    let result = scaled(above / below, exponent_above - exponent_below);
    result.is_finite().then_some(result)
}

/// [`quotient`] of integers that fit: the same result, bit for bit.
pub(super) fn quotient_of_narrow(numerator: I256, denominator: I256) -> Option<f64> {
    if denominator == I256::ZERO {
        return None;
    }
    if numerator == I256::ZERO {
        return Some(0.0);
    }
    let (above, exponent_above) = scientific_of_narrow(numerator);
    let (below, exponent_below) = scientific_of_narrow(denominator);
    let result = scaled(above / below, exponent_above - exponent_below);
    result.is_finite().then_some(result)
}

/// The number as `mantissa * 2^exponent`, rounded as [`Exact::scientific`] rounds it; not for zero.
fn scientific_of_narrow(value: I256) -> (f64, i64) {
    let magnitude = value.unsigned_abs();
    let (high, low) = magnitude.into_words();
    // The top two words, of which the first is not zero, and whether anything is below them.
    let (top, below, sticky, limbs) = if high == 0 {
        let upper = low_half(low >> 64);
        if upper == 0 { (low_half(low), 0, false, 1) } else { (upper, low_half(low), false, 2) }
    } else {
        let upper = low_half(high >> 64);
        if upper == 0 {
            (low_half(high), low_half(low >> 64), low_half(low) != 0, 3)
        } else {
            (upper, low_half(high), low != 0, 4)
        }
    };
    let shift = top.leading_zeros();
    let head = if shift == 0 { top } else { (top << shift) | (below >> (64 - shift)) };
    let cut_off = if shift == 0 { below } else { below << shift };
    let mantissa = (head | u64::from(cut_off != 0 || sticky)) as f64;
    let exponent = (limbs - 1) * 64 - i64::from(shift);
    (if value.is_negative() { -mantissa } else { mantissa }, exponent)
}

/// How many bits the magnitude of a number has.
pub(super) fn bits(value: I256) -> u32 {
    256 - value.unsigned_abs().leading_zeros()
}

/// The bits that a product or a sum of products may have, so that nothing overflows 256 bits with a sign.
pub(super) const NARROW: u32 = 252;

/// `mantissa * 2^exponent`, in steps that stay inside the exponents of a double.
fn scaled(mantissa: f64, exponent: i64) -> f64 {
    const STEP: i32 = 512;
    let mut result = mantissa;
    let mut left = i32::try_from(exponent.clamp(-4096, 4096)).unwrap_or(0);
    while left.abs() > STEP {
        let step = STEP * left.signum();
        result *= 2f64.powi(step);
        left -= step;
    }
    result * 2f64.powi(left)
}

impl From<i64> for Exact {
    fn from(value: i64) -> Self {
        Self::new(value < 0, vec![value.unsigned_abs()])
    }
}

impl From<I256> for Exact {
    fn from(value: I256) -> Self {
        let (high, low) = value.unsigned_abs().into_words();
        let limbs = [low, low >> 64, high, high >> 64].into_iter().map(low_half).collect();
        Self::new(value.is_negative(), limbs)
    }
}

/// The lower 64 bits of a word.
fn low_half(word: u128) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "cutting off the upper half is the purpose")]
    let half = word as u64;
    half
}

fn compare_magnitudes(left: &[u64], right: &[u64]) -> Ordering {
    left.len().cmp(&right.len()).then_with(|| left.iter().rev().cmp(right.iter().rev()))
}

fn add_magnitudes(left: &[u64], right: &[u64]) -> Vec<u64> {
    let (long, short) = if left.len() >= right.len() { (left, right) } else { (right, left) };
    let mut sum = Vec::with_capacity(long.len() + 1);
    let mut carry = false;
    for (index, limb) in long.iter().enumerate() {
        let (digit, next) = limb.carrying_add(short.get(index).copied().unwrap_or(0), carry);
        sum.push(digit);
        carry = next;
    }
    sum.push(u64::from(carry));
    sum
}

/// `large - small`, where `large` is not the smaller one.
fn subtract_magnitudes(large: &[u64], small: &[u64]) -> Vec<u64> {
    let mut difference = Vec::with_capacity(large.len());
    let mut borrow = false;
    for (index, limb) in large.iter().enumerate() {
        let (digit, next) = limb.borrowing_sub(small.get(index).copied().unwrap_or(0), borrow);
        difference.push(digit);
        borrow = next;
    }
    difference
}

impl Add for &Exact {
    type Output = Exact;

    fn add(self, other: &Exact) -> Exact {
        if self.negative == other.negative {
            return Exact::new(self.negative, add_magnitudes(&self.limbs, &other.limbs));
        }
        match compare_magnitudes(&self.limbs, &other.limbs) {
            Ordering::Less => Exact::new(other.negative, subtract_magnitudes(&other.limbs, &self.limbs)),
            Ordering::Equal | Ordering::Greater => {
                Exact::new(self.negative, subtract_magnitudes(&self.limbs, &other.limbs))
            }
        }
    }
}

impl Neg for Exact {
    type Output = Exact;

    fn neg(self) -> Exact {
        Exact::new(!self.negative, self.limbs)
    }
}

impl Sub for &Exact {
    type Output = Exact;

    fn sub(self, other: &Exact) -> Exact {
        self + &-other.clone()
    }
}

impl Mul for &Exact {
    type Output = Exact;

    fn mul(self, other: &Exact) -> Exact {
        let mut product = vec![0u64; self.limbs.len() + other.limbs.len()];
        for (offset, left) in self.limbs.iter().enumerate() {
            let mut carry = 0;
            for (index, right) in other.limbs.iter().enumerate() {
                let (digit, next) = left.carrying_mul_add(*right, product[offset + index], carry);
                product[offset + index] = digit;
                carry = next;
            }
            product[offset + other.limbs.len()] = carry;
        }
        Exact::new(self.negative != other.negative, product)
    }
}

/// `n * sum(ab) - sum(a) * sum(b)`: `n (n - 1)` times the sample covariance, without cancellation.
pub(super) fn cross(n: &Exact, a: &Exact, b: &Exact, ab: &Exact) -> Exact {
    &(n * ab) - &(a * b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(value: i128) -> Exact {
        Exact::from(I256::from(value))
    }

    proptest! {
        #[test]
        fn agrees_with_128_bits(a in -(1i128 << 62)..(1i128 << 62), b in -(1i128 << 62)..(1i128 << 62)) {
            prop_assert_eq!(&of(a) + &of(b), of(a + b));
            prop_assert_eq!(&of(a) - &of(b), of(a - b));
            prop_assert_eq!(&of(a) * &of(b), of(a * b));
        }

        #[test]
        fn multiplication_distributes_over_long_numbers(a: [i128; 2], b: [i128; 2], c: [i128; 2]) {
            let [a, b, c] = [a, b, c].map(|words| Exact::from(I256(words)));
            prop_assert_eq!(&(&a + &b) * &c, &(&a * &c) + &(&b * &c));
            prop_assert_eq!(&(&a - &b) * &(&a + &b), &a.squared() - &b.squared());
        }

        #[test]
        fn quotients_round_like_doubles(a in -(1i64 << 53)..(1i64 << 53), b in 1i64..(1i64 << 53)) {
            prop_assert_eq!(quotient(&Exact::from(a), &Exact::from(b)), Some(a as f64 / b as f64));
        }

        #[test]
        fn narrow_quotients_are_the_same(a: [i128; 2], b: [i128; 2], cut in 0u32..250) {
            let (a, b) = (I256(a) >> cut, I256(b));
            for (a, b) in [(a, b), (b, a), (a, I256::from(7)), (I256::from(-3), b)] {
                let narrow = quotient_of_narrow(a, b).map(f64::to_bits);
                prop_assert_eq!(narrow, quotient(&Exact::from(a), &Exact::from(b)).map(f64::to_bits));
                prop_assert_eq!(bits(a) > 64, a.unsigned_abs() >> 64u32 != 0);
            }
        }

        #[test]
        fn a_common_factor_cancels(a: i64, b in 1i64.., factor: [i128; 2]) {
            let factor = Exact::from(I256(factor));
            prop_assume!(!factor.is_zero());
            let plain = quotient(&Exact::from(a), &Exact::from(b)).unwrap();
            let long = quotient(&(&Exact::from(a) * &factor), &(&Exact::from(b) * &factor)).unwrap();
            prop_assert!((plain - long).abs() <= 4.0 * f64::EPSILON * plain.abs());
        }
    }

    #[test]
    fn limits() {
        let huge = Exact::power_of_ten(400);
        assert_eq!(quotient(&huge, &Exact::from(1)), None);
        assert_eq!(quotient(&Exact::from(1), &huge), Some(0.0));
        assert_eq!(quotient(&huge, &huge), Some(1.0));
        assert_eq!(quotient(&Exact::from(1), &Exact::from(0)), None);
        assert_eq!(quotient(&Exact::from(-7), &Exact::power_of_ten(6)), Some(-7e-6));
        assert_eq!(-Exact::from(I256::MIN), &Exact::from(I256::MAX) + &Exact::from(1));
        assert!((&Exact::from(3) - &Exact::from(3)).is_zero());
    }
}
