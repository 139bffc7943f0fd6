//! KPIs: what an arm amounts to, and how it compares with the baseline.

use journey::{MetricKind, UNIT};

use super::{Maturity, Question, Verdict};
use crate::inference::{
    AdjustedComparison, Comparison, CovariateSums, Estimate, FiellerInterval, Interval, Lift, Test, Theta, Undefined,
    compare, compare_adjusted, mean, mean_interval, normal_theory_holds, ratio, skewness, wilson_interval,
};
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
    /// Days.
    pub lifespan_days: u32,
}

/// An arm against the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Versus {
    /// KPI of the arm minus KPI of the baseline.
    pub difference: Value,
    /// The difference relative to the baseline, as a fraction, with the delta method's interval.
    pub lift: Value,
    /// Fieller's interval of the lift; a side may be open.
    pub lift_fieller: Result<FiellerInterval, Undefined>,
    /// Welch's test of the difference.
    pub test: Result<Test, Undefined>,
    /// The standard error of the lift.
    pub lift_standard_error: Result<f64, Undefined>,
    /// The test's two-sided p-value.
    pub p_value: Result<f64, Undefined>,
    /// The same, adjusted for the number of comparisons; equal to it in readings that are not adjusted.
    pub p_value_adjusted: Result<f64, Undefined>,
    /// The adjustment by the covariate, where it was asked for and applies.
    pub cuped: Option<Cuped>,
    /// What follows.
    pub verdict: (Verdict, Option<&'static str>),
}

/// How the covariate from before the exposure adjusted a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cuped {
    /// The coefficient of the covariate.
    pub theta: f64,
    /// The share of the difference's variance that went, where it can be said.
    pub variance_saved: Option<f64>,
}

impl Versus {
    /// 100 × lift.
    pub fn impact_score(&self) -> Result<f64, Undefined> {
        self.lift.value.map(|lift| 100.0 * lift)
    }
}

/// The KPIs of one metric in one reading, baseline included.
pub(super) fn kpis(question: &Question<'_>, reading: &Reading, metric: usize, maturity: Maturity) -> Vec<Kpi> {
    let kind = &question.definition.metrics[metric].kind;
    let moments: Vec<&Moments> = reading.arms.iter().map(|arm| of_arm(arm, metric, maturity)).collect();
    let baseline = moments[question.baseline];
    let arms = moments.iter().enumerate().map(|(arm, sums)| Kpi {
        persons: sums.n,
        value: value(kind, sums, question.confidence),
        moments: (*sums).clone(),
        factors: factors(kind, sums),
        versus: (arm != question.baseline).then(|| versus(kind, baseline, sums, question)),
    });
    arms.collect()
}

/// The sums of an arm in a reading.
fn of_arm(arm: &ArmReading, metric: usize, maturity: Maturity) -> &Moments {
    match maturity {
        Maturity::Matured => arm.matured[metric].as_ref().unwrap_or(&arm.live[metric]),
        Maturity::Live => &arm.live[metric],
    }
}

/// The estimate of a KPI from its sums.
fn estimate(kind: &MetricKind, sums: &Moments) -> Result<Estimate, Undefined> {
    match kind {
        MetricKind::Ratio { .. } => ratio(sums.n, sums.y, sums.yy, sums.d, sums.dd, sums.yd),
        MetricKind::Clv { lifespan_days, .. } => {
            // Value per person-day, times the days of a lifespan.
            let per_day = ratio(sums.n, sums.y, sums.yy, sums.d, sums.dd, sums.yd)?;
            let days = f64::from(*lifespan_days);
            Estimate::from_parts(per_day.persons(), days * per_day.value(), days * days * per_day.variance())
        }
        _ => mean(sums.n, sums.y, sums.yy),
    }
}

/// The KPI alone: it exists for a single person too, whose uncertainty does not.
pub fn point(kind: &MetricKind, sums: &Moments) -> Result<f64, Undefined> {
    if sums.n <= 0 {
        return Err(Undefined::NoPersons);
    }
    let quotient =
        |below: f64| if below == 0.0 { Err(Undefined::ZeroDenominator) } else { Ok(sums.y.as_f64() / below) };
    match kind {
        MetricKind::Ratio { .. } => quotient(sums.d.as_f64()),
        MetricKind::Clv { lifespan_days, .. } => Ok(quotient(sums.d.as_f64())? * f64::from(*lifespan_days)),
        _ => quotient(sums.n as f64 * UNIT as f64),
    }
}

fn value(kind: &MetricKind, sums: &Moments, confidence: f64) -> Value {
    let estimate = estimate(kind, sums);
    let interval = if kind.is_binary() {
        let whole = |n: i64| u64::try_from(n).map_err(|_| Undefined::ImpossibleSums);
        let successes = i64::try_from(sums.y / ethnum::I256::from(UNIT)).map_err(|_| Undefined::ImpossibleSums);
        successes.and_then(|n| wilson_interval(whole(n)?, whole(sums.n)?, confidence))
    } else {
        estimate.and_then(|estimate| mean_interval(&estimate, confidence))
    };
    Value { value: estimate.map(|estimate| estimate.value()).or_else(|_| point(kind, sums)), interval }
}

