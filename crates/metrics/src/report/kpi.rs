//! KPIs: what an arm amounts to.

use journey::{Lifespan, MetricKind, Role, UNIT};

use super::gate::contributing_share;
use super::judge::{Judge, Side};
use super::response::{Response, response};
use super::{Maturity, Question, Versus, Weights, verdict};
use crate::inference::{
    Estimate, Interval, Level, Quantile, Tuning, Undefined, mean, mean_interval_at, quantile, ratio, wilson_interval_at,
};
use crate::lifespan::{lifetime_point, lifetime_value};
use crate::moments::Moments;
use crate::reading::{ArmReading, Reading};

/// A number with its interval; each may be missing, with the reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// The number.
    pub value: Result<f64, Undefined>,
    /// Its interval.
    pub interval: Result<Interval, Undefined>,
}

/// What an arm amounts to.
#[derive(Debug, Clone, PartialEq)]
pub struct Kpi {
    /// Persons that the number speaks of.
    pub persons: i64,
    /// The KPI in its own unit.
    pub value: Value,
    /// The exact sums that it comes from.
    pub moments: Moments,
    /// For a CLV: its three factors.
    pub factors: Option<ClvFactors>,
    /// For a rating: who answered.
    pub response: Option<Response>,
    /// The comparison; none for the baseline itself.
    pub versus: Option<Versus>,
}

/// The factors of a customer lifetime value: their product is the KPI.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClvFactors {
    /// Value per purchase.
    pub average_purchase_value: Option<f64>,
    /// Purchases per person and day under observation.
    pub purchase_frequency: Option<f64>,
    /// Days; `None` where they are to be estimated and can't be yet.
    pub lifespan_days: Option<f64>,
}

/// What is made once for a whole report.
pub(super) struct Setting {
    pub(super) level: Result<Level, Undefined>,
    pub(super) tuning: Result<Tuning, Undefined>,
}

impl Setting {
    pub(super) fn of(question: &Question<'_>) -> Self {
        Self { level: Level::new(question.confidence), tuning: Tuning::planned(question.planned_persons) }
    }
}

/// The KPIs of one metric in one reading, baseline included, and the share of persons who contribute.
pub(super) fn kpis(
    question: &Question<'_>,
    setting: &Setting,
    reading: &Reading,
    metric: usize,
    maturity: Maturity,
) -> (Vec<Kpi>, f64) {
    let definition = question.definition;
    let (kind, goal) = (&definition.metrics[metric].kind, definition.metrics[metric].goal);
    let sums = of_arms(reading, metric, maturity);
    let level = setting.level;
    let share = contributing_share(kind, &sums);
    let sides: Vec<Side<'_>> = sums
        .iter()
        .zip(&definition.experiment.arms)
        .enumerate()
        .map(|(at, (sums, arm))| Side {
            arm: at,
            sums,
            estimate: match question.weights {
                Weights::Within(strata) => strata.standardised(definition, (metric, maturity), at, question.confidence),
                _ => estimate(kind, sums, question.confidence),
            },
            weight: match question.weights {
                Weights::Equal(weights) => weights[at],
                _ => arm.weight.units() as f64,
            },
        })
        .collect();
    let used = &definition.experiment.metrics[metric];
    let tolerated = used.max_harm.map_or(0.0, |harm| harm.units() as f64 / UNIT as f64);
    let judge = Judge {
        question,
        kind,
        metric,
        goal,
        silence: verdict::silence(&definition.metrics[metric]),
        maturity,
        max_harm: (used.role == Role::Guardrail).then_some(tolerated),
        cuped: question.cuped.unwrap_or(used.cuped),
        share,
        level,
        tuning: setting.tuning,
    };
    let baseline = &sides[question.baseline];
    let arms = sides.iter().enumerate().map(|(arm, side)| Kpi {
        persons: side.sums.n,
        value: match question.weights {
            Weights::Within(_) => standardised(side, level),
            _ => value(kind, side, level, question.confidence),
        },
        moments: side.sums.clone(),
        factors: factors(kind, side.sums),
        response: matches!(kind, MetricKind::Rating { .. }).then(|| response(side.sums, level)),
        versus: (arm != question.baseline).then(|| judge.versus(baseline, side)),
    });
    (arms.collect(), share)
}

/// The sums of all arms in a reading.
pub(super) fn of_arms(reading: &Reading, metric: usize, maturity: Maturity) -> Vec<&Moments> {
    reading.arms.iter().map(|arm| of_arm(arm, metric, maturity)).collect()
}

