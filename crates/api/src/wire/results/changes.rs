//! Why numbers changed since some moment.

use metrics::inference::Undefined;
use metrics::report::{ArmReport, Changes};
use serde::Serialize;
use utoipa::ToSchema;

use super::metric::{Estimated, IntervalInfo};
use super::trust::FreshInfo;
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

/// Why one metric changed since some moment: what was told then, what is told now, and what moved it, step by step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Changes)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangesAnswer {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The key of the arm that is not personalised.
    pub(crate) control: String,
    /// The key of the arm that the others are compared with.
    pub(crate) baseline: String,
    /// The metric's key.
    pub(crate) metric: String,
    /// What it computes.
    pub(crate) kind: &'static str,
    /// How lifts are tested.
    #[schema(value_type = schema::Method)]
    pub(crate) method: &'static str,
    /// The reading.
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// The moment from which changes are told: what was measured by then. It differs from the one asked for where the journal
    /// goes back no further, or where only whole hours are told apart.
    #[schema(required = true, format = "date-time")]
    pub(crate) since: Option<String>,
    /// Whether definitions were edited after the moment that was asked for: what changed by that is not told apart from a new
    /// beginning, and `since` is when answers began to come from the present version.
    pub(crate) edited: bool,
    /// Why `since` is not the moment that was asked for, or why nothing is told.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// The order in which what moved a number is applied. A lift is no sum: another order would share it out differently.
    pub(crate) order: Vec<&'static str>,
    /// The arms.
    pub(crate) arms: Vec<ArmChanges>,
    /// Whether the moves are effects: they are not.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// Why moves have no intervals.
    pub(crate) uncertainty_reason: &'static str,
}

/// How an arm changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmChanges {
    /// The arm's key.
    pub(crate) arm: String,
    /// As it stood then.
    pub(crate) then: ArmState,
    /// As it stands now.
    pub(crate) now: ArmState,
    /// What moved it, in the order in which it is applied. The moves add up to the difference of now and then.
    pub(crate) moves: Vec<ArmMove>,
}

/// An arm at some moment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmState {
    /// Persons that the number speaks of.
    pub(crate) persons: i64,
    /// The KPI.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// Its interval.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// The lift over the baseline; null for the baseline itself.
    #[schema(required = true)]
    pub(crate) lift: Option<Estimated>,
    /// Why a number is missing.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// One step of a change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmMove {
    /// What moved it: `matured_windows` (windows closed, or what was dated ahead has come), `new_persons` (first exposed),
    /// `events` (of today or yesterday), `late_events` (of days before, or earlier exposures), `merges` (persons turned out to be
    /// one), `erasures`.
    #[schema(pattern = "^(matured_windows|new_persons|events|late_events|merges|erasures)$")]
    pub(crate) cause: &'static str,
    /// Persons more or fewer.
    pub(crate) persons: i64,
    /// By how much the KPI moved; null where it did not exist before or after.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// By how much the lift moved; null likewise, and for the baseline.
    #[schema(required = true)]
    pub(crate) lift: Option<f64>,
}

/// Moves compare one arm with itself.
pub(crate) const COUNTED: &str = "what is compared is what was known at two moments, not groups";
/// Moves are no estimates.
pub(crate) const EXACT: &str =
    "moves are counted from the journal of tallies, not estimated; how sure then and now are stands in their intervals";

/// The arms.
pub(crate) fn arms(changes: &Changes, name: impl Fn(usize) -> String) -> Vec<ArmChanges> {
    let told = (0..changes.then.len()).map(|at| {
        let then = &changes.then[at];
        let mut before = then;
        let moves = changes.steps.iter().map(|(moved, arms)| {
            let after = &arms[at];
            let told = step(moved.word(), before, after);
            before = after;
            told
        });
        let moves = moves.collect();
        ArmChanges { arm: name(then.arm), then: state(then), now: state(before), moves }
    });
    told.collect()
}

fn step(cause: &'static str, before: &ArmReport, after: &ArmReport) -> ArmMove {
    let value = |arm: &ArmReport| arm.main.value.value.ok();
    let lift = |arm: &ArmReport| arm.main.versus.as_ref().and_then(|versus| versus.lift.value.ok());
    let moved = |of: &dyn Fn(&ArmReport) -> Option<f64>| Some(of(after)? - of(before)?);
    ArmMove { cause, persons: after.main.persons - before.main.persons, value: moved(&value), lift: moved(&lift) }
}

fn state(arm: &ArmReport) -> ArmState {
    let value = &arm.main.value;
    let versus = arm.main.versus.as_ref();
    let missing: Option<Undefined> = value.value.err().or(value.interval.err());
    ArmState {
        persons: arm.main.persons,
        value: value.value.ok(),
        interval: value.interval.ok().map(IntervalInfo::from),
        lift: versus.map(|versus| Estimated {
            value: versus.lift.value.ok(),
            low: versus.lift_bounds.low.ok(),
            high: versus.lift_bounds.high.ok(),
        }),
        reason: missing.or(versus.and_then(|versus| versus.lift.value.err())).map(|reason| reason.to_string()),
    }
}
