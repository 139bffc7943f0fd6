//! How definitions are written in `jsonb`. Amounts are whole millionths, instants RFC 3339; what is read back goes
//! through the same checks as what comes from outside.

mod lens;
mod metric;

use journey::{
    Amount, Arm, Cost, CrossoverPolicy, DEFAULT_PLANNED_PERSONS, Definition, Experiment, ExperimentDraft, Instant,
    Invalid, Key, Lens, Method, Metric, MetricUse, Name, Path, Phase, Role, Tactic,
};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use lens::LensBody;
pub(crate) use metric::MetricBody;

/// A version: the experiment with its metrics, in the order in which it uses them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DefinitionBody {
    experiment: ExperimentBody,
    metrics: Vec<MetricBody>,
}

/// An experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExperimentBody {
    key: String,
    name: Option<String>,
    tactic: Option<String>,
    hypothesis: Option<String>,
    owner: Option<String>,
    control: String,
    arms: Vec<ArmBody>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    window_days: Option<u32>,
    crossovers: String,
    method: String,
    /// Absent in what was written before experiments had it.
    #[serde(default = "default_planned_persons")]
    planned_persons: u32,
    metrics: Vec<UseBody>,
    dimensions: Vec<String>,
    /// Absent in what was written before experiments had them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lenses: Vec<LensBody>,
    /// Absent in experiments that are no holdout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holdout: Option<Vec<String>>,
    /// Likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    phases: Vec<PhaseBody>,
    archived: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PhaseBody {
    from: Option<String>,
    weights: Vec<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ArmBody {
    key: String,
    weight: i64,
    intensity: Option<i64>,
    cost: CostBody,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CostBody {
    fixed: Option<i64>,
    per_person: Option<i64>,
    per_exposure: Option<i64>,
    /// Absent, like what follows, in what was written before costs had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    setup: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    running_per_day: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hours: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct UseBody {
    metric: String,
    role: String,
    max_harm: Option<i64>,
    /// Absent in what was written before uses had it.
    #[serde(default)]
    cuped: bool,
}

fn default_planned_persons() -> u32 {
    DEFAULT_PLANNED_PERSONS
}

impl From<&Definition> for DefinitionBody {
    fn from(definition: &Definition) -> Self {
        Self {
            experiment: (&definition.experiment).into(),
            metrics: definition.metrics.iter().map(MetricBody::from).collect(),
        }
    }
}

impl TryFrom<DefinitionBody> for Definition {
    type Error = Invalid;

    fn try_from(body: DefinitionBody) -> Result<Self, Invalid> {
        let experiment: Experiment = body.experiment.try_into()?;
        let metrics = body.metrics.into_iter().map(Metric::try_from).collect::<Result<Vec<_>, _>>()?;
        if !experiment.metrics.iter().map(|used| &used.metric).eq(metrics.iter().map(|metric| &metric.key)) {
            return Err(Invalid::new("inconsistent", "/metrics", "are not the metrics that the experiment uses"));
        }
        Ok(Self { experiment, metrics })
    }
}

impl From<&Experiment> for ExperimentBody {
    fn from(experiment: &Experiment) -> Self {
        let text = |name: &Option<Name>| name.as_ref().map(ToString::to_string);
        Self {
            key: experiment.key.to_string(),
            name: text(&experiment.name),
            tactic: experiment.tactic.map(|tactic| tactic.word().to_owned()),
            hypothesis: experiment.hypothesis.clone(),
            owner: text(&experiment.owner),
            control: experiment.arms[experiment.control].key.to_string(),
            arms: experiment.arms.iter().map(ArmBody::from).collect(),
            starts_at: experiment.starts_at.map(|at| at.to_string()),
            ends_at: experiment.ends_at.map(|at| at.to_string()),
            window_days: experiment.window_days,
            crossovers: experiment.crossovers.word().to_owned(),
            method: experiment.method.word().to_owned(),
            planned_persons: experiment.planned_persons,
            metrics: experiment.metrics.iter().map(UseBody::from).collect(),
            dimensions: experiment.dimensions.iter().map(ToString::to_string).collect(),
            lenses: experiment.lenses.iter().map(LensBody::from).collect(),
            holdout: experiment.holdout.as_ref().map(|keys| keys.iter().map(ToString::to_string).collect()),
            phases: experiment.phases.iter().map(PhaseBody::from).collect(),
            archived: experiment.archived,
        }
    }
}

impl TryFrom<ExperimentBody> for Experiment {
    type Error = Invalid;

    fn try_from(body: ExperimentBody) -> Result<Self, Invalid> {
        let instant = |text: Option<String>, at: &str| text.map(|text| Instant::parse(&text, at)).transpose();
        let lenses = body.lenses.into_iter().map(Lens::try_from).collect::<Result<Vec<_>, _>>()?;
        let experiment = Self::validate(ExperimentDraft {
            key: Key::parse(&body.key, "/key")?,
            name: name(body.name, "/name")?,
            tactic: body.tactic.map(|word| Tactic::parse(&word, "/tactic")).transpose()?,
            hypothesis: body.hypothesis,
            owner: name(body.owner, "/owner")?,
            control: Key::parse(&body.control, "/control")?,
            arms: body.arms.into_iter().map(Arm::try_from).collect::<Result<_, _>>()?,
            starts_at: instant(body.starts_at, "/starts_at")?,
            ends_at: instant(body.ends_at, "/ends_at")?,
            window_days: body.window_days,
            crossovers: CrossoverPolicy::parse(&body.crossovers, "/crossovers")?,
            method: Method::parse(&body.method, "/method")?,
            planned_persons: body.planned_persons,
            metrics: body.metrics.into_iter().map(MetricUse::try_from).collect::<Result<_, _>>()?,
            dimensions: body
                .dimensions
                .iter()
                .map(|path| Path::parse_dimension(path, "/dimensions"))
                .collect::<Result<_, _>>()?,
            holdout: body
                .holdout
                .map(|keys| keys.iter().map(|key| Key::parse(key, "/holdout/programme")).collect())
                .transpose()?,
            phases: body.phases.into_iter().map(Phase::try_from).collect::<Result<_, _>>()?,
            archived: body.archived,
        })?;
        Ok(experiment.looking_through(lenses))
    }
}

impl From<&Phase> for PhaseBody {
    fn from(phase: &Phase) -> Self {
        Self {
            from: phase.from.map(|from| from.to_string()),
            weights: phase.weights.iter().map(|weight| weight.units()).collect(),
        }
    }
}

impl TryFrom<PhaseBody> for Phase {
    type Error = Invalid;

    fn try_from(body: PhaseBody) -> Result<Self, Invalid> {
        Ok(Self {
            from: body.from.map(|text| Instant::parse(&text, "/phases/from")).transpose()?,
            weights: body
                .weights
                .into_iter()
                .map(|units| amount(units, "/phases/weights"))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Arm> for ArmBody {
    fn from(arm: &Arm) -> Self {
        let [fixed, setup, running_per_day, hours, rate, per_person, per_exposure] =
            arm.cost.parts().map(|part| part.map(Amount::units));
        Self {
            key: arm.key.to_string(),
            weight: arm.weight.units(),
            intensity: arm.intensity.map(Amount::units),
            cost: CostBody { fixed, per_person, per_exposure, setup, running_per_day, hours, rate },
        }
    }
}

impl TryFrom<ArmBody> for Arm {
    type Error = Invalid;

    fn try_from(body: ArmBody) -> Result<Self, Invalid> {
        let cost = |units, word| optional(units, &format!("/arms/cost/{word}"));
        Ok(Self {
            key: Key::parse(&body.key, "/arms/key")?,
            weight: amount(body.weight, "/arms/weight")?,
            intensity: optional(body.intensity, "/arms/intensity")?,
            cost: Cost {
                fixed: cost(body.cost.fixed, "fixed")?,
                setup: cost(body.cost.setup, "setup")?,
                running_per_day: cost(body.cost.running_per_day, "running_per_day")?,
                hours: cost(body.cost.hours, "hours")?,
                rate: cost(body.cost.rate, "rate")?,
                per_person: cost(body.cost.per_person, "per_person")?,
                per_exposure: cost(body.cost.per_exposure, "per_exposure")?,
            },
        })
    }
}

impl From<&MetricUse> for UseBody {
    fn from(used: &MetricUse) -> Self {
        Self {
            metric: used.metric.to_string(),
            role: used.role.word().to_owned(),
            max_harm: used.max_harm.map(Amount::units),
            cuped: used.cuped,
        }
    }
}

impl TryFrom<UseBody> for MetricUse {
    type Error = Invalid;

    fn try_from(body: UseBody) -> Result<Self, Invalid> {
        Ok(Self {
            metric: Key::parse(&body.metric, "/metrics/metric")?,
            role: Role::parse(&body.role, "/metrics/role")?,
            max_harm: optional(body.max_harm, "/metrics/max_harm")?,
            cuped: body.cuped,
        })
    }
}

/// The definition that a stored body holds.
pub(crate) fn decode_definition(body: serde_json::Value) -> Result<Definition, StoreError> {
    let body: DefinitionBody =
        serde_json::from_value(body).map_err(|error| StoreError::corrupt("definition", error.to_string()))?;
    body.try_into().map_err(|error: Invalid| StoreError::corrupt("definition", error.to_string()))
}

fn name(text: Option<String>, pointer: &str) -> Result<Option<Name>, Invalid> {
    text.map(|text| Name::parse(&text, pointer)).transpose()
}

fn amount(units: i64, pointer: &str) -> Result<Amount, Invalid> {
    Amount::from_units(units)
        .ok_or_else(|| Invalid::new("out_of_range", pointer, format!("{units} millionths are too many")))
}

fn optional(units: Option<i64>, pointer: &str) -> Result<Option<Amount>, Invalid> {
    units.map(|units| amount(units, pointer)).transpose()
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
