//! What an experiment costs and returns.

use serde::Serialize;
use utoipa::ToSchema;

use super::metric::{ArmResult, VersusInfo};
use super::trust::{CheckInfo, FreshInfo};
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema::{self, NumberOf};

/// A number with its uncertainty and with what may be said of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claimed {
    /// The number.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// The lower end of its interval; null: open, or unknown.
    #[schema(required = true)]
    pub(crate) low: Option<f64>,
    /// The upper end.
    #[schema(required = true)]
    pub(crate) high: Option<f64>,
    /// How it was found.
    #[schema(example = "confidence_sequence")]
    pub(crate) method: &'static str,
    /// Whether it stays valid however often it is read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// Whether it can be read as the effect of the arm.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// Why the number or an end is null.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// What an experiment costs and returns.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Roi {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The key of the arm that is not personalised.
    pub(crate) control: String,
    /// The key of the arm that the others are compared with.
    pub(crate) baseline: String,
    /// The net metric; null where the experiment has none.
    #[schema(required = true)]
    pub(crate) metric: Option<String>,
    /// The metric of the incremental conversions; null where the experiment has none.
    #[schema(required = true)]
    pub(crate) conversion: Option<String>,
    /// The share of the value that is earned.
    #[schema(value_type = Option<f64>, required = true)]
    pub(crate) margin: Option<NumberOf>,
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
    /// The reading of the main fields.
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// Whole days that the experiment has run, the first and the last included; running costs are paid for each.
    pub(crate) days: u32,
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// Whether the question differs from what the experiment planned.
    pub(crate) exploratory: bool,
    /// Whether the data can be trusted.
    pub(crate) checks: Vec<CheckInfo>,
    /// Why there are no numbers.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// What each arm has cost so far, everyone exposed.
    pub(crate) costs: Vec<CostLines>,
    /// Every arm but the baseline.
    pub(crate) arms: Vec<RoiArm>,
    /// Net value from each dose to the next.
    pub(crate) dose_response: DoseResponse,
    /// Segments in which money is lost, with `by`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) wasted_spend: Option<WastedSpend>,
}

/// What an arm has cost so far, as decimal text in the tenant's currency. A description: what was spent, whatever it brought.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CostLines {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons exposed.
    pub(crate) persons: i64,
    /// Exposures to the arm of its persons, within the windows.
    pub(crate) exposures: String,
    /// Once.
    pub(crate) fixed: String,
    /// Once, for setting up.
    pub(crate) setup: String,
    /// Running costs of the days so far.
    pub(crate) running: String,
    /// Hours of work at their rate.
    pub(crate) labour: String,
    /// The costs for each person.
    pub(crate) per_person: String,
    /// The costs for each exposure.
    pub(crate) per_exposure: String,
    /// Costs that came with events: cost events and cost properties, within the windows.
    pub(crate) events: String,
    /// All of them.
    pub(crate) total: String,
}

/// The money of an arm.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoiArm {
    /// The arm's key.
    pub(crate) arm: String,
    /// What is plain to see: conversions or value rise while money is lost; null where that is not shown.
    #[schema(required = true, example = "Lift up, money lost: ...")]
    pub(crate) alert: Option<String>,
    /// Net value per person, margin × value − cost, with its verdict.
    pub(crate) net: ArmResult,
    /// The main reading.
    pub(crate) main: RoiNumbers,
    /// Everyone exposed, where the main reading is of closed windows: it moves while windows close.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) live: Option<RoiNumbers>,
}

