//! How often does the posterior of a lift exclude zero? A lift divides by a control that is itself uncertain.

use super::design::Noise;
use crate::inference::tails::normal_sf;
use crate::inference::undefined::{Undefined, finite};

/// The probability that the posterior of the lift under a flat prior excludes zero at `quantile` standard errors, for a
/// difference of mean `effect` and variance `variance`, and a control of mean `base` with the `noise` of its estimate.
///
/// With `D` the difference and `m` the control that are found, `L = D / |m|`, `V` the variance of the difference, `w` that
/// of control and `-c` their covariance, the delta method decides where
///
/// ```text
/// L^2 m^2 > z^2 (V + 2 L c sign(m) + L^2 w)
/// ```
///
/// which for a given `m` is a quadratic inequality in `L`: beyond its two roots where `m^2 > z^2 w`, else between them.
/// `D` and `m` are normal together; the probability given `m` is that of `D` beyond the roots, and its mean over `m` is
/// taken by the trapezoidal rule, which converges faster than any power of its step for what is smooth under the bell curve. Its
/// step is no wider than what is given turns in: `left` of `D` given `m` over the slope of its mean, where arms are far from
/// equal. Where control is hardly known the integrand has a kink at `m = 0`, and the error is below 1e-4.
pub(super) fn power_of_lift(
    effect: f64,
    variance: f64,
    base: f64,
    noise: Noise,
    quantile: f64,
) -> Result<f64, Undefined> {
    const WIDEST: f64 = 0.125;
    const NARROWEST: f64 = 0.01;
    const REACH: f64 = 8.0;
    let Noise { variance: of_base, covariance } = noise;
    let spread = finite(of_base.sqrt())?;
    let slope = if of_base > 0.0 { covariance / of_base } else { 0.0 };
    let left = finite((variance - slope * covariance).max(variance * 1e-12).sqrt())?;
    let square = quantile * quantile;
    let given = |x: f64| {
        let found = base + spread * x;
        let mean = effect - slope * spread * x;
        let signed = covariance * found.signum();
        let (a, b, c) = (found * found - square * of_base, 2.0 * square * signed, square * variance);
        let discriminant = b * b + 4.0 * a * c;
        if discriminant < 0.0 || a == 0.0 {
            return Some(0.0);
        }
        // The roots of a L^2 - b L - c, of which neither is a difference of equals.
        let sum = f64::midpoint(b, discriminant.sqrt().copysign(b));
        let (first, second) = (sum / a, -c / sum);
        let ends = [first.min(second), first.max(second)].map(|lift| (lift * found.abs() - mean) / left);
        let (below, above) = (normal_sf(-ends[0])?, normal_sf(ends[1])?);
        Some(if a > 0.0 { below + above } else { (1.0 - below - above).max(0.0) })
    };
    let turns = left / (slope * spread).abs();
    // A slope of nothing turns nowhere; where neither is known the narrowest will do.
    let step = if turns.is_nan() { NARROWEST } else { turns.clamp(NARROWEST, WIDEST) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 1 600")]
    let steps = (2.0 * REACH / step).ceil() as u32;
    let step = 2.0 * REACH / f64::from(steps);
    let mut power = 0.0;
    for index in 0..=steps {
        let x = step * f64::from(index) - REACH;
        power += (-x * x / 2.0).exp() * given(x).ok_or(Undefined::OutOfRange)?;
    }
    finite(power * step / std::f64::consts::TAU.sqrt()).map(|power| power.clamp(0.0, 1.0))
}
