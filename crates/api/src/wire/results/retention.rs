//! Who stays, who comes back, and when.

use serde::Serialize;
use utoipa::ToSchema;

use super::metric::{Estimated, IntervalInfo, Reasons};
use super::trust::FreshInfo;
use crate::wire::experiment::MeasuringInfo;

/// Who stays, who comes back, and when: curves per arm. Everything here holds for one reading.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The key of the arm that is not personalised.
    pub(crate) control: String,
    /// The last day, in the tenant's time zone, that is known: without `as_of` the last whole one.
    #[schema(format = "date")]
    pub(crate) as_of: String,
    /// The confidence of intervals.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) confidence: f64,
    /// After so many whole days without activity a person has left.
    pub(crate) inactive_days: u32,
    /// Whether the numbers stay valid however often they are read: they do not.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// The metrics that keep their curve, and every retention.
    pub(crate) metrics: Vec<MetricCurves>,
    /// Why there are none.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// The curves of one metric.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricCurves {
    /// The metric's key.
    pub(crate) metric: String,
    /// What it computes.
    pub(crate) kind: &'static str,
    /// The name of the events.
    pub(crate) event: String,
    /// So many days a person is watched, that of the exposure among them; null: for ever.
    #[schema(required = true)]
    pub(crate) days: Option<u32>,
    /// The curves; the last entry of a purchase metric is of those who have bought.
    pub(crate) curves: Vec<CurveInfo>,
    /// Who was active on each day after the exposure, for a retention that keeps its curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) active_days: Option<Vec<ArmDays>>,
    /// Which share of those who had the event have had it again, for a count and a CLV.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) repeat_purchases: Option<RepeatInfo>,
    /// Who came back in the span of the metric, for a retention: persons whose window has closed, or, where it never does,
    /// whose span has begun by the end of the last whole day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) returned: Option<Vec<ShareInfo>>,
    /// Why there is no curve.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// One curve for each arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Curve)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurveInfo {
    /// What ends a duration: the `first` or the `second` event after the exposure, the second after the first (`repeat`), or
    /// the last activity (`leaving`).
    #[schema(pattern = "^(first|second|repeat|leaving)$")]
    pub(crate) ends: &'static str,
    /// What the curve shows.
    pub(crate) meaning: &'static str,
    /// How it is estimated.
    #[schema(example = "kaplan_meier")]
    pub(crate) method: &'static str,
    /// Whether a difference between the arms can be read as the effect of the arm.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// The test that all arms are alike.
    #[schema(required = true)]
    pub(crate) log_rank: Option<LogRankInfo>,
    /// The arms.
    pub(crate) arms: Vec<ArmCurveInfo>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// The log-rank test that all arms are alike. It holds for one reading.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogRank)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogRankInfo {
    /// The statistic.
    pub(crate) chi_square: f64,
    /// Its degrees of freedom.
    pub(crate) degrees_of_freedom: u32,
    /// The probability of a statistic at least as large if all arms are alike.
    pub(crate) p_value: f64,
    /// Whether the p-value stays valid however often it is read: it does not.
    pub(crate) anytime: bool,
    /// Events of each arm against what it would have if all were alike.
    pub(crate) arms: Vec<ArmEventsInfo>,
}

/// Events of an arm against what it would have if all arms were alike.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArmEvents)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmEventsInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Events.
    pub(crate) observed: u64,
    /// Events expected.
    pub(crate) expected: f64,
}

/// The curve of an arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArmCurve)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmCurveInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons that the curve speaks of.
    pub(crate) persons: u64,
    /// Durations that ended with the event.
    pub(crate) events: u64,
    /// The first day on which the curve is at or below one half; null: it never is.
    #[schema(required = true)]
    pub(crate) median_days: Option<u32>,
    /// Events per person and day under observation: for `leaving` the churn rate.
    pub(crate) rate_per_day: Estimated,
    /// The curve after each day on which a duration ended; it begins at 1.
    pub(crate) points: Vec<CurvePoint>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// The curve after a day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurvePoint {
    /// Whole days.
    pub(crate) day: u32,
    /// Persons whose duration is at least this long.
    pub(crate) at_risk: u64,
    /// Durations that ended with the event on it.
    pub(crate) events: u64,
    /// Durations that ended because watching did.
    pub(crate) censored: u64,
    /// The share of persons without the event after it.
    pub(crate) survival: f64,
    /// The interval of the share; null before the first event and where nobody is left.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
}

/// Who of an arm was active on each day after the exposure.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmDays {
    /// The arm's key.
    pub(crate) arm: String,
    /// The days.
    pub(crate) days: Vec<ActiveDayInfo>,
}

/// Who was active on a day after the exposure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActiveDay)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActiveDayInfo {
    /// Days after that of the exposure.
    pub(crate) day: u32,
    /// Persons who were watched on the whole of it.
    pub(crate) persons: i64,
    /// Those of them who were active on it.
    pub(crate) active: i64,
    /// Their share.
    #[schema(required = true)]
    pub(crate) share: Option<f64>,
    /// Its interval, after Wilson.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
}

/// Which share of those who had the event have had it again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RepeatPurchases)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepeatInfo {
    /// Whether a difference between the arms can be read as the effect of the arm: it cannot.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// The arms.
    pub(crate) arms: Vec<ShareInfo>,
}

/// A share of the persons of an arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArmShare)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShareInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons that the share is of.
    pub(crate) persons: i64,
    /// Those of them who did it.
    pub(crate) counted: i64,
    /// Their share.
    #[schema(required = true)]
    pub(crate) share: Option<f64>,
    /// Its interval, after Wilson.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
}
