//! How do persons act after the exposure, compared with themselves before it? The honest second best where there is no control:
//! a description, never an effect.
//!
//! The covariate of a metric is the same metric over the [`COVARIATE_DAYS`] that end at the exposure, so every person is held
//! against themself. Amounts are told per day: with a window of `W` days and `B = 14` days before, the change of a person is `y /
//! W - x / B`, its sums in whole numbers those of `B y - W x`. A ratio has no length, so it is held against the ratio before: by
//! the delta method the change of a person is `(y - R d) / D - (x - S u) / U` with the ratios R, S and the means D, U of what
//! stands below. A share of persons grows with the days, not in proportion to them, so it is told for a window of 14 days alone.

use ethnum::I256;
use journey::{COVARIATE_DAYS, Definition, MetricKind, UNIT};

use super::Maturity;
use super::Number;
use super::claims::ONE_READING;
use super::kpi::of_arm;
use super::versus::Claim;
use crate::inference::{
    Bounds, Estimate, Interval, Level, Quotient, Undefined, fieller, finite, mean, mean_interval_at, ratio,
};
use crate::moments::Moments;
use crate::reading::ArmReading;

/// Why a change in time is no effect.
pub const NOT_AN_EFFECT: Claim = Claim::no(
    "no randomised comparison: people enter when they are active, and fall back by themselves (regression to the mean); season, \
     prices and campaigns move too; and who is new has no time before",
);

/// How before and after are made comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Amounts for each day of 24 hours.
    PerDay,
    /// Ratios, which have no length.
    Ratio,
    /// Shares of persons over windows of the same length.
    Share,
}

impl Scale {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PerDay => "per_day",
            Self::Ratio => "ratio",
            Self::Share => "share",
        }
    }
}

/// The change of the persons of one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct BeforeAfter {
    /// Persons.
    pub persons: i64,
    /// Before the exposure.
    pub before: Number,
    /// After it.
    pub after: Number,
    /// After less before, paired.
    pub difference: Number,
    /// The same relative to before, by Fieller's set.
    pub change: Number,
}

const NO_WINDOW: &str =
    "the metric has no window, so persons are watched for times of different lengths: give it window_days";
const OF_RETURN: &str = "a return in a span of days after the exposure has no counterpart before it";
const OF_LIFESPAN: &str =
    "a lifespan is estimated from when persons stop buying after the exposure, which has no counterpart before it";
const OF_RANK: &str = "quantiles and values that are cut at a percentile keep no distribution from before the exposure";
const OF_LATEST: &str = "the latest answer stands for a person and does not grow with the days, and who answered before need not answer after";
const OF_SHARE: &str = "a share of persons grows with the days but not in proportion to them: give the metric \"window_days\": 14, the \
                        length of the time before";

/// How the metric's before and after are made comparable.
///
/// # Errors
/// Where they can't be, with the reason.
pub fn before_after_scale(definition: &Definition, metric: usize) -> Result<Scale, &'static str> {
    let defined = &definition.metrics[metric];
    let window = definition.window_days(metric);
    match &defined.kind {
        MetricKind::Ratio { .. } => Ok(Scale::Ratio),
        MetricKind::Quantile { .. } => Err(OF_RANK),
        _ if defined.keeps.percentile_cap.is_some() => Err(OF_RANK),
        MetricKind::Retention { .. } => Err(OF_RETURN),
        kind if kind.inactive_days().is_some() => Err(OF_LIFESPAN),
        kind if kind.is_of_latest() => Err(OF_LATEST),
        _ if window.is_none() => Err(NO_WINDOW),
        kind if kind.is_binary() => {
            if window.map(i64::from) == Some(COVARIATE_DAYS) {
                Ok(Scale::Share)
            } else {
                Err(OF_SHARE)
            }
        }
        _ => Ok(Scale::PerDay),
    }
}

