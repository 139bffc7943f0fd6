//! How probable is a value of Student's t beyond `t`, and which `t` leaves a given tail?
//!
//! With `z = sqrt(df ln(1 + t^2 / df))` the density of Student's t becomes, without approximation, a bell with a slowly
//! varying shape:
//!
//! ```text
//! P(T > t) = C * integral from z to infinity of exp(-x^2 / 2) * sqrt(q / (1 - exp(-q))) dx,   q = x^2 / df
//! C = Gamma((df + 1) / 2) / (Gamma(df / 2) sqrt(pi df))
//! ```
//!
//! (Substitute `u = sqrt(df) sinh w`, then `x^2 = 2 df ln cosh w`.) The incomplete beta function would do the same, but
//! its continued fraction needs tens of thousands of steps at a million degrees of freedom, and its quadratures lose
//! the far tail; this integral has neither trouble.

use std::f64::consts::PI;

use super::integral::scaled_tail;
use super::normal::{newton_on_log_tail, normal_isf};

/// `P(T > t)` of Student's t with `df >= 1` degrees of freedom, not necessarily whole; `None` for a NaN or fewer
/// degrees of freedom.
///
/// A tail below the smallest normal double is reported as that double: a bound that errs on the side of no effect.
#[must_use]
pub fn student_sf(t: f64, df: f64) -> Option<f64> {
    if t.is_nan() || !(df >= 1.0 && df.is_finite()) {
        return None;
    }
    let tail = upper(bell_coordinate(t.abs(), df), df);
    Some(if t < 0.0 { 1.0 - tail } else { tail })
}

/// `P(|T| > |t|)`, the two-sided p-value of a statistic `t`; conditions as for [`student_sf`].
#[must_use]
pub fn student_two_sided(t: f64, df: f64) -> Option<f64> {
    student_sf(t.abs(), df).map(|tail| (2.0 * tail).min(1.0))
}

/// The `t` with `P(T > t) = tail`, for a tail strictly between 0 and 1 and `df >= 1`, else `None`; `None` too where
/// `t` is beyond the doubles.
///
/// The quantile of a two-sided interval of confidence `c` is `student_isf((1 - c) / 2, df)`. Newton's method on the
/// logarithm of the tail, in the coordinate `z` of the module, in which every df looks nearly normal.
#[must_use]
pub fn student_isf(tail: f64, df: f64) -> Option<f64> {
    if !(df >= 1.0 && df.is_finite()) {
        return None;
    }
    if tail > 0.5 && tail < 1.0 {
        return student_isf(1.0 - tail, df).map(|t| -t);
    }
    let start = normal_isf(tail)?;
    let constant = constant(df);
    let z = newton_on_log_tail(tail, start, |z| upper(z, df), |z| constant * (-z * z / 2.0).exp() * shape(z, df));
    let t = (df * (z * z / df).exp_m1()).sqrt();
    t.is_finite().then_some(t)
}

