//! Results: what an experiment amounts to.

pub(crate) mod build;
pub(crate) mod csv;
pub(crate) mod explain;

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::experiment::MeasuringInfo;
use super::schema::{self, NumberOf};
use explain::{ComparisonExplanation, Explanation, KpiExplanation};

/// Why a number is null, by the name of the number: a sentence for the reader of a dashboard.
pub(crate) type Reasons = BTreeMap<&'static str, String>;

/// What an experiment amounts to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Results {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The key of the arm that is not personalised.
    pub(crate) control: String,
    /// The key of the arm that the others are compared with: `control`, unless another was asked for.
    pub(crate) baseline: String,
    /// The day, in the tenant's time zone, up to whose end live readings count.
    #[schema(format = "date")]
    pub(crate) as_of: String,
    /// The day up to whose end closed windows count.
    #[schema(format = "date")]
    pub(crate) matured_through: String,
    /// How lifts are tested.
    #[schema(value_type = schema::Method)]
    pub(crate) method: &'static str,
    /// The confidence of intervals.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) confidence: f64,
    /// How p-values are adjusted for the number of comparisons: `by_role` is Holm over the primary metrics and
    /// Benjamini-Hochberg over the others.
    #[schema(pattern = "^(by_role|holm|bh|none)$")]
    pub(crate) adjust: &'static str,
    /// Whether differences are adjusted by the same metric from before the exposure.
    pub(crate) cuped: bool,
    /// What happens to a person who was exposed to a second arm.
    #[schema(value_type = schema::Crossovers)]
    pub(crate) crossovers: &'static str,
    /// The reading of the main fields.
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet; null: they come from the newest.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// Whether the question differs from what the experiment planned.
    pub(crate) exploratory: bool,
    /// The arms.
    pub(crate) arms: Vec<ArmCounts>,
    /// Whether the data can be trusted.
    pub(crate) checks: Vec<CheckInfo>,
    /// The metrics.
    pub(crate) metrics: Vec<MetricResult>,
    /// The same for each value of the dimension that was asked for with `by`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) breakdown: Option<Breakdown>,
    /// Formulas and sources, with `explain=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) explain: Option<Explanation>,
}

/// How current the numbers are.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Fresh)]
#[serde(deny_unknown_fields)]
pub(crate) struct FreshInfo {
    /// Subjects with events that are stored and not in the numbers yet; 0: everything acknowledged is in them.
    #[schema(minimum = 0)]
    pub(crate) pending_subjects: u64,
    /// When the question was asked.
    #[schema(format = "date-time")]
    pub(crate) through: String,
    /// Persons that cannot be measured, at most 100.
    pub(crate) set_aside: Vec<SetAside>,
}

/// A person that cannot be measured.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetAside {
    /// The person's key.
    pub(crate) person: String,
    /// Why.
    pub(crate) reason: String,
}

/// The persons of an arm.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmCounts {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons exposed; null while the first version is being measured.
    #[schema(required = true)]
    pub(crate) persons: Option<i64>,
    /// Persons whose window has closed; null where the experiment has no window.
    #[schema(required = true)]
    pub(crate) matured: Option<i64>,
    /// The share of persons, relative to the other arms.
    #[schema(value_type = f64)]
    pub(crate) weight: NumberOf,
}

/// One check with its number and a sentence that says what to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TrustCheck)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "no p-value yet (null) is not the same as a check without one (absent)")]
pub(crate) struct CheckInfo {
    /// The name of the check.
    #[schema(example = "sample_ratio")]
    pub(crate) check: &'static str,
    /// Whether it passed.
    pub(crate) ok: bool,
    /// Whether its failure withholds verdicts.
    pub(crate) blocking: bool,
    /// Whether its p-value stays valid however often it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) anytime: Option<bool>,
    /// Its p-value; null where there is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p_value: Option<Option<f64>>,
    /// The p-value of the chi-square test at fixed horizon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p_value_chi_square: Option<Option<f64>>,
    /// Persons concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) persons: Option<i64>,
    /// Persons concerned as a share of all exposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) share: Option<f64>,
    /// Events or ids concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) count: Option<i64>,
    /// What was found, and what to do.
    pub(crate) message: String,
}

/// What one metric amounts to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricResult {
    /// The metric's key.
    pub(crate) metric: String,
    /// What it computes.
    #[schema(example = "conversion")]
    pub(crate) kind: &'static str,
    /// The direction in which it improves.
    #[schema(value_type = schema::Goal)]
    pub(crate) goal: &'static str,
    /// What it is for.
    #[schema(value_type = schema::Role)]
    pub(crate) role: &'static str,
    /// The unit that people see.
    #[schema(required = true)]
    pub(crate) unit: Option<String>,
    /// Its window in days; null: none.
    #[schema(required = true)]
    pub(crate) window_days: Option<u32>,
    /// The reading of the main fields: a metric without a window has the live one only.
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// The arms.
    pub(crate) arms: Vec<ArmResult>,
    /// What to beware of.
    pub(crate) notes: Vec<&'static str>,
}

