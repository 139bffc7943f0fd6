//! Along which touchpoints persons come to a conversion, or to none.

use serde::Serialize;
use utoipa::ToSchema;

use super::lens::LensInfo;
use super::metric::IntervalInfo;
use super::trust::{CheckInfo, FreshInfo};
use crate::wire::experiment::MeasuringInfo;

/// Along which touchpoints persons come to a conversion, or to none: nodes and weighted edges, as a picture after Sankey
/// wants them. All of it describes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathsAnswer {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The key of the arm that is not personalised.
    pub(crate) control: String,
    /// The key of the arm that the others are compared with.
    pub(crate) baseline: String,
    /// What was asked for.
    pub(crate) lens: LensInfo,
    /// So many days after the exposure count; null: all of them.
    #[schema(required = true)]
    pub(crate) window_days: Option<u32>,
    /// The day, in the tenant's time zone, up to whose end the numbers count.
    #[schema(format = "date")]
    pub(crate) as_of: String,
    /// The confidence of intervals.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) confidence: f64,
    /// Whose paths they are: of persons whose window has closed (`matured`), or of everyone exposed (`live`).
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// Whether a difference between the arms can be read as the effect of the arm: it can't.
    pub(crate) causal: bool,
    /// Whether the numbers hold however often they are read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) reason: &'static str,
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// Whether the data can be trusted.
    pub(crate) checks: Vec<CheckInfo>,
    /// The most frequent paths of each arm.
    pub(crate) arms: Vec<ArmPathsInfo>,
    /// Where paths pass.
    pub(crate) nodes: Vec<NodeInfo>,
    /// From where to where, and how many.
    pub(crate) edges: Vec<EdgeInfo>,
}

/// The paths of an arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArmPaths)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmPathsInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons.
    pub(crate) persons: i64,
    /// The most frequent paths to a conversion.
    pub(crate) converted: PathList,
    /// The most frequent paths that led to none.
    pub(crate) dropped_off: PathList,
}

/// Paths to one end.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathList {
    /// Persons who came to this end.
    pub(crate) persons: i64,
    /// The most frequent paths.
    pub(crate) paths: Vec<PathInfo>,
    /// How many other paths there are.
    pub(crate) other_paths: usize,
    /// Persons who went one of these.
    pub(crate) other_persons: i64,
}

/// A path.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JourneyPath)]
#[serde(deny_unknown_fields)]
pub(crate) struct PathInfo {
    /// The touchpoints in order, repetitions left out; none: nothing happened before the end.
    pub(crate) touches: Vec<String>,
    /// Whether there were more touchpoints than are told.
    pub(crate) more: bool,
    /// Persons who went it.
    pub(crate) persons: i64,
    /// Their share of the arm's persons.
    pub(crate) share: f64,
    /// Its interval, after Wilson.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
}

/// Where paths pass.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PathNode)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeInfo {
    /// Its number, by which edges name it.
    pub(crate) node: usize,
    /// What it is.
    #[schema(pattern = "^(exposure|touch|other_touches|later_touches|converted|dropped_off)$")]
    pub(crate) kind: &'static str,
    /// The place of a touchpoint in the path, from 1.
    #[schema(required = true)]
    pub(crate) place: Option<usize>,
    /// What a touchpoint is called.
    #[schema(required = true)]
    pub(crate) touch: Option<String>,
}

/// From one node to the next.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PathEdge)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdgeInfo {
    /// The number of the node before.
    pub(crate) from: usize,
    /// The number of the node after.
    pub(crate) to: usize,
    /// The arms, in the order of the experiment.
    pub(crate) arms: Vec<EdgeArm>,
}

/// The persons of an arm on an edge.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PathEdgeArm)]
#[serde(deny_unknown_fields)]
pub(crate) struct EdgeArm {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons who went this way: the weight.
    pub(crate) persons: i64,
    /// Persons at the node before.
    pub(crate) at_node: i64,
    /// The share of these who went this way; null: nobody was there.
    #[schema(required = true)]
    pub(crate) share: Option<f64>,
    /// Its interval, after Wilson.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// The share minus the baseline's.
    #[schema(required = true)]
    pub(crate) difference: Option<f64>,
    /// The interval of the difference, after Newcombe.
    #[schema(required = true)]
    pub(crate) difference_interval: Option<IntervalInfo>,
}