/// [`student_isf`] where the normal quantile `normal` of the same tail is already known: with many degrees of freedom by
/// the expansion of Cornish and Fisher in `1 / df` (Abramowitz and Stegun 26.7.5, five terms), whose next term is below
/// rounding at `df >= 100 (normal^2 + 1)`; else by Newton's method.
pub(crate) fn student_isf_near(tail: f64, normal: f64, df: f64) -> Option<f64> {
    let (z, square) = (normal, normal * normal);
    if !(df.is_finite() && df >= 200.0 * (square + 1.0)) {
        return student_isf(tail, df);
    }
    let b = 1.0 / df;
    let first = (square + 1.0) / 4.0;
    let second = ((5.0 * square + 16.0) * square + 3.0) / 96.0;
    let third = (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0;
    let fourth = ((((79.0 * square + 776.0) * square + 1482.0) * square - 1920.0) * square - 945.0) / 92_160.0;
    let fifth = (((((27.0 * square + 339.0) * square + 930.0) * square - 1782.0) * square - 765.0) * square + 17_955.0)
        / 368_640.0;
    Some(z * (1.0 + b * (first + b * (second + b * (third + b * (fourth + b * fifth))))))
}

/// `z = sqrt(df ln(1 + t^2 / df))`, for `t >= 0`.
fn bell_coordinate(t: f64, df: f64) -> f64 {
    let relative = t / df.sqrt();
    // Beyond 1e100 the one is lost in the square, which would overflow further out.
    let logarithm = if relative > 1e100 { 2.0 * relative.ln() } else { (relative * relative).ln_1p() };
    (df * logarithm).sqrt()
}

/// The tail in the coordinate `z >= 0`.
fn upper(z: f64, df: f64) -> f64 {
    // An infinite t has an infinite z, where the product would be 0 times NaN.
    if z > 40.0 {
        return f64::MIN_POSITIVE;
    }
    let scaled = if (z * z + 40.0) / df <= 0.4 { series(z, df) } else { scaled_tail(z, |x| shape(x, df)) };
    let tail = constant(df) * (-z * z / 2.0).exp() * scaled;
    tail.max(f64::MIN_POSITIVE)
}

/// The integral of the module, times `exp(z^2 / 2)`, for many degrees of freedom: the shape as a power series in `q = x^2
/// / df`, each power integrated by `J_k = z^(2k - 1) + (2k - 1) J_(k-1)`, `J_0` the scaled normal tail.
///
/// The shape is analytic within `|q| < 2 pi`, so that at `z^2 + 40 <= 0.4 df` the first term left out is below 1e-16 of the
/// whole. The coefficients are those of the square root of the series of `q / (1 - exp(-q))`, whose coefficients are
/// Bernoulli's numbers over factorials.
fn series(z: f64, df: f64) -> f64 {
    const SHAPE: [f64; 13] = [
        1.0 / 4.0,
        1.0 / 96.0,
        -1.0 / 384.0,
        -1.0 / 10_240.0,
        19.0 / 368_640.0,
        79.0 / 61_931_520.0,
        -55.0 / 49_545_216.0,
        -2_339.0 / 118_908_518_400.0,
        11_813.0 / 475_634_073_600.0,
        677.0 / 1_993_133_260_800.0,
        -2_117.0 / 3_720_515_420_160.0,
        -308_963.0 / 48_753_634_065_776_640.0,
        64_604_977.0 / 4_875_363_406_577_664_000.0,
    ];
    let mut integral = (PI / 2.0).sqrt() * puruspe::erfcx(z * std::f64::consts::FRAC_1_SQRT_2);
    let (mut sum, mut power, mut scale, mut odd) = (integral, z, 1.0, 1.0);
    for coefficient in SHAPE {
        integral = power + odd * integral;
        scale /= df;
        sum += coefficient * integral * scale;
        power *= z * z;
        odd += 2.0;
    }
    sum
}

/// `sqrt(q / (1 - exp(-q)))` with `q = x^2 / df`; 1 at zero.
fn shape(x: f64, df: f64) -> f64 {
    let q = x * x / df;
    if q > 0.0 { (q / -(-q).exp_m1()).sqrt() } else { 1.0 }
}

/// `Gamma((df + 1) / 2) / (Gamma(df / 2) sqrt(pi df))`, the constant of the density.
///
/// From the series of `ln(Gamma(a + 1/2) / (Gamma(a) sqrt a))` in odd powers of `1 / a`, `a = df / 2` (Tricomi and
/// Erdelyi 1951), after raising df by steps of two, each of which multiplies the ratio of the gamma functions by `df
/// / (df + 1)`. Differences of two `ln Gamma` would lose six digits at a million.
fn constant(df: f64) -> f64 {
    const ENOUGH: f64 = 40.0;
    let mut steps = 1.0;
    let mut raised = df;
    while raised < ENOUGH {
        steps *= raised / (raised + 1.0);
        raised += 2.0;
    }
    let a = raised / 2.0;
    let b = 1.0 / (a * a);
    let series = (-1.0 / 8.0
        + b * (1.0 / 192.0
            + b * (-1.0 / 640.0 + b * (17.0 / 14_336.0 + b * (-31.0 / 18_432.0 + b * (691.0 / 180_224.0))))))
        / a;
    steps * series.exp() * (raised / df).sqrt() / (2.0 * PI).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The series against the quadrature, where it is used and at its very border.
    #[test]
    fn series_and_quadrature_agree() {
        for z in [0.0f64, 0.5, 2.0, 5.0, 15.0, 30.0] {
            for factor in [2.5, 3.0, 20.0, 100.0, 1e6] {
                let df = factor * (z * z + 40.0);
                let (series, quadrature) = (series(z, df), scaled_tail(z, |x| shape(x, df)));
                assert!((series / quadrature - 1.0).abs() < 2e-14, "{z} {df}: {series} {quadrature}");
            }
        }
    }
}