/// What an arm amounts to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmResult {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons that the number speaks of.
    #[schema(required = true)]
    pub(crate) persons: Option<i64>,
    /// The KPI in its own unit.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// Its interval.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// The exact sums that it comes from.
    #[schema(required = true)]
    pub(crate) tally: Option<TallyInfo>,
    /// The comparison with the baseline; not for the baseline itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) versus_control: Option<VersusInfo>,
    /// Everyone exposed, where the main fields speak of closed windows: it moves while windows close.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) live: Option<LiveResult>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
    /// The steps, with `explain=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) explain: Option<KpiExplanation>,
}

/// What an arm amounts to with everyone exposed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiveResult {
    /// Persons that the number speaks of.
    #[schema(required = true)]
    pub(crate) persons: Option<i64>,
    /// The KPI in its own unit.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// Its interval.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// The exact sums that it comes from.
    #[schema(required = true)]
    pub(crate) tally: Option<TallyInfo>,
    /// The comparison with the baseline; not for the baseline itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) versus_control: Option<VersusInfo>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// A closed interval.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Interval)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntervalInfo {
    /// The lower end.
    pub(crate) low: f64,
    /// The upper end.
    pub(crate) high: f64,
}

/// Exact sums over persons, as decimal text: enough to compute everything again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tally)]
#[serde(deny_unknown_fields)]
pub(crate) struct TallyInfo {
    /// Persons.
    pub(crate) count: i64,
    /// Of their values (for a ratio: of their numerators).
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) sum: String,
    /// Of the squares of their values.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) sum_of_squares: String,
    /// Of their denominators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) denominator_sum: Option<String>,
    /// Of the squares of their denominators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) denominator_sum_of_squares: Option<String>,
    /// Of the products of numerator and denominator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) cross_sum: Option<String>,
}

/// An arm against the baseline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Versus)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersusInfo {
    /// KPI of the arm minus KPI of the baseline.
    pub(crate) difference: Estimated,
    /// The difference relative to the baseline, as a fraction.
    pub(crate) lift: Estimated,
    /// 100 × lift.
    #[schema(required = true)]
    pub(crate) impact_score: Option<f64>,
    /// The two-sided p-value of the difference; never 0.
    #[schema(required = true)]
    pub(crate) p_value: Option<f64>,
    /// The same, adjusted for the number of comparisons.
    #[schema(required = true)]
    pub(crate) p_value_adjusted: Option<f64>,
    /// The probability that the arm is better than the baseline; null with this method.
    #[schema(required = true)]
    pub(crate) chance_to_beat_control: Option<f64>,
    /// What choosing the arm loses on average where it is worse; null with this method.
    #[schema(required = true)]
    pub(crate) expected_loss: Option<f64>,
    /// Whether interval and p-value stay valid however often they are read.
    pub(crate) anytime: bool,
    /// Whether the difference can be read as the effect of the arm.
    pub(crate) causal: bool,
    /// What follows.
    #[schema(pattern = "^(better|worse|inconclusive|no_data)$")]
    pub(crate) verdict: &'static str,
    /// Why there is no verdict.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
    /// The steps, with `explain=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) explain: Option<ComparisonExplanation>,
}

/// A number with the ends of its interval.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Estimated {
    /// The number.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// The lower end.
    #[schema(required = true)]
    pub(crate) low: Option<f64>,
    /// The upper end.
    #[schema(required = true)]
    pub(crate) high: Option<f64>,
}

/// The results by the values of a dimension, known at the first exposure.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Breakdown {
    /// The dimension.
    pub(crate) dimension: String,
    /// Why there are no values.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// The values, largest first; null where there are too many of them.
    #[schema(required = true)]
    pub(crate) values: Option<Vec<ValueResult>>,
}

/// The results of the persons with one value of a dimension.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueResult {
    /// The value; null: unknown.
    #[schema(required = true)]
    pub(crate) value: Option<String>,
    /// Whether these are all the values beyond the largest ones, together.
    pub(crate) is_rest: bool,
    /// Persons exposed.
    pub(crate) persons: i64,
    /// The arms.
    pub(crate) arms: Vec<ArmCounts>,
    /// The metrics.
    pub(crate) metrics: Vec<MetricResult>,
}

/// One metric as of the end of every day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timeline {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The key of the arm that is not personalised.
    pub(crate) control: String,
    /// The key of the arm that the others are compared with.
    pub(crate) baseline: String,
    /// The metric's key.
    pub(crate) metric: String,
    /// How lifts are tested.
    #[schema(value_type = schema::Method)]
    pub(crate) method: &'static str,
    /// The confidence of intervals.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) confidence: f64,
    /// The reading.
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// Whether the question differs from what the experiment planned.
    pub(crate) exploratory: bool,
    /// The days, each with everything up to its end: asking with `as_of` gives the same.
    pub(crate) points: Vec<PointInfo>,
}

/// One metric as of the end of a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Point)]
#[serde(deny_unknown_fields)]
pub(crate) struct PointInfo {
    /// The day, in the tenant's time zone.
    #[schema(format = "date")]
    pub(crate) day: String,
    /// The arms.
    pub(crate) arms: Vec<ArmResult>,
}
