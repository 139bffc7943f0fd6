//! What all personalisation together brings, and how much of it its experiments show.

use serde::Serialize;
use utoipa::ToSchema;

use super::metric::MetricResult;
use super::roi::Claimed;
use super::trust::{CheckInfo, FreshInfo};
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

/// What all personalisation together brings, and how much of it its experiments show.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Holdout {
    /// The key of the holdout.
    pub(crate) experiment: String,
    /// The key of the arm that is held out.
    pub(crate) control: String,
    /// The keys of the experiments that it is held out from.
    pub(crate) programme: Vec<String>,
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
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// Whether the data can be trusted.
    pub(crate) checks: Vec<CheckInfo>,
    /// Why there are no numbers.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// The metrics.
    pub(crate) metrics: Vec<HoldoutMetric>,
}

/// One metric of a holdout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldoutMetric {
    /// All personalisation together: everyone assigned, exposed to any of it or not, against those held out.
    pub(crate) cumulative: MetricResult,
    /// Its split by experiment, as far as it is identified.
    pub(crate) split: HoldoutSplit,
}

/// The split of a difference to the holdout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldoutSplit {
    /// The treated arm that is split.
    #[schema(required = true)]
    pub(crate) arm: Option<String>,
    /// How far a split is identified at all.
    pub(crate) identified: &'static str,
    /// Why there is no split.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// The confidence of each interval here: all of them hold together at that of the answer.
    #[schema(required = true)]
    pub(crate) confidence_of_each: Option<f64>,
    /// The difference to the holdout per person, at that confidence.
    #[schema(required = true)]
    pub(crate) difference: Option<Claimed>,
    /// What each experiment of the programme accounts for.
    pub(crate) experiments: Vec<HoldoutPart>,
    /// What no experiment accounts for.
    #[schema(required = true)]
    pub(crate) remainder: Option<Claimed>,
}

/// What an experiment of the programme accounts for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldoutPart {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// Persons exposed to its arms other than control.
    pub(crate) persons: i64,
    /// The same as a share of the persons of the treated arm.
    #[schema(required = true)]
    pub(crate) share: Option<f64>,
    /// Its difference to its own control, scaled to a person of the treated arm.
    #[schema(required = true)]
    pub(crate) difference: Option<Claimed>,
    /// Why there is none.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}
