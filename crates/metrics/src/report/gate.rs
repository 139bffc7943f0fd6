//! Is there enough to judge by? Contributors that are expected in the smaller arm, from the arms pooled.
//!
//! The gate looks at what an arm was expected to do, never at what it happened to do: no order in one arm against 500 in
//! the other is a disaster to report, not missing data.

use ethnum::I256;
use journey::{MetricKind, UNIT};

use crate::inference::{normal_theory_holds, skewness};
use crate::moments::Moments;

/// The expected contributors of the smaller arm from which a confidence sequence is trusted.
pub const CONTRIBUTORS: f64 = 25.0;
/// The same for guardrails, which would rather warn early.
pub const GUARDRAIL_CONTRIBUTORS: f64 = 10.0;
/// The same for live readings, whose values still move while windows close.
pub const LIVE_CONTRIBUTORS: f64 = 100.0;

/// The share of persons who contribute, all arms pooled; times the persons of the smaller arm it is `e = k_all n_min / N`.
///
/// - Binary metrics: exactly those who are counted.
/// - Values: sums do not tell how many are not zero, but bound it from below. By Cauchy and Schwarz at least `(sum y)^2 /
///   sum y^2` are: exactly the contributors where all values are alike, fewer where some outweigh the rest. Where values of
///   both signs cancel, that says nothing, and `N / (4 + skewness^2)` stands in, which for zeros and ones is the number of
///   ones times the share of zeros. The larger of the two is taken.
/// - Ratios: the same, but no more than the denominator has.
/// - Quantiles: the share of persons beyond it, on the side where they are fewer.
///
/// 0 where nothing was counted.
#[must_use]
pub fn contributing_share(kind: &MetricKind, arms: &[&Moments]) -> f64 {
    let sum = |of: fn(&Moments) -> I256| arms.iter().fold(I256::ZERO, |sum, arm| sum.wrapping_add(of(arm)));
    let n: i64 = arms.iter().fold(0, |n, arm| n.saturating_add(arm.n));
    if n <= 0 {
        return 0.0;
    }
    let (persons, y) = (n as f64, sum(|arm| arm.y));
    if let MetricKind::Quantile { share, .. } = kind {
        // What a quantile stands on are the persons beyond it, on the side where they are fewer.
        return share.value().min(1.0 - share.value());
    }
    if kind.is_binary() {
        return (y.as_f64() / UNIT as f64 / persons).clamp(0.0, 1.0);
    }
    let yy = sum(|arm| arm.yy);
    let alike = |sum: I256, squares: I256| share_of_alike(n, sum, squares);
    let by_values = alike(y, yy);
    let by_shape = skewness(n, y, yy, sum(|arm| arm.yyy)).map_or(0.0, |skewness| 1.0 / (4.0 + skewness * skewness));
    let share = by_values.max(by_shape);
    let share = match kind {
        MetricKind::Ratio { .. } | MetricKind::Clv { .. } => share.min(alike(sum(|arm| arm.d), sum(|arm| arm.dd))),
        _ => share,
    };
    share.clamp(0.0, 1.0)
}

/// `(sum y)^2 / (n sum y^2)`: at least the share of the `n` persons who contribute to a sum, see [`contributing_share`].
pub(super) fn share_of_alike(n: i64, sum: I256, squares: I256) -> f64 {
    let (sum, squares) = (sum.as_f64(), squares.as_f64());
    if squares > 0.0 && n > 0 { ((sum / squares.sqrt()).powi(2) / n as f64).clamp(0.0, 1.0) } else { 0.0 }
}

/// Whether the values of any arm are too skewed for normal theory at this number of persons.
///
/// Ratios and CLVs are not looked at: the skewness of what is left of a numerator after its denominator needs sums that
/// are not kept. Nor are quantiles, which large values do not move.
pub(super) fn is_too_skewed(kind: &MetricKind, arms: &[&Moments]) -> bool {
    if matches!(kind, MetricKind::Ratio { .. } | MetricKind::Clv { .. } | MetricKind::Quantile { .. }) {
        return false;
    }
    let smallest = arms.iter().map(|arm| arm.n.unsigned_abs()).min().unwrap_or(0);
    let skewed =
        |arm: &&Moments| skewness(arm.n, arm.y, arm.yy, arm.yyy).is_ok_and(|skew| !normal_theory_holds(skew, smallest));
    smallest > 0 && arms.iter().any(skewed)
}
