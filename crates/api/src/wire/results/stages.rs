//! Through which lifecycle stages persons go.

use serde::Serialize;
use utoipa::ToSchema;

use super::lens::{LensInfo, lens_answer};
use super::metric::{IntervalInfo, MetricResult};
use super::trust::{CheckInfo, FreshInfo};
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

lens_answer! {
    /// Through which lifecycle stages persons go, and how long they stay.
    StagesAnswer {
        /// The stages, in order, each with the share of everyone exposed who reached it.
        pub(crate) stages: Vec<StageInfo>,
        /// What describes each arm.
        pub(crate) arms: Vec<ArmStages>,
        /// Persons in each stage at the end of each day since the first exposure, the last 400 days of them.
        pub(crate) days: Vec<StagesOnDay>,
    }
}

/// A stage.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StageReached)]
#[serde(deny_unknown_fields)]
pub(crate) struct StageInfo {
    /// What it is called.
    pub(crate) stage: String,
    /// How it is recognised: events in words, or `stage` for events that name it.
    pub(crate) by: String,
    /// The share of everyone exposed who has been in it since the exposure.
    pub(crate) reached: MetricResult,
}

/// What describes the stages of an arm: who is in a stage is a consequence of the arm, so no difference here is an effect.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmStages {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons.
    pub(crate) persons: i64,
    /// Persons of whom no stage is known since the exposure.
    pub(crate) unknown: i64,
    /// Persons in each stage, in order.
    pub(crate) now: Vec<i64>,
    /// Moves from the stage of the row to the stage of the column.
    pub(crate) moves: Vec<Vec<i64>>,
    /// Of the moves out of the stage of the row, the share to the stage of the column.
    pub(crate) move_shares: Vec<Vec<Option<f64>>>,
    /// How long the stays in each stage took that ended.
    pub(crate) stays: Vec<StayInfo>,
    /// Whether a difference between the arms can be read as the effect of the arm: it can't.
    pub(crate) causal: bool,
    /// Whether the numbers hold however often they are read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) reason: &'static str,
}

/// How long stays in a stage took that ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StageStay)]
#[serde(deny_unknown_fields)]
pub(crate) struct StayInfo {
    /// The stage.
    pub(crate) stage: String,
    /// Stays that ended.
    pub(crate) ended: i64,
    /// Their mean length in seconds; null: none ended.
    #[schema(required = true)]
    pub(crate) mean_seconds: Option<f64>,
    /// Its t interval.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
}

/// Persons in each stage at the end of a day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StagesOnDay {
    /// The day.
    #[schema(format = "date")]
    pub(crate) day: String,
    /// The arms, in the order of the experiment.
    pub(crate) arms: Vec<StagesOfArmOnDay>,
}

/// Persons of an arm in each stage at the end of a day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StagesOfArmOnDay {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons exposed by then.
    pub(crate) persons: i64,
    /// Persons in each stage, in order.
    pub(crate) now: Vec<i64>,
}