/// The sums of an arm in a reading.
pub(super) fn of_arm(arm: &ArmReading, metric: usize, maturity: Maturity) -> &Moments {
    match maturity {
        Maturity::Matured => arm.matured[metric].as_ref().unwrap_or(&arm.live[metric]),
        Maturity::Live => &arm.live[metric],
    }
}

/// The estimate of a KPI from its sums.
pub(super) fn estimate(kind: &MetricKind, sums: &Moments, confidence: f64) -> Result<Estimate, Undefined> {
    match kind {
        MetricKind::Quantile { share, .. } => rank(sums, share.value(), confidence)?.estimate,
        kind if kind.inactive_days().is_some() => lifetime_value(sums),
        kind if kind.is_ratio() => {
            let per_day = ratio(sums.n, sums.y, sums.yy, sums.d, sums.dd, sums.yd)?;
            // Value per person-day, times the days of a lifespan or of what it is told per.
            let Some(days) = kind.per_days().map(f64::from) else { return Ok(per_day) };
            Estimate::from_parts(per_day.persons(), days * per_day.value(), days * days * per_day.variance())
        }
        _ => mean(sums.n, sums.y, sums.yy),
    }
}

/// The value at a rank, from the distribution of the persons' values.
fn rank(sums: &Moments, share: f64, confidence: f64) -> Result<Quantile, Undefined> {
    quantile(sums.histogram.as_deref().ok_or(Undefined::NoPersons)?, share, confidence)
}

/// The KPI alone: it exists for a single person too, whose uncertainty does not.
pub fn point(kind: &MetricKind, sums: &Moments) -> Result<f64, Undefined> {
    if sums.n <= 0 {
        return Err(Undefined::NoPersons);
    }
    let quotient =
        |below: f64| if below == 0.0 { Err(Undefined::ZeroDenominator) } else { Ok(sums.y.as_f64() / below) };
    match kind {
        // The confidence has no part in the value.
        MetricKind::Quantile { share, .. } => rank(sums, share.value(), 0.95).map(|found| found.value),
        kind if kind.inactive_days().is_some() => lifetime_point(sums),
        kind if kind.is_ratio() => Ok(quotient(sums.d.as_f64())? * kind.per_days().map_or(1.0, f64::from)),
        _ => quotient(sums.n as f64 * UNIT as f64),
    }
}

fn value(kind: &MetricKind, side: &Side<'_>, level: Result<Level, Undefined>, confidence: f64) -> Value {
    let (sums, estimate) = (side.sums, side.estimate);
    if let MetricKind::Quantile { share, .. } = kind {
        let found = rank(sums, share.value(), confidence);
        let interval = found.and_then(|found| found.interval);
        return Value { value: found.map(|found| found.value), interval };
    }
    let interval = if kind.is_binary() {
        let successes = i64::try_from(sums.y / ethnum::I256::from(UNIT)).map_err(|_| Undefined::ImpossibleSums);
        successes.and_then(|n| wilson_interval_at(n, sums.n, &level?))
    } else {
        estimate.and_then(|estimate| mean_interval_at(&estimate, &level?))
    };
    Value { value: estimate.map(|estimate| estimate.value()).or_else(|_| point(kind, sums)), interval }
}

/// A KPI within strata, which is a weighted mean of several.
fn standardised(side: &Side<'_>, level: Result<Level, Undefined>) -> Value {
    Value {
        value: side.estimate.map(|estimate| estimate.value()),
        interval: side.estimate.and_then(|estimate| mean_interval_at(&estimate, &level?)),
    }
}

fn factors(kind: &MetricKind, sums: &Moments) -> Option<ClvFactors> {
    let MetricKind::Clv { lifespan, .. } = kind else {
        return None;
    };
    let unit = UNIT as f64;
    let (orders, days) = (sums.orders as f64, sums.d.as_f64() / unit);
    Some(ClvFactors {
        average_purchase_value: (sums.orders > 0).then(|| sums.y.as_f64() / unit / orders),
        purchase_frequency: (days > 0.0).then(|| orders / days),
        lifespan_days: match lifespan {
            Lifespan::Days(days) => Some(f64::from(*days)),
            Lifespan::Estimated { .. } => sums.lifespans.as_ref().and_then(|lives| lives.lifespan_days().ok()),
        },
    })
}
