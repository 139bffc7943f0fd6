//! Results: what an experiment amounts to.

pub(crate) mod attribution;
pub(crate) mod before_after;
pub(crate) mod build;
pub(crate) mod changes;
pub(crate) mod channels;
pub(crate) mod clv;
pub(crate) mod csv;
pub(crate) mod explain;
pub(crate) mod funnel;
pub(crate) mod holdout;
pub(crate) mod items;
pub(crate) mod lens;
mod metric;
pub(crate) mod paths;
pub(crate) mod retention;
pub(crate) mod roi;
mod segments;
pub(crate) mod stages;
pub(crate) mod tell_items;
pub(crate) mod tell_roi;
pub(crate) mod tell_segments;
mod timeline;
mod trust;
pub(crate) mod uplift;

use serde::Serialize;
use utoipa::ToSchema;

use super::experiment::MeasuringInfo;
use super::schema::{self, NumberOf};
use explain::Explanation;
pub(crate) use metric::{
    AdjustedInfo, ArmResult, CutInfo, EndsInfo, Estimated, GuardrailInfo, IntervalInfo, LiveResult, MetricResult,
    Reasons, ResponseInfo, ResponseTestInfo, TallyInfo, VersusInfo,
};
pub(crate) use segments::SegmentsAnswer;
pub(crate) use timeline::{PointInfo, Timeline};
pub(crate) use trust::{CheckInfo, FreshInfo, SetAside};

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
    #[schema(pattern = "^(by_role|holm|bh|ebh|none)$")]
    pub(crate) adjust: &'static str,
    /// Whether differences of any of these metrics are adjusted by the same metric from before the exposure; each metric says
    /// whether its own are.
    pub(crate) cuped: bool,
    /// The planned number of persons (N*), at which confidence sequences are tightest.
    #[schema(minimum = 1)]
    pub(crate) planned_persons: u32,
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
    /// Where the weights of the arms changed: the phases of constant weights (or the probabilities) within which arms are compared,
    /// each weighted by its persons. Absent where they did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) phases: Option<Vec<PhaseCounts>>,
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

/// The persons among whom the weights were the same.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhaseCounts {
    /// The dimension that tells them: `exposure.phase` or `exposure.probability`.
    pub(crate) dimension: String,
    /// Its value; null: unknown.
    #[schema(required = true)]
    pub(crate) value: Option<String>,
    /// The arms.
    pub(crate) arms: Vec<PhaseArm>,
}

/// An arm within a phase.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PhaseArm {
    /// The arm's key.
    pub(crate) arm: String,
    /// The share of persons, relative to the other arms.
    pub(crate) weight: f64,
    /// Persons exposed.
    pub(crate) persons: i64,
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
