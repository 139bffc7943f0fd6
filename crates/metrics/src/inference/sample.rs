//! What is an arm's KPI, and how far may it be from the truth? Point and variance of a mean and of a ratio, from
//! exact sums.

use ethnum::I256;

use super::exact::{Exact, NARROW, bits, cross, quotient, quotient_of_narrow};
use super::residue::residue;
use super::undefined::{Undefined, finite};

/// An arm's estimate of a KPI.
///
/// Valid by construction: at least two persons, a finite value, a finite variance that is not negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    persons: u64,
    value: f64,
    /// The exact value less the double above, where it matters.
    residue: f64,
    variance: f64,
}

impl Estimate {
    /// An estimate from its parts: `persons` at least two, the KPI's `value`, and the `variance` *of the estimate*
    /// (the squared standard error, not the variance between persons).
    pub fn from_parts(persons: u64, value: f64, variance: f64) -> Result<Self, Undefined> {
        match persons {
            0 => Err(Undefined::NoPersons),
            1 => Err(Undefined::FewerThanTwoPersons),
            _ if variance < 0.0 => Err(Undefined::ImpossibleSums),
            // Adding zero turns a negative zero into a plain one, which would print a sign.
            _ => Ok(Self { persons, value: finite(value)? + 0.0, residue: 0.0, variance: finite(variance)? + 0.0 }),
        }
    }

    /// How many persons the estimate stands on; at least two.
    #[must_use]
    pub fn persons(&self) -> u64 {
        self.persons
    }

    /// The KPI, in units of one.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The variance of the estimate: the squared standard error.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.variance
    }

    /// The standard error: the root of [`Estimate::variance`].
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        self.variance.sqrt()
    }

    /// This estimate less another one, with the digits that rounding took from each: values of a thousand million that
    /// differ by a millionth keep their difference.
    #[must_use]
    pub fn minus(&self, other: &Self) -> f64 {
        (self.value - other.value) + (self.residue - other.residue)
    }

    /// The estimate with what rounding took from `above / below`, its value. Left out where it is less than a billionth
    /// of the standard error.
    fn refined(self, above: impl FnOnce() -> Exact, below: impl FnOnce() -> Exact) -> Self {
        const MATTERS: f64 = 1e-12;
        if self.variance >= MATTERS * self.value * self.value {
            return self;
        }
        Self { residue: residue(&above(), &below(), self.value).unwrap_or(0.0), ..self }
    }

    /// The degrees of freedom of the variance: persons less one.
    #[must_use]
    pub fn degrees_of_freedom(&self) -> f64 {
        (self.persons - 1) as f64
    }
}

/// The number of persons, at least two.
pub(crate) fn at_least_two(n: i64) -> Result<u64, Undefined> {
    match u64::try_from(n) {
        Err(_) => Err(Undefined::ImpossibleSums),
        Ok(0) => Err(Undefined::NoPersons),
        Ok(1) => Err(Undefined::FewerThanTwoPersons),
        Ok(persons) => Ok(persons),
    }
}

/// The mean over persons and the variance of that mean.
///
/// - `n`: persons; `y`: sum of their values in 1e-6; `yy`: sum of the squares in 1e-12.
/// - Value `y / n`; variance `s^2 / n` with `s^2 = (n yy - y^2) / (n (n - 1))`, for proportions as well (n - 1
///   everywhere).
/// - The numerator is an exact integer of any length, so nothing cancels and nothing overflows; one division rounds.
pub fn mean(n: i64, y: I256, yy: I256) -> Result<Estimate, Undefined> {
    let below = || &Exact::from(n) * &Exact::power_of_ten(6);
    Ok(rounded_mean(n, y, yy)?.refined(|| Exact::from(y), below))
}

