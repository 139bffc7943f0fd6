//! One metric day by day.

use serde::Serialize;
use utoipa::ToSchema;

use super::metric::ArmResult;
use super::trust::FreshInfo;
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

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