/// What an arm brings and costs beyond the baseline, in one reading.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoiNumbers {
    /// Persons of the arm.
    pub(crate) persons: i64,
    /// Whether net value per person is shown to be above 0 (its interval lies above), below 0, or neither.
    #[schema(pattern = "^(pays|does_not_pay|not_shown)$")]
    pub(crate) pays: &'static str,
    /// Why neither is shown, where something stands in the way.
    #[schema(required = true)]
    pub(crate) pays_reason: Option<&'static str>,
    /// The same of what is left after lump costs.
    #[schema(pattern = "^(pays|does_not_pay|not_shown)$")]
    pub(crate) pays_after_lump_costs: &'static str,
    /// Why neither is shown.
    #[schema(required = true)]
    pub(crate) pays_after_lump_costs_reason: Option<&'static str>,
    /// Conversions more, of all persons of the arm.
    #[schema(required = true)]
    pub(crate) incremental_conversions: Option<Claimed>,
    /// Value more for a person.
    pub(crate) incremental_value_per_person: Claimed,
    /// Value more, of all persons of the arm.
    pub(crate) incremental_value: Claimed,
    /// Costs more for a person, lump costs apart.
    pub(crate) incremental_cost_per_person: Claimed,
    /// Costs more, of all persons of the arm, lump costs apart.
    pub(crate) incremental_cost: Claimed,
    /// Lump costs (fixed, setting up, running, hours of work) beyond the baseline's that fall on these persons: those so far,
    /// spread over everyone exposed.
    pub(crate) lump_costs: f64,
    /// Net value more, of all persons of the arm, before lump costs.
    pub(crate) net_value: Claimed,
    /// Net value more after lump costs.
    pub(crate) net_value_after_lump_costs: Claimed,
    /// Return on what the arm costs more, lump costs among it: 0.5 brings back 1.50 for each 1 spent. Fieller's set; null where
    /// the arm is not shown to cost more.
    pub(crate) roi: Claimed,
    /// Cost of a conversion more; null where the arm is not shown to convert more.
    #[schema(required = true)]
    pub(crate) cost_per_incremental_conversion: Option<Claimed>,
    /// When lump costs that come once are earned.
    pub(crate) payback: Payback,
    /// How many persons can be held out.
    pub(crate) break_even_holdout: BreakEvenHoldout,
}

/// When the lump costs that come once (fixed, setting up, hours of work) are earned.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payback {
    /// After so many persons: lump costs once / net value per person.
    pub(crate) persons: Claimed,
    /// After so many days at the present pace: lump costs once / (persons of the arm per day × net value per person − running
    /// costs per day).
    pub(crate) days: Claimed,
}

/// How many persons can be held out while lump costs are still earned: `N − F / net value per person`, with the N persons of
/// arm and baseline exposed so far and all lump costs F so far.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BreakEvenHoldout {
    /// Persons, at most.
    pub(crate) persons: Claimed,
    /// The same as a share of the persons of arm and baseline.
    pub(crate) share: Claimed,
    /// What holding the baseline's persons out has cost so far: their number × net value per person.
    pub(crate) foregone: Claimed,
}

/// The response to more of the personalisation: each dose (`intensity`) against the next lower one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DoseResponse {
    /// The steps, p-values after Holm's correction over them.
    pub(crate) steps: Vec<DoseStepInfo>,
    /// Arms without an intensity, which take no part.
    pub(crate) left_out: Vec<String>,
    /// Why there are no steps.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// From one dose to the next.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DoseStepInfo {
    /// The lower dose.
    pub(crate) from: DoseInfo,
    /// The higher dose.
    pub(crate) to: DoseInfo,
    /// Net value per person at the higher dose against the lower one.
    pub(crate) versus_lower: VersusInfo,
    /// Whether the step pays: `does_not_pay` only where the upper bound is below 0, else `not_shown`.
    #[schema(pattern = "^(pays|does_not_pay|not_shown)$")]
    pub(crate) pays: &'static str,
    /// Why neither is shown.
    #[schema(required = true)]
    pub(crate) pays_reason: Option<&'static str>,
}

/// A dose.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DoseInfo {
    /// The intensity.
    #[schema(value_type = f64)]
    pub(crate) intensity: NumberOf,
    /// The arms that have it, taken together.
    pub(crate) arms: Vec<String>,
}

/// Segments in which money is lost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WastedSpend {
    /// The dimension.
    pub(crate) dimension: String,
    /// The segments whose net value is below the baseline's after Holm's correction over values and arms, the largest losses
    /// first. Others are not shown to lose.
    pub(crate) segments: Vec<WastedSegment>,
    /// Segments looked at.
    pub(crate) looked_at: usize,
    /// Why there are none.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// A segment in which an arm loses money.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WastedSegment {
    /// The value; null: unknown.
    #[schema(required = true)]
    pub(crate) value: Option<String>,
    /// Whether these are all the values beyond the largest ones, together.
    pub(crate) is_rest: bool,
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons of the arm.
    pub(crate) persons: i64,
    /// What the arm has cost there, lump costs apart.
    pub(crate) spent: f64,
    /// Net value more of these persons, in the interval that goes with the adjusted p-value.
    pub(crate) net_value: Claimed,
    /// The p-value after Holm's correction.
    pub(crate) p_value_adjusted: f64,
}
