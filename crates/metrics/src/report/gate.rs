//! Is there enough to judge by? Contributors that are expected in the smaller arm, from the arms pooled.
//!
//! The gate looks at what an arm was expected to do, never at what it happened to do: no order in one arm against 500 in
//! the other is a disaster to report, not missing data.

use ethnum::I256;
use journey::{Definition, MetricKind, UNIT};

use super::Maturity;
use super::check::Check;
use super::kpi::of_arms;
use crate::inference::{PERSONS_PER_SQUARED_SKEWNESS, Undefined, finite, skewness};
use crate::moments::Moments;
use crate::net::Flows;
use crate::reading::Reading;

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
/// - Values over an estimated lifespan: no more than those who left, and than the days that persons stayed have.
/// - Net values: that of the values or that of the costs that came with events, whichever is less. Where value and cost cancel,
///   their difference says nothing of how many contribute.
/// - Ratings: exactly those who answered.
/// - Quantiles: the share of persons beyond it, on the side where they are fewer.
///
/// Where the sum of cubes is not known ([`Moments::without_cubes`]) the bound by Cauchy and Schwarz stands alone.
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
    if let MetricKind::Rating { .. } = kind {
        // Whoever answered contributes, whatever the score.
        return (sum(|arm| arm.d).as_f64() / UNIT as f64 / persons).clamp(0.0, 1.0);
    }
    if kind.is_binary() {
        return (y.as_f64() / UNIT as f64 / persons).clamp(0.0, 1.0);
    }
    if let MetricKind::Net { .. } = kind {
        return share_of_flows(n, arms);
    }
    let yy = sum(|arm| arm.yy);
    let alike = |sum: I256, squares: I256| share_of_alike(n, sum, squares);
    let by_values = alike(y, yy);
    let shape = if arms.iter().any(|arm| arm.without_cubes) {
        Err(Undefined::NoSkewness)
    } else {
        skewness(n, y, yy, sum(|arm| arm.yyy))
    };
    let by_shape = shape.map_or(0.0, |skewness| 1.0 / (4.0 + skewness * skewness));
    let share = by_values.max(by_shape);
    let share = match kind {
        // A lifespan is known from those who left, and from how long the others stayed.
        kind if kind.inactive_days().is_some() => {
            let left = sum(|arm| arm.lifespans.as_ref().map_or(I256::ZERO, |lives| I256::from(lives.left)));
            let days = sum(|arm| arm.lifespans.as_ref().map_or(I256::ZERO, |lives| lives.days));
            let squares = sum(|arm| arm.lifespans.as_ref().map_or(I256::ZERO, |lives| lives.tt));
            let observed = alike(sum(|arm| arm.d), sum(|arm| arm.dd));
            share.min(observed).min(alike(left, left)).min(alike(days, squares))
        }
        kind if kind.is_ratio() => share.min(alike(sum(|arm| arm.d), sum(|arm| arm.dd))),
        _ => share,
    };
    share.clamp(0.0, 1.0)
}

/// The share of the `n` persons who contribute to net values: see [`contributing_share`].
fn share_of_flows(n: i64, arms: &[&Moments]) -> f64 {
    let mut whole = Flows::default();
    arms.iter().filter_map(|arm| arm.net.as_deref()).for_each(|flows| whole.add(flows));
    let by_shape = skewness(n, whole.value, whole.value_squares, whole.value_cubes)
        .map_or(0.0, |skewness| 1.0 / (4.0 + skewness * skewness));
    let of_values = share_of_alike(n, whole.value, whole.value_squares).max(by_shape);
    let of_costs = share_of_alike(n, whole.event_cost, whole.event_cost_squares);
    match (whole.value_squares == I256::ZERO, whole.event_cost_squares == I256::ZERO) {
        (false, false) => of_values.min(of_costs),
        (false, true) => of_values,
        (true, _) => of_costs,
    }
    .clamp(0.0, 1.0)
}

/// `(sum y)^2 / (n sum y^2)`: at least the share of the `n` persons who contribute to a sum, see [`contributing_share`].
pub(super) fn share_of_alike(n: i64, sum: I256, squares: I256) -> f64 {
    let (sum, squares) = (sum.as_f64(), squares.as_f64());
    if squares > 0.0 && n > 0 { ((sum / squares.sqrt()).powi(2) / n as f64).clamp(0.0, 1.0) } else { 0.0 }
}

