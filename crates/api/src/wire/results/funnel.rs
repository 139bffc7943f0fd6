//! Where on the way arms lose persons.

use serde::Serialize;
use utoipa::ToSchema;

use super::lens::{LensInfo, lens_answer};
use super::metric::{IntervalInfo, MetricResult};
use super::trust::{CheckInfo, FreshInfo};
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

lens_answer! {
    /// Where on the way through ordered steps arms lose persons.
    FunnelAnswer {
        /// The steps, in order.
        pub(crate) steps: Vec<StepInfo>,
        /// For each arm but the baseline the step at which it loses most.
        pub(crate) friction: Vec<FrictionInfo>,
    }
}

/// One step of a funnel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FunnelStep)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepInfo {
    /// Its number, from 1.
    #[schema(minimum = 1)]
    pub(crate) step: usize,
    /// Its events, in words.
    pub(crate) event: String,
    /// The share of everyone exposed who reached it.
    pub(crate) reach: MetricResult,
    /// The share of everyone exposed who reached the step before (the exposure, before the first one) and went no further.
    pub(crate) drop: MetricResult,
    /// How those who had reached the step before went on, a description.
    pub(crate) onward: Vec<OnwardInfo>,
}

/// How the persons of an arm who had reached the step before went on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FunnelOnward)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnwardInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons who reached the step before.
    pub(crate) from: i64,
    /// Persons who reached the step.
    pub(crate) reached: i64,
    /// Their share; null: nobody reached the step before.
    #[schema(required = true)]
    pub(crate) rate: Option<f64>,
    /// Its interval, after Wilson.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// Half of those who reached it took at most so many seconds from the step before, to 1 % above; null: nobody did.
    #[schema(required = true)]
    pub(crate) median_seconds: Option<f64>,
    /// Nine in ten of them took at most so many.
    #[schema(required = true)]
    pub(crate) p90_seconds: Option<f64>,
    /// Whether a difference between the arms can be read as the effect of the arm: it can't.
    pub(crate) causal: bool,
    /// Whether the number holds however often it is read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) reason: &'static str,
}

/// Where an arm loses more persons than the baseline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Friction)]
#[serde(deny_unknown_fields)]
pub(crate) struct FrictionInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// The friction point; null: none was found.
    #[schema(required = true)]
    pub(crate) point: Option<FrictionPoint>,
    /// Likewise the step at which it loses fewest.
    #[schema(required = true)]
    pub(crate) relief: Option<FrictionPoint>,
    /// What was found, in words.
    pub(crate) sentence: String,
    /// Whether it is an effect of the arm.
    pub(crate) causal: bool,
    /// Whether it holds however often it is read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) reason: &'static str,
}

/// A step at which arms differ.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FrictionPoint {
    /// Its number, from 1.
    #[schema(minimum = 1)]
    pub(crate) step: usize,
    /// Its events, in words.
    pub(crate) event: String,
    /// The difference of the share of everyone exposed who is lost there.
    pub(crate) difference: f64,
    /// Its p-value, after Holm over the steps and arms.
    pub(crate) p_value_adjusted: f64,
}
