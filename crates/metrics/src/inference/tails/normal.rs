//! How probable is a normal value beyond `z`, and which `z` leaves a given tail?

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// `P(Z > z)` of the standard normal distribution; `None` for a NaN.
///
/// Formula: `exp(-z^2 / 2) erfcx(z / sqrt 2) / 2`, the scaled complementary error function after S. G. Johnson
/// (Faddeeva package). A tail below the smallest normal double (z > 37.5) is reported as that double: a bound that
/// errs on the side of no effect.
#[must_use]
pub fn normal_sf(z: f64) -> Option<f64> {
    if z.is_nan() {
        return None;
    }
    if z < 0.0 {
        return Some(1.0 - upper(-z));
    }
    Some(upper(z).max(f64::MIN_POSITIVE))
}

/// `exp(z^2 / 2) P(Z > z)`, which neither underflows far out nor loses digits; `None` for a NaN.
#[must_use]
pub fn scaled_normal_sf(z: f64) -> Option<f64> {
    (!z.is_nan()).then(|| puruspe::erfcx(z * FRAC_1_SQRT_2) / 2.0)
}

/// The upper tail for `z >= 0`; zero where it underflows.
pub(super) fn upper(z: f64) -> f64 {
    (-z * z / 2.0).exp() * puruspe::erfcx(z * FRAC_1_SQRT_2) / 2.0
}

/// The `z` with `P(Z > z) = tail`, for a tail strictly between 0 and 1, else `None`.
///
/// Start: the inverse complementary error function of `puruspe`; then Newton steps on the logarithm of the tail,
/// which is concave, so that they converge from any start and keep all digits far out.
#[must_use]
pub fn normal_isf(tail: f64) -> Option<f64> {
    if !(tail > 0.0 && tail < 1.0) {
        return None;
    }
    if tail > 0.5 {
        // 1 - tail is exact here, because tail lies within a factor of two of 1.
        return normal_isf(1.0 - tail).map(|z| -z);
    }
    if tail < f64::MIN_POSITIVE {
        return None;
    }
    let start = std::f64::consts::SQRT_2 * puruspe::inverfc(2.0 * tail);
    Some(newton_on_log_tail(
        tail,
        start.max(0.0),
        |z| upper(z).max(f64::MIN_POSITIVE),
        |z| (-z * z / 2.0).exp() / (2.0 * PI).sqrt(),
    ))
}

/// Solves `upper(z) = tail` for `z >= 0` by Newton's method on `ln upper(z)`, whose derivative is `-density / upper`.
pub(super) fn newton_on_log_tail(
    tail: f64,
    start: f64,
    upper: impl Fn(f64) -> f64,
    density: impl Fn(f64) -> f64,
) -> f64 {
    const MOST_STEPS: usize = 60;
    let mut z = start;
    let mut last_step = f64::INFINITY;
    for _ in 0..MOST_STEPS {
        let here = upper(z);
        let step = (here / tail).ln() * here / density(z);
        // Once the steps no longer shrink, what is left is rounding.
        if !step.is_finite() || step == 0.0 || step.abs() >= last_step {
            break;
        }
        last_step = if z > 0.0 && step.abs() < 1e-9 * z { step.abs() } else { f64::INFINITY };
        z = (z + step).max(0.0);
    }
    z
}