fn rounded_mean(n: i64, y: I256, yy: I256) -> Result<Estimate, Undefined> {
    let persons = at_least_two(n)?;
    let of_n = 64 - n.leading_zeros();
    if of_n + bits(yy) <= NARROW && 2 * bits(y) <= NARROW {
        return narrow_mean(persons, n, y, yy);
    }
    let (n, y, yy) = (Exact::from(n), Exact::from(y), Exact::from(yy));
    let spread = cross(&n, &y, &y, &yy);
    if spread.is_negative() {
        return Err(Undefined::ImpossibleSums);
    }
    let value = quotient(&y, &(&n * &Exact::power_of_ten(6))).ok_or(Undefined::OutOfRange)?;
    let variance = quotient(&spread, &(&n.squared() * &(&(&n - &Exact::from(1)) * &Exact::power_of_ten(12))));
    Estimate::from_parts(persons, value, variance.ok_or(Undefined::OutOfRange)?)
}

/// [`mean`] where everything fits 256 bits: the same integers, so the same result.
fn narrow_mean(persons: u64, n: i64, y: I256, yy: I256) -> Result<Estimate, Undefined> {
    const UNIT: I256 = I256::new(1_000_000);
    let n = I256::from(n);
    let spread = n * yy - y * y;
    if spread.is_negative() {
        return Err(Undefined::ImpossibleSums);
    }
    let value = quotient_of_narrow(y, n * UNIT).ok_or(Undefined::OutOfRange)?;
    // At most 3 x 63 + 40 bits.
    let variance = quotient_of_narrow(spread, n * n * (n - I256::ONE) * UNIT * UNIT);
    Estimate::from_parts(persons, value, variance.ok_or(Undefined::OutOfRange)?)
}

/// The ratio of two sums over persons (average order value, click-through rate) and its variance by the delta method.
///
/// - `n`: persons; `y`, `yy`: numerator and its squares; `d`, `dd`: denominator and its squares; `yd`: cross
///   products; 1e-6 and 1e-12.
/// - Value `R = y / d`; variance `s_z^2 / (n m_D^2)` with `z = y_i - R d_i` and `m_D = d / n`: the same as `[s_Y^2 -
///   2 R s_YD + R^2 s_D^2] / (n m_D^2)` (Deng, Knoblich, Lu, KDD 2018, arXiv 1803.06336).
/// - Since the `z` of an arm add up to zero, the sum of their squares needs no correction by the mean; it is
///   evaluated as the exact integer `d^2 yy - 2 y d yd + y^2 dd`.
pub fn ratio(n: i64, y: I256, yy: I256, d: I256, dd: I256, yd: I256) -> Result<Estimate, Undefined> {
    Ok(rounded_ratio(n, y, yy, d, dd, yd)?.refined(|| Exact::from(y), || Exact::from(d)))
}

fn rounded_ratio(n: i64, y: I256, yy: I256, d: I256, dd: I256, yd: I256) -> Result<Estimate, Undefined> {
    let persons = at_least_two(n)?;
    let (of_n, of_y, of_d) = (64 - n.leading_zeros(), bits(y), bits(d));
    // The terms of the spread, the spread times n, and d^4 n.
    let terms = (2 * of_d + bits(yy)).max(2 * of_y + bits(dd)).max(1 + of_y + of_d + bits(yd));
    if terms + 2 + of_n <= NARROW && 4 * of_d + of_n <= NARROW {
        return narrow_ratio(persons, n, [y, yy, d, dd, yd]);
    }
    let (n, y, yy, d, dd, yd) =
        (Exact::from(n), Exact::from(y), Exact::from(yy), Exact::from(d), Exact::from(dd), Exact::from(yd));
    if d.is_zero() {
        return Err(Undefined::ZeroDenominator);
    }
    let mixed = &(&Exact::from(2) * &(&y * &d)) * &yd;
    let spread = &(&(&d.squared() * &yy) + &(&y.squared() * &dd)) - &mixed;
    if spread.is_negative() {
        return Err(Undefined::ImpossibleSums);
    }
    let value = quotient(&y, &d).ok_or(Undefined::OutOfRange)?;
    // s_z^2 / (n m_D^2) = [spread / (d^2 (n - 1))] n / d^2; the units cancel.
    let variance = quotient(&(&spread * &n), &(&d.squared().squared() * &(&n - &Exact::from(1))));
    Estimate::from_parts(persons, value, variance.ok_or(Undefined::OutOfRange)?)
}

