//! One metric by the values of a dimension: for whom it works.

use serde::Serialize;
use utoipa::ToSchema;

use super::explain::Explanation;
use super::metric::{ArmResult, Estimated};
use super::trust::{CheckInfo, FreshInfo};
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

/// One metric by the values of a dimension, known at the first exposure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Segments)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentsAnswer {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The key of the arm that is not personalised.
    pub(crate) control: String,
    /// The key of the arm that the others are compared with.
    pub(crate) baseline: String,
    /// The dimension.
    pub(crate) dimension: String,
    /// The metric's key.
    pub(crate) metric: String,
    /// What it computes.
    pub(crate) kind: &'static str,
    /// The direction in which it improves.
    #[schema(value_type = schema::Goal)]
    pub(crate) goal: &'static str,
    /// What it is for.
    #[schema(value_type = schema::Role)]
    pub(crate) role: &'static str,
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
    /// What happens to a person who was exposed to a second arm.
    #[schema(value_type = schema::Crossovers)]
    pub(crate) crossovers: &'static str,
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
    /// Whether the data can be trusted; the sample ratio of the dimension among them.
    pub(crate) checks: Vec<CheckInfo>,
    /// Why there are no values.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// The values, largest first; null where there are too many of them.
    #[schema(required = true)]
    pub(crate) values: Option<Vec<SegmentResult>>,
    /// The values beside each other, for every arm but the baseline.
    pub(crate) comparisons: Vec<SegmentsComparison>,
    /// Formulas and sources, with `explain=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) explain: Option<Explanation>,
}

/// The persons with one value of the dimension.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentResult {
    /// The value; null: unknown.
    #[schema(required = true)]
    pub(crate) value: Option<String>,
    /// Whether these are all the values beyond the largest ones, together.
    pub(crate) is_rest: bool,
    /// Persons exposed.
    pub(crate) persons: i64,
    /// The share of all persons exposed.
    pub(crate) share: f64,
    /// The arms; p-values are adjusted over all values and arms.
    pub(crate) arms: Vec<ArmResult>,
    /// What to beware of.
    pub(crate) notes: Vec<&'static str>,
}

/// The values of the dimension beside each other, in one arm.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentsComparison {
    /// The arm's key.
    pub(crate) arm: String,
    /// Whether the values respond differently.
    pub(crate) heterogeneity: Heterogeneity,
    /// The lift that the values have in common, of one reading.
    pub(crate) common_lift: OneReading,
    /// The values, in the order of `values`.
    pub(crate) values: Vec<SegmentShift>,
    /// Who responded best, where a value may be named: it beats the rest after Holm's correction.
    #[schema(required = true)]
    pub(crate) best: Option<BestSegment>,
    /// Why nobody is named.
    #[schema(required = true)]
    pub(crate) best_reason: Option<String>,
    /// The effect over all values, like compared with like; null where there is none.
    #[schema(required = true)]
    pub(crate) post_stratified: Option<PostStratifiedInfo>,
    /// Why there is none.
    #[schema(required = true)]
    pub(crate) post_stratified_reason: Option<String>,
}

/// A lift that follows from those of all values, with the interval of one reading, whatever the method.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneReading {
    /// The lift.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// The lower end of its interval.
    #[schema(required = true)]
    pub(crate) low: Option<f64>,
    /// The upper end of its interval.
    #[schema(required = true)]
    pub(crate) high: Option<f64>,
    /// Whether the interval stays valid however often it is read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// Whether it is one of effects.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
}

impl OneReading {
    /// The lift with its interval.
    pub(crate) fn estimated(self) -> Estimated {
        Estimated { value: self.value, low: self.low, high: self.high }
    }
}

/// Whether the values of a dimension respond differently.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Heterogeneity {
    /// What tests it: `value_against_rest`, the smallest p-value of each value against the rest by the confidence sequence, after
    /// Holm; `cochran_q`, Cochran's test.
    #[schema(pattern = "^(value_against_rest|cochran_q)$")]
    pub(crate) test: &'static str,
    /// Its p-value.
    #[schema(required = true)]
    pub(crate) p_value: Option<f64>,
    /// Whether that stays valid however often it is read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// Whether a difference between values is one of effects.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// Cochran's statistic.
    #[schema(required = true)]
    pub(crate) q: Option<f64>,
    /// Its degrees of freedom.
    #[schema(required = true)]
    pub(crate) degrees_of_freedom: Option<u32>,
    /// The p-value of Cochran's test, of one reading.
    #[schema(required = true)]
    pub(crate) p_value_one_reading: Option<f64>,
    /// The share of the spread of lifts beyond chance.
    #[schema(required = true)]
    pub(crate) i_squared: Option<f64>,
    /// The standard deviation of the true lifts between values.
    #[schema(required = true)]
    pub(crate) between: Option<f64>,
    /// Why there is no test.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// A value beside the others.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentShift {
    /// The value; null: unknown.
    #[schema(required = true)]
    pub(crate) value: Option<String>,
    /// Whether these are all the values beyond the largest ones, together.
    pub(crate) is_rest: bool,
    /// The lift to expect in future, pulled towards the common one by as much as the measured one is noise (empirical Bayes); of
    /// one reading.
    pub(crate) shrunken_lift: OneReading,
    /// The share of the measured distance from the common lift that was kept.
    #[schema(required = true)]
    pub(crate) kept: Option<f64>,
    /// The lift less the common lift of all other values.
    pub(crate) versus_rest: Estimated,
    /// The p-value of that difference.
    #[schema(required = true)]
    pub(crate) p_value: Option<f64>,
    /// The same after Holm's correction over the values.
    #[schema(required = true)]
    pub(crate) p_value_adjusted: Option<f64>,
    /// Why the value takes no part.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// Who responded best.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BestSegment {
    /// The value; null: unknown.
    #[schema(required = true)]
    pub(crate) value: Option<String>,
    /// The lift to expect of it in future.
    pub(crate) shrunken_lift: OneReading,
    /// The p-value against the rest, after Holm's correction.
    #[schema(required = true)]
    pub(crate) p_value_adjusted: Option<f64>,
    /// The same for people.
    pub(crate) sentence: String,
}

/// The effect over all values of a dimension, compared within values. It decides nothing: the results' own comparison is the
/// one that was planned.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PostStratified)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostStratifiedInfo {
    /// Strata after merging.
    pub(crate) strata: usize,
    /// Values that were too small to stand alone and were merged into the largest.
    pub(crate) merged: usize,
    /// The KPI of the baseline, weighted like the persons of both arms.
    pub(crate) baseline_value: f64,
    /// The difference.
    pub(crate) difference: Estimated,
    /// The lift.
    pub(crate) lift: Estimated,
    /// The two-sided p-value of the difference.
    #[schema(required = true)]
    pub(crate) p_value: Option<f64>,
    /// What judged it.
    #[schema(pattern = "^(confidence_sequence|fixed_horizon)$")]
    pub(crate) inference: &'static str,
    /// Whether interval and p-value stay valid however often they are read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// Whether the difference is an effect.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// The share of the difference's variance that comparing within values saves.
    #[schema(required = true)]
    pub(crate) variance_saved: Option<f64>,
}