/// The change of the persons of an arm in a metric: those whose window has closed, or everyone where a ratio has none.
///
/// # Errors
/// As [`before_after_scale`].
pub fn before_after(
    definition: &Definition,
    metric: usize,
    arm: &ArmReading,
    confidence: f64,
) -> Result<BeforeAfter, &'static str> {
    let scale = before_after_scale(definition, metric)?;
    let sums = of_arm(arm, metric, Maturity::Matured);
    let level = Level::new(confidence);
    let found = match scale {
        Scale::Ratio => Pair::of_ratios(sums),
        Scale::PerDay | Scale::Share => {
            let window = definition.window_days(metric).unwrap_or(1);
            let whole = if scale == Scale::Share { 1.0 } else { 1.0 / f64::from(window) };
            Pair::of_amounts(sums, window, whole)
        }
    };
    Ok(BeforeAfter {
        persons: sums.n,
        before: told(found.map(|pair| pair.before), level),
        after: told(found.map(|pair| pair.after), level),
        difference: told(found.map(|pair| pair.difference), level),
        change: found.and_then(|pair| pair.change(level)).map_or_else(
            |reason| number(Err(reason), Bounds::none(reason), "fieller"),
            |(value, bounds)| number(Ok(value), bounds, "fieller"),
        ),
    })
}

fn number(value: Result<f64, Undefined>, bounds: Bounds, method: &'static str) -> Number {
    Number { value, bounds, method, anytime: ONE_READING, causal: NOT_AN_EFFECT }
}

fn told(estimate: Result<Estimate, Undefined>, level: Result<Level, Undefined>) -> Number {
    let interval: Result<Interval, Undefined> = estimate.and_then(|estimate| mean_interval_at(&estimate, &level?));
    number(estimate.map(|estimate| estimate.value()), interval.into(), "paired_t")
}

/// Before and after of the same persons.
#[derive(Clone, Copy)]
struct Pair {
    before: Estimate,
    after: Estimate,
    difference: Estimate,
}

impl Pair {
    /// `unit`: what one of the window's sums is told as.
    fn of_amounts(sums: &Moments, window: u32, unit: f64) -> Result<Self, Undefined> {
        let (days, before_days) = (I256::from(window), I256::from(COVARIATE_DAYS));
        let moved = before_days * sums.y - days * sums.x;
        let squares =
            before_days * before_days * sums.yy - I256::new(2) * before_days * days * sums.xy + days * days * sums.xx;
        let scaled = |estimate: Estimate, factor: f64| {
            Estimate::from_parts(estimate.persons(), factor * estimate.value(), factor * factor * estimate.variance())
        };
        let length = f64::from(window);
        let per_before = unit * length / COVARIATE_DAYS as f64;
        Ok(Self {
            after: scaled(mean(sums.n, sums.y, sums.yy)?, unit)?,
            before: scaled(mean(sums.n, sums.x, sums.xx)?, per_before)?,
            difference: scaled(mean(sums.n, moved, squares)?, unit / COVARIATE_DAYS as f64)?,
        })
    }

    fn of_ratios(sums: &Moments) -> Result<Self, Undefined> {
        let after = ratio(sums.n, sums.y, sums.yy, sums.d, sums.dd, sums.yd)?;
        let before = ratio(sums.n, sums.x, sums.xx, sums.u, sums.uu, sums.xu)?;
        let unit = UNIT as f64;
        let product = |sum: I256| sum.as_f64() / unit / unit;
        let (r, s, n) = (after.value(), before.value(), sums.n as f64);
        let (below, below_before) = (sums.d.as_f64() / unit / n, sums.u.as_f64() / unit / n);
        let cross = product(sums.xy) - s * product(sums.yu) - r * product(sums.dx) + r * s * product(sums.du);
        let covariance = finite(cross / (below * below_before * n * (n - 1.0)))?;
        let variance = (after.variance() + before.variance() - 2.0 * covariance).max(0.0);
        let difference = Estimate::from_parts(after.persons(), r - s, variance)?;
        Ok(Self { before, after, difference })
    }