fn factors(kind: &MetricKind, sums: &Moments) -> Option<ClvFactors> {
    let MetricKind::Clv { lifespan_days, .. } = kind else {
        return None;
    };
    let unit = UNIT as f64;
    let (orders, days) = (sums.orders as f64, sums.d.as_f64() / unit);
    Some(ClvFactors {
        average_purchase_value: (sums.orders > 0).then(|| sums.y.as_f64() / unit / orders),
        purchase_frequency: (days > 0.0).then(|| orders / days),
        lifespan_days: *lifespan_days,
    })
}

fn versus(kind: &MetricKind, baseline: &Moments, arm: &Moments, question: &Question<'_>) -> Versus {
    let plain =
        estimate(kind, baseline).and_then(|baseline| compare(&baseline, &estimate(kind, arm)?, question.confidence));
    let covariate = question.cuped && !matches!(kind, MetricKind::Ratio { .. } | MetricKind::Clv { .. });
    let adjusted = if covariate { adjusted(baseline, arm, question.confidence) } else { None };
    let cuped = adjusted.as_ref().map(|adjusted| Cuped {
        theta: adjusted.theta,
        variance_saved: plain.as_ref().ok().and_then(|plain| saved(plain, &adjusted.comparison)),
    });
    match adjusted.map_or(plain, |adjusted| Ok(adjusted.comparison)) {
        Ok(comparison) => compared(&comparison, cuped),
        Err(reason) => {
            // Without uncertainty the points still say what happened.
            let difference = point(kind, arm).and_then(|arm| Ok(arm - point(kind, baseline)?));
            let missing = Value { value: Err(reason), interval: Err(reason) };
            Versus {
                difference: Value { value: difference, interval: Err(reason) },
                lift: missing,
                lift_fieller: Err(reason),
                test: Err(reason),
                lift_standard_error: Err(reason),
                p_value: Err(reason),
                p_value_adjusted: Err(reason),
                cuped: None,
                verdict: (Verdict::NoData, None),
            }
        }
    }
}

fn adjusted(baseline: &Moments, arm: &Moments, confidence: f64) -> Option<AdjustedComparison> {
    let (baseline, arm) = (CovariateSums::from(baseline), CovariateSums::from(arm));
    let theta = Theta::within_arms(&[baseline, arm]);
    theta.value()?;
    compare_adjusted(&baseline, &arm, &theta, confidence).ok()
}

fn saved(plain: &Comparison, adjusted: &Comparison) -> Option<f64> {
    let (plain, adjusted) = (plain.test.as_ref().ok()?.standard_error, adjusted.test.as_ref().ok()?.standard_error);
    (plain > 0.0).then(|| 1.0 - (adjusted / plain) * (adjusted / plain))
}

fn compared(comparison: &Comparison, cuped: Option<Cuped>) -> Versus {
    let p_value = comparison.test.as_ref().map(|test| test.p_value).map_err(|reason| *reason);
    let lift = |of: fn(&Lift) -> f64| comparison.lift.as_ref().map(of).map_err(|reason| *reason);
    Versus {
        difference: Value {
            value: Ok(comparison.difference),
            interval: comparison.test.as_ref().map(|test| test.interval).map_err(|reason| *reason),
        },
        lift: Value {
            value: lift(|lift| lift.value),
            interval: comparison.lift.as_ref().map(|lift| lift.interval).map_err(|reason| *reason),
        },
        lift_fieller: comparison.lift_fieller,
        test: comparison.test,
        lift_standard_error: lift(|lift| lift.standard_error),
        p_value,
        p_value_adjusted: p_value,
        cuped,
        verdict: (Verdict::NoData, None),
    }
}

/// Whether the values of any arm are too skewed for normal theory at this number of persons.
pub(super) fn is_too_skewed(question: &Question<'_>, reading: &Reading, metric: usize, maturity: Maturity) -> bool {
    let kind = &question.definition.metrics[metric].kind;
    if matches!(kind, MetricKind::Ratio { .. } | MetricKind::Clv { .. }) {
        return false;
    }
    let sums: Vec<&Moments> = reading.arms.iter().map(|arm| of_arm(arm, metric, maturity)).collect();
    let smallest = sums.iter().map(|sums| sums.n.unsigned_abs()).min().unwrap_or(0);
    smallest > 0
        && sums.iter().any(|sums| {
            skewness(sums.n, sums.y, sums.yy, sums.yyy).is_ok_and(|skew| !normal_theory_holds(skew, smallest))
        })
}