/// The contributors of the smaller arm from which a power is as it is told: `make calibration` finds powers within 3 points where
/// there are so many and skewness asks for no more. Where skewness says little (common conversions) or is not known (ratios,
/// quantiles) this number decides.
pub const PLANNED_CONTRIBUTORS: f64 = 200.0;

/// The persons of the smaller arm from which normal theory is to be trusted, and with it a power: 355 x skewness^2 of the most
/// skewed arm, and 200 contributors. [`Undefined::NoVariance`] where nobody contributes.
pub(super) fn persons_for_plans(kind: &MetricKind, arms: &[&Moments]) -> Result<f64, Undefined> {
    let contributing = contributing_share(kind, arms);
    if contributing <= 0.0 {
        return Err(Undefined::NoVariance);
    }
    finite(persons_for_skewness(kind, arms).unwrap_or(0.0).max(PLANNED_CONTRIBUTORS / contributing))
}

/// How much more than the persons of the smallest arm normal theory asks for: above 1 the values are too skewed. `None` without
/// persons or spread, and where [`persons_for_skewness`] says nothing.
fn persons_asked_for(kind: &MetricKind, arms: &[&Moments]) -> Option<f64> {
    let smallest = arms.iter().map(|arm| arm.n.unsigned_abs()).min().filter(|n| *n > 0)?;
    Some(persons_for_skewness(kind, arms)? / smallest as f64)
}

/// The persons of an arm that normal theory asks for, `skewness^2 x 355` of the most skewed arm. `None` without spread.
///
/// Ratios and CLVs are not looked at: the skewness of what is left of a numerator after its denominator needs sums that
/// are not kept. Nor are quantiles, which large values do not move.
fn persons_for_skewness(kind: &MetricKind, arms: &[&Moments]) -> Option<f64> {
    if kind.is_ratio() || kind.is_quantile() {
        return None;
    }
    let skewnesses = arms.iter().filter_map(|arm| match &arm.net {
        // It is the values that are skewed.
        Some(flows) => skewness(arm.n, flows.value, flows.value_squares, flows.value_cubes).ok(),
        None if arm.without_cubes => None,
        None => skewness(arm.n, arm.y, arm.yy, arm.yyy).ok(),
    });
    skewnesses.map(|skewness| skewness * skewness * PERSONS_PER_SQUARED_SKEWNESS).reduce(f64::max)
}

/// Whether the values of any arm are too skewed for normal theory at this number of persons.
pub(super) fn is_too_skewed(kind: &MetricKind, arms: &[&Moments]) -> bool {
    persons_asked_for(kind, arms).is_some_and(|asked| asked > 1.0)
}

/// Whether normal theory is to be trusted for every metric, in the reading that decides. A warning; each metric carries it as a
/// note, too.
pub(super) fn check_normal_theory(definition: &Definition, reading: &Reading) -> Check {
    let asked: Vec<(usize, f64)> = (0..definition.metrics.len())
        .filter_map(|metric| {
            let sums = of_arms(reading, metric, Maturity::Matured);
            Some((metric, persons_asked_for(&definition.metrics[metric].kind, &sums)?))
        })
        .collect();
    let Some(most) = asked.iter().map(|(_, asked)| *asked).reduce(f64::max) else {
        return Check::new("normal_theory", true, "no metric has values in every arm yet".into());
    };
    let skewed: Vec<String> = asked
        .iter()
        .filter(|(_, asked)| *asked > 1.0)
        .map(|(metric, asked)| {
            format!("{} ({asked:.1} times the persons of its smallest arm)", definition.metrics[*metric].key.as_str())
        })
        .collect();
    let ok = skewed.is_empty();
    let message = if ok {
        "every metric has enough persons for its skewness".to_owned()
    } else {
        format!(
            "intervals and p-values may be off for {}: normal theory asks for 355 x skewness^2 persons there; wait for more \
             persons, or give a metric of values a cap",
            skewed.join(", ")
        )
    };
    Check { number: Some(most), threshold: Some(1.0), ..Check::new("normal_theory", ok, message) }
}