    /// The difference relative to what was before. By the variances of the three, the covariance of difference and before is
    /// `(v_after - v_before - v_difference) / 2`.
    fn change(&self, level: Result<Level, Undefined>) -> Result<(f64, Bounds), Undefined> {
        let critical = level?.student(self.difference.degrees_of_freedom())?;
        let quotient = Quotient {
            numerator: self.difference.value(),
            numerator_variance: self.difference.variance(),
            denominator: self.before.value().abs(),
            denominator_variance: self.before.variance(),
            covariance: (self.after.variance() - self.before.variance() - self.difference.variance()) / 2.0
                * self.before.value().signum(),
        };
        let set = fieller(&quotient, critical)?;
        let value = finite(quotient.numerator / quotient.denominator)?;
        let end = |end: Option<f64>| end.ok_or(Undefined::OpenSide);
        Ok((value, Bounds { low: end(set.low), high: end(set.high) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Persons as rows: after, below, before, below before.
    fn sums(rows: &[[i64; 4]]) -> Moments {
        let mut sums = Moments { n: i64::try_from(rows.len()).unwrap(), ..Moments::default() };
        for row in rows {
            let [y, d, x, u] = row.map(|value| I256::from(value * UNIT));
            sums.y += y;
            sums.yy += y * y;
            sums.d += d;
            sums.dd += d * d;
            sums.yd += y * d;
            sums.x += x;
            sums.xx += x * x;
            sums.xy += x * y;
            sums.u += u;
            sums.uu += u * u;
            sums.xu += x * u;
            sums.yu += y * u;
            sums.dx += d * x;
            sums.du += d * u;
        }
        sums
    }

    const ROWS: [[i64; 4]; 6] = [[7, 1, 4, 2], [0, 2, 3, 1], [21, 3, 10, 4], [14, 2, 8, 2], [5, 4, 0, 1], [9, 1, 6, 3]];

    fn close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() <= 1e-12 * wanted.abs().max(1.0), "{found} instead of {wanted}");
    }

    #[test]
    fn amounts_are_paired_person_by_person() {
        let pair = Pair::of_amounts(&sums(&ROWS), 7, 1.0 / 7.0).unwrap();
        let moved: Vec<f64> = ROWS.iter().map(|[y, _, x, _]| *y as f64 / 7.0 - *x as f64 / 14.0).collect();
        let centre = moved.iter().sum::<f64>() / 6.0;
        let spread = moved.iter().map(|each| (each - centre).powi(2)).sum::<f64>() / 5.0;
        close(pair.difference.value(), centre);
        close(pair.difference.variance(), spread / 6.0);
        close(pair.after.value() - pair.before.value(), centre);
        close(pair.before.value(), 31.0 / 6.0 / 14.0);
    }

    #[test]
    fn ratios_are_paired_by_their_influence() {
        let pair = Pair::of_ratios(&sums(&ROWS)).unwrap();
        let total = |at: usize| ROWS.iter().map(|row| row[at] as f64).sum::<f64>();
        let (r, s) = (total(0) / total(1), total(2) / total(3));
        let moved = ROWS.map(|row| {
            let [y, d, x, u] = row.map(|value| value as f64);
            (y - r * d) / (total(1) / 6.0) - (x - s * u) / (total(3) / 6.0)
        });
        close(pair.difference.value(), r - s);
        close(pair.difference.variance(), moved.iter().map(|each| each * each).sum::<f64>() / (6.0 * 5.0));
    }

    /// Zero is in the relative interval exactly if it is in the paired one.
    #[test]
    fn both_intervals_agree_about_nothing() {
        for shift in -6..6 {
            let rows = ROWS.map(|[y, d, x, u]| [y + shift, d, x, u]);
            let pair = Pair::of_amounts(&sums(&rows), 14, 1.0 / 14.0).unwrap();
            let level = Level::new(0.9);
            let difference = told(Ok(pair.difference), level).bounds;
            let (_, change) = pair.change(level).unwrap();
            assert_eq!(difference.contains(0.0), change.contains(0.0), "{shift}: {difference:?} {change:?}");
        }
    }
}