/// [`ratio`] where everything fits 256 bits: the same integers, so the same result.
fn narrow_ratio(persons: u64, n: i64, [y, yy, d, dd, yd]: [I256; 5]) -> Result<Estimate, Undefined> {
    if d == I256::ZERO {
        return Err(Undefined::ZeroDenominator);
    }
    let n = I256::from(n);
    let (square_d, mixed) = (d * d, y * d * yd);
    let spread = square_d * yy + y * y * dd - (mixed + mixed);
    if spread.is_negative() {
        return Err(Undefined::ImpossibleSums);
    }
    let value = quotient_of_narrow(y, d).ok_or(Undefined::OutOfRange)?;
    let variance = quotient_of_narrow(spread * n, square_d * square_d * (n - I256::ONE));
    Estimate::from_parts(persons, value, variance.ok_or(Undefined::OutOfRange)?)
}

/// The skewness of the persons' values, `m_3 / m_2^(3/2)` with the central moments over `n` (Fisher's `g_1`).
///
/// `y`, `yy`, `yyy`: sums of values, squares and cubes in 1e-6, 1e-12, 1e-18. Evaluated as
/// `(n^2 yyy - 3 n y yy + 2 y^3) / (n yy - y^2)^(3/2)`, both brackets exact integers.
pub fn skewness(n: i64, y: I256, yy: I256, yyy: I256) -> Result<f64, Undefined> {
    at_least_two(n)?;
    let (of_n, of_y, of_yy) = (64 - n.leading_zeros(), bits(y), bits(yy));
    let terms = (2 * of_n + bits(yyy)).max(2 + of_n + of_y + of_yy).max(1 + 3 * of_y);
    if terms + 2 <= NARROW && of_n + of_yy <= NARROW && 2 * of_y <= NARROW {
        return narrow_skewness(n, y, yy, yyy);
    }
    let (n, y, yy, yyy) = (Exact::from(n), Exact::from(y), Exact::from(yy), Exact::from(yyy));
    let spread = cross(&n, &y, &y, &yy);
    if spread.is_zero() {
        return Err(Undefined::NoSkewness);
    }
    if spread.is_negative() {
        return Err(Undefined::ImpossibleSums);
    }
    let third = &(&(&n.squared() * &yyy) - &(&(&Exact::from(3) * &n) * &(&y * &yy)))
        + &(&Exact::from(2) * &(&y.squared() * &y));
    // The square of the skewness is a quotient of integers; the root comes after the division, so that no power of a
    // half is taken of a long number.
    let square = quotient(&third.squared(), &(&spread.squared() * &spread)).ok_or(Undefined::OutOfRange)?;
    Ok(if third.is_negative() { -square.sqrt() } else { square.sqrt() })
}

/// [`skewness`] where both brackets fit 256 bits: exact integers as well, each rounded once before the division.
fn narrow_skewness(n: i64, y: I256, yy: I256, yyy: I256) -> Result<f64, Undefined> {
    let n = I256::from(n);
    let square = y * y;
    let spread = n * yy - square;
    if spread == I256::ZERO {
        return Err(Undefined::NoSkewness);
    }
    if spread.is_negative() {
        return Err(Undefined::ImpossibleSums);
    }
    let third = n * n * yyy - I256::new(3) * n * (y * yy) + I256::new(2) * square * y;
    // Divided by the spread first, so that nothing leaves the doubles: third / spread is at most a value times n.
    let (by_spread, spread) = (quotient_of_narrow(third, spread), quotient_of_narrow(spread, I256::ONE));
    let (by_spread, spread) = (by_spread.ok_or(Undefined::OutOfRange)?, spread.ok_or(Undefined::OutOfRange)?);
    finite(by_spread / spread.sqrt())
}

/// Whether the normal theory behind tests and intervals may be trusted: `skewness^2 * 355 <= smallest_arm`, the rule
/// of Kohavi and others (2014, "Seven rules of thumb for web site experimenters"), for the arm with the fewest
/// persons.
#[must_use]
pub fn normal_theory_holds(skewness: f64, smallest_arm: u64) -> bool {
    skewness * skewness * PERSONS_PER_SQUARED_SKEWNESS <= smallest_arm as f64
}

/// How many persons normal theory asks for in the smallest arm, for each unit of squared skewness.
pub const PERSONS_PER_SQUARED_SKEWNESS: f64 = 355.0;
