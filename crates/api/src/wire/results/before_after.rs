//! How persons act after the exposure, compared with themselves before it.

use serde::Serialize;
use utoipa::ToSchema;

use super::roi::Claimed;
use super::trust::FreshInfo;
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

/// How persons act after the exposure, compared with themselves before it. A description: `causal` is false throughout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeforeAfter {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The metric.
    pub(crate) metric: String,
    /// What it computes.
    #[schema(example = "sum")]
    pub(crate) kind: &'static str,
    /// The direction in which it improves.
    #[schema(value_type = schema::Goal)]
    pub(crate) goal: &'static str,
    /// The day, in the tenant's time zone, up to whose end live readings count.
    #[schema(format = "date")]
    pub(crate) as_of: String,
    /// The day up to whose end closed windows count.
    #[schema(format = "date")]
    pub(crate) matured_through: String,
    /// The confidence of intervals.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) confidence: f64,
    /// The persons: those whose window has closed, or everyone exposed where a ratio has none.
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// The length of the window after the exposure, in days of 24 hours; null: none.
    #[schema(required = true)]
    pub(crate) window_days: Option<u32>,
    /// The length of the time before it.
    pub(crate) before_days: i64,
    /// How both are made comparable: amounts `per_day`, a `ratio`, or a `share` of persons over equal lengths; null where
    /// nothing makes them.
    #[schema(required = true, pattern = "^(per_day|ratio|share)$")]
    pub(crate) scale: Option<&'static str>,
    /// What the scale does, for people.
    #[schema(required = true)]
    pub(crate) scale_note: Option<String>,
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// Whether a change can be read as an effect: it cannot.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// Whether the numbers stay valid however often they are read: they do not.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// Why there are no arms.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// The arms.
    pub(crate) arms: Vec<BeforeAfterArm>,
    /// Where to find what is an effect.
    #[schema(required = true)]
    pub(crate) note: Option<&'static str>,
}

/// The change of an arm's persons.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeforeAfterArm {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons.
    pub(crate) persons: i64,
    /// Before the exposure.
    pub(crate) before: Claimed,
    /// After it.
    pub(crate) after: Claimed,
    /// After less before, each person held against themself.
    pub(crate) difference: Claimed,
    /// The difference relative to before, as a fraction.
    pub(crate) change: Claimed,
    /// Whether it rose or fell, as far as one reading shows; never whether that is better.
    #[schema(pattern = "^(rose|fell|not_shown)$")]
    pub(crate) direction: &'static str,
}
