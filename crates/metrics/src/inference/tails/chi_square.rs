//! How probable is a chi-square value beyond `x`?

use std::f64::consts::PI;

use super::normal::upper;

/// `P(X > x)` of the chi-square distribution with `df >= 1` whole degrees of freedom, for `x >= 0`, else `None`.
///
/// With whole degrees of freedom the tail is a finite sum of positive terms (Abramowitz and Stegun 26.4.4 and 26.4.5),
/// so nothing cancels; with `h = x / 2`:
///
/// - even df: `exp(-h) h^j / j!`, summed over `j < df / 2`;
/// - odd df: `2 P(Z > sqrt x)`, and `exp(-h) h^(j - 1/2) / Gamma(j + 1/2)` summed over `1 <= j <= (df - 1) / 2`.
///
/// The terms are multiplied up as logarithms, so that none underflows alone. A tail below the smallest normal double is
/// reported as that double.
#[must_use]
pub fn chi_square_sf(x: f64, df: u32) -> Option<f64> {
    if x.is_nan() || x < 0.0 || df == 0 {
        return None;
    }
    if x == 0.0 {
        return Some(1.0);
    }
    if x.is_infinite() {
        return Some(f64::MIN_POSITIVE);
    }
    let half = x / 2.0;
    let odd = df % 2 == 1;
    // For odd df the first term is exp(-h) h^(1/2) / Gamma(3/2), and Gamma(3/2) = sqrt(pi) / 2.
    let (base, mut logarithm, mut index) = if odd {
        (2.0 * upper(x.sqrt()), -half + half.ln() / 2.0 - (PI.sqrt() / 2.0).ln(), 1.5)
    } else {
        (0.0, -half, 1.0)
    };
    let mut tail = base;
    for _ in 0..df / 2 {
        tail += logarithm.exp();
        logarithm += (half / index).ln();
        index += 1.0;
    }
    Some(tail.clamp(f64::MIN_POSITIVE, 1.0))
}
