//! How often does a t statistic exceed a critical value when there is an effect?

use crate::inference::tails::normal_sf;

/// `P(T > t)` of the noncentral t distribution: `T = (Z + shift) / S`, `Z` standard normal, `S^2` an independent
/// chi-square over its `df > 0` degrees of freedom. `None` for a NaN or fewer degrees of freedom.
///
/// The expectation of `P(Z > t S - shift)` over `S`, by the trapezoid rule in `w = ln S`, whose density, `exp(df w -
/// df e^(2w) / 2)` up to a constant, is smooth and falls off at least exponentially on both sides, so that the rule
/// converges faster than any power of its step. The constant is the same sum over the density alone. Errors are below
/// 1e-13.
pub(super) fn noncentral_t_sf(t: f64, df: f64, shift: f64) -> Option<f64> {
    /// Steps for the width over which the density matters; with many degrees of freedom it is a bell, and a quarter of them do.
    const STEPS: u32 = 400;
    const BELL: f64 = 100.0;
    /// Where the density has fallen by `e^-REACH`.
    const REACH: f64 = 42.0;
    if !(t.is_finite() && shift.is_finite() && df > 0.0 && df.is_finite()) {
        return None;
    }
    // Near its peak at zero the exponent is -df w^2; far to the left it falls like df w, far to the right like e^(2w).
    let bell = (REACH / df).sqrt();
    let low = -(bell + REACH / df);
    let high = bell.min((2.0 * REACH / df + 3.0).ln_1p() / 2.0);
    let steps = if df > BELL { STEPS / 4 } else { STEPS };
    let step = (high - low) / f64::from(steps);
    let (mut sum, mut all) = (0.0, 0.0);
    for index in 0..=steps {
        let w = low + step * f64::from(index);
        let density = (df * below_peak(w)).exp();
        sum += density * normal_sf(t * w.exp() - shift)?;
        all += density;
    }
    Some((sum / all).clamp(0.0, 1.0))
}

/// `w - (e^(2w) - 1) / 2`, by its series where the two sides cancel.
fn below_peak(w: f64) -> f64 {
    if w.abs() < 1e-3 {
        return -w * w * (1.0 + w * (2.0 / 3.0 + w * (1.0 / 3.0 + w * (2.0 / 15.0 + w * 2.0 / 45.0))));
    }
    w - (2.0 * w).exp_m1() / 2.0
}
