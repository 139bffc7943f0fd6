//! Experiments.

mod request;

use std::collections::BTreeMap;

use journey::{Experiment, Instant, Name, Phase, Tactic};
use serde::Serialize;
use utoipa::ToSchema;

use super::results::lens::{LensInfo, lens_info};
use super::schema::{self, NumberOf};
pub(crate) use request::{ExperimentSchema, read};

/// An experiment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Experiment)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExperimentInfo {
    /// The key within the tenant.
    key: String,
    /// What people know it by.
    #[schema(required = true)]
    name: Option<String>,
    /// The kind of personalisation.
    #[schema(value_type = Option<schema::Tactic>, required = true)]
    tactic: Option<&'static str>,
    /// What is expected, and why.
    #[schema(required = true)]
    hypothesis: Option<String>,
    /// Who answers for it.
    #[schema(required = true)]
    owner: Option<String>,
    /// The key of the arm that is not personalised.
    control: String,
    /// The arms, control included.
    arms: Vec<ArmInfo>,
    /// Exposures before it are outside.
    #[schema(required = true, format = "date-time")]
    starts_at: Option<String>,
    /// Exposures at and after it are outside.
    #[schema(required = true, format = "date-time")]
    ends_at: Option<String>,
    /// How long after the first exposure events count, in days of 24 hours; null: without end.
    #[schema(required = true)]
    window_days: Option<u32>,
    /// What happens to a person who is exposed to a second arm.
    #[schema(value_type = schema::Crossovers)]
    crossovers: &'static str,
    /// How lifts are tested.
    #[schema(value_type = schema::Method)]
    method: &'static str,
    /// The planned number of persons (N*), at which confidence sequences are tightest.
    #[schema(minimum = 1)]
    planned_persons: u32,
    /// The metrics.
    metrics: Vec<MetricUseInfo>,
    /// What results can be broken down by.
    dimensions: Vec<String>,
    /// What of journeys is kept beside the metrics, because it was asked for.
    lenses: Vec<LensInfo>,
    /// For a holdout: the programme that it is held out from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    holdout: Option<HoldoutInfo>,
    /// The times of constant weights, in order; empty where the weights of the arms always held. Arms are compared within phases.
    phases: Vec<PhaseInfo>,
    /// Whether its tallies are frozen.
    archived: bool,
    /// How far the newest version is measured; null: it is measured, and answers come from it.
    #[schema(required = true)]
    measuring: Option<MeasuringInfo>,
}

/// The programme that a holdout is held out from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HoldoutOf)]
#[serde(deny_unknown_fields)]
struct HoldoutInfo {
    /// The keys of its experiments.
    programme: Vec<String>,
}

/// How far a version is measured. Answers come from the version before, where there is one.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Measuring)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeasuringInfo {
    /// Subjects measured.
    #[schema(minimum = 0)]
    pub(crate) done: u64,
    /// Subjects that were exposed when it began.
    #[schema(minimum = 0)]
    pub(crate) of: u64,
}

/// An arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Arm)]
#[serde(deny_unknown_fields)]
struct ArmInfo {
    /// The key that exposures name.
    key: String,
    /// The share of persons, relative to the other arms.
    #[schema(value_type = f64)]
    weight: NumberOf,
    /// The dose of personalisation.
    #[schema(value_type = Option<f64>, required = true)]
    intensity: Option<NumberOf>,
    /// What it costs.
    #[schema(required = true)]
    cost: Option<CostInfo>,
}

/// A time of constant weights; it lasts until the next one begins.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Phase)]
#[serde(deny_unknown_fields)]
struct PhaseInfo {
    /// When it began; null: with the experiment.
    #[schema(required = true, format = "date-time")]
    from: Option<String>,
    /// The share of persons of each arm, relative to the others.
    #[schema(value_type = std::collections::BTreeMap<String, f64>)]
    weights: BTreeMap<String, NumberOf>,
}

/// What an arm costs, in the tenant's currency, as decimal text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cost)]
#[serde(deny_unknown_fields)]
struct CostInfo {
    /// Once.
    #[schema(required = true)]
    fixed: Option<String>,
    /// For each person.
    #[schema(required = true)]
    per_person: Option<String>,
    /// For each exposure.
    #[schema(required = true)]
    per_exposure: Option<String>,
    /// Once, for setting up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    setup: Option<String>,
    /// For each day that the experiment runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    running_per_day: Option<String>,
    /// Hours of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    hours: Option<String>,
    /// What an hour of work costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rate: Option<String>,
}

/// A metric as an experiment uses it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MetricUse)]
#[serde(deny_unknown_fields)]
struct MetricUseInfo {
    /// The metric's key.
    metric: String,
    /// What it is for.
    #[schema(value_type = schema::Role)]
    role: &'static str,
    /// For guardrails: the relative harm that is tolerated.
    #[schema(value_type = Option<f64>, required = true)]
    max_harm: Option<NumberOf>,
    /// Whether its differences are adjusted by the same metric from before the exposure.
    cuped: bool,
}

/// The experiment as it is answered.
pub(crate) fn info(experiment: &Experiment, measuring: Option<MeasuringInfo>) -> ExperimentInfo {
    let text = |name: &Option<Name>| name.as_ref().map(|name| name.as_str().to_owned());
    let time = |at: Option<Instant>| at.map(|at| at.to_string());
    let arms = experiment.arms.iter().map(|arm| {
        let [fixed, setup, running_per_day, hours, rate, per_person, per_exposure] =
            arm.cost.parts().map(|part| part.map(|amount| amount.to_string()));
        ArmInfo {
            key: arm.key.as_str().to_owned(),
            weight: NumberOf(arm.weight),
            intensity: arm.intensity.map(NumberOf),
            cost: (!arm.cost.is_empty()).then_some(CostInfo {
                fixed,
                per_person,
                per_exposure,
                setup,
                running_per_day,
                hours,
                rate,
            }),
        }
    });
    let weights = |phase: &Phase| {
        let of_arms = experiment.arms.iter().zip(&phase.weights);
        of_arms.map(|(arm, weight)| (arm.key.as_str().to_owned(), NumberOf(*weight))).collect()
    };
    let metrics = experiment.metrics.iter().map(|metric| MetricUseInfo {
        metric: metric.metric.as_str().to_owned(),
        role: metric.role.word(),
        max_harm: metric.max_harm.map(NumberOf),
        cuped: metric.cuped,
    });
    ExperimentInfo {
        key: experiment.key.as_str().to_owned(),
        name: text(&experiment.name),
        tactic: experiment.tactic.map(Tactic::word),
        hypothesis: experiment.hypothesis.clone(),
        owner: text(&experiment.owner),
        control: experiment.arms[experiment.control].key.as_str().to_owned(),
        arms: arms.collect(),
        starts_at: time(experiment.starts_at),
        ends_at: time(experiment.ends_at),
        window_days: experiment.window_days,
        crossovers: experiment.crossovers.word(),
        method: experiment.method.word(),
        planned_persons: experiment.planned_persons,
        metrics: metrics.collect(),
        dimensions: experiment.dimensions.iter().map(|path| path.as_str().to_owned()).collect(),
        lenses: experiment.lenses.iter().map(lens_info).collect(),
        holdout: experiment
            .holdout
            .as_ref()
            .map(|keys| HoldoutInfo { programme: keys.iter().map(|key| key.as_str().to_owned()).collect() }),
        phases: experiment
            .phases
            .iter()
            .map(|phase| PhaseInfo { from: time(phase.from), weights: weights(phase) })
            .collect(),
        archived: experiment.archived,
        measuring,
    }
}

#[cfg(test)]
mod tests;
