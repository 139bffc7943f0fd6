//! How definitions are written in `jsonb`. Amounts are whole millionths, instants RFC 3339; what is read back goes
//! through the same checks as what comes from outside.

use journey::{
    Align, Amount, Arm, CrossoverPolicy, DEFAULT_PLANNED_PERSONS, Definition, Experiment, ExperimentDraft, Filter,
    Goal, Instant, Invalid, Keeps, Key, Measure, Method, Metric, MetricDraft, MetricKind, MetricUse, Name, Of, Part,
    Path, Pattern, PercentileCap, Role, Selector, Share, Tactic,
};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

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
    archived: bool,
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

/// A metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetricBody {
    key: String,
    kind: KindBody,
    window_days: Option<u32>,
    cap: Option<i64>,
    goal: String,
    unit: Option<String>,
    description: Option<String>,
    /// Absent in documents of metrics that keep nothing beside their sums, as all did at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keeps: Option<KeepsBody>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeepsBody {
    percentile_cap: Option<PercentileCapBody>,
    curve: bool,
    customers: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PercentileCapBody {
    share: u32,
    ignore_zeros: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum KindBody {
    Conversion {
        selector: SelectorBody,
    },
    Count {
        selector: SelectorBody,
    },
    Sum {
        selector: SelectorBody,
    },
    Ratio {
        numerator: MeasureBody,
        denominator: MeasureBody,
    },
    Retention {
        selector: SelectorBody,
        from_day: u32,
        to_day: Option<u32>,
        /// Absent: days of 24 hours that begin with the exposure, the only ones at first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        align: Option<String>,
    },
    Score {
        parts: Vec<PartBody>,
    },
    Clv {
        selector: SelectorBody,
        lifespan_days: u32,
    },
    Quantile {
        measure: MeasureBody,
        share: u32,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SelectorBody {
    event: String,
    filters: Vec<FilterBody>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FilterBody {
    path: String,
    values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MeasureBody {
    selector: SelectorBody,
    of: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PartBody {
    selector: SelectorBody,
    weight: i64,
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
            archived: experiment.archived,
        }
    }
}

impl TryFrom<ExperimentBody> for Experiment {
    type Error = Invalid;

    fn try_from(body: ExperimentBody) -> Result<Self, Invalid> {
        let instant = |text: Option<String>, at: &str| text.map(|text| Instant::parse(&text, at)).transpose();
        Self::validate(ExperimentDraft {
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
                .map(|path| Path::parse(path, "/dimensions"))
                .collect::<Result<_, _>>()?,
            archived: body.archived,
        })
    }
}

impl From<&Arm> for ArmBody {
    fn from(arm: &Arm) -> Self {
        let [fixed, per_person, per_exposure] = arm.cost.map(|cost| cost.map(Amount::units));
        Self {
            key: arm.key.to_string(),
            weight: arm.weight.units(),
            intensity: arm.intensity.map(Amount::units),
            cost: CostBody { fixed, per_person, per_exposure },
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
            cost: [
                cost(body.cost.fixed, "fixed")?,
                cost(body.cost.per_person, "per_person")?,
                cost(body.cost.per_exposure, "per_exposure")?,
            ],
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

impl From<&Metric> for MetricBody {
    fn from(metric: &Metric) -> Self {
        Self {
            key: metric.key.to_string(),
            kind: (&metric.kind).into(),
            window_days: metric.window_days,
            cap: metric.cap.map(Amount::units),
            goal: metric.goal.word().to_owned(),
            unit: metric.unit.as_ref().map(ToString::to_string),
            description: metric.description.clone(),
            keeps: (metric.keeps != Keeps::default()).then(|| metric.keeps.into()),
        }
    }
}

impl From<Keeps> for KeepsBody {
    fn from(Keeps { percentile_cap, curve, customers }: Keeps) -> Self {
        let cap = |PercentileCap { share, ignore_zeros }| PercentileCapBody { share: share.millionths(), ignore_zeros };
        Self { percentile_cap: percentile_cap.map(cap), curve, customers }
    }
}

impl TryFrom<KeepsBody> for Keeps {
    type Error = Invalid;

    fn try_from(KeepsBody { percentile_cap, curve, customers }: KeepsBody) -> Result<Self, Invalid> {
        let cap = |PercentileCapBody { share: millionths, ignore_zeros }| {
            Ok::<_, Invalid>(PercentileCap { share: share(millionths, "/cap/percentile")?, ignore_zeros })
        };
        Ok(Self { percentile_cap: percentile_cap.map(cap).transpose()?, curve, customers })
    }
}

impl TryFrom<MetricBody> for Metric {
    type Error = Invalid;

    fn try_from(body: MetricBody) -> Result<Self, Invalid> {
        Self::validate(MetricDraft {
            key: Key::parse(&body.key, "/key")?,
            kind: body.kind.try_into()?,
            window_days: body.window_days,
            cap: optional(body.cap, "/cap")?,
            goal: Goal::parse(&body.goal, "/goal")?,
            unit: name(body.unit, "/unit")?,
            description: body.description,
        })?
        .keeping(body.keeps.map_or(Ok(Keeps::default()), Keeps::try_from)?)
    }
}

impl From<&MetricKind> for KindBody {
    fn from(kind: &MetricKind) -> Self {
        match kind {
            MetricKind::Conversion(selector) => Self::Conversion { selector: selector.into() },
            MetricKind::Count(selector) => Self::Count { selector: selector.into() },
            MetricKind::Sum(selector) => Self::Sum { selector: selector.into() },
            MetricKind::Ratio { numerator, denominator } => {
                Self::Ratio { numerator: numerator.into(), denominator: denominator.into() }
            }
            MetricKind::Retention { selector, from_day, to_day, align } => Self::Retention {
                selector: selector.into(),
                from_day: *from_day,
                to_day: *to_day,
                align: (*align != Align::Exposure).then(|| align.word().to_owned()),
            },
            MetricKind::Score(parts) => Self::Score { parts: parts.iter().map(PartBody::from).collect() },
            MetricKind::Clv { selector, lifespan_days } => {
                Self::Clv { selector: selector.into(), lifespan_days: *lifespan_days }
            }
            MetricKind::Quantile { measure, share } => {
                Self::Quantile { measure: measure.into(), share: share.millionths() }
            }
        }
    }
}

impl TryFrom<KindBody> for MetricKind {
    type Error = Invalid;

    fn try_from(body: KindBody) -> Result<Self, Invalid> {
        Ok(match body {
            KindBody::Conversion { selector } => Self::Conversion(selector.try_into()?),
            KindBody::Count { selector } => Self::Count(selector.try_into()?),
            KindBody::Sum { selector } => Self::Sum(selector.try_into()?),
            KindBody::Ratio { numerator, denominator } => {
                Self::Ratio { numerator: numerator.try_into()?, denominator: denominator.try_into()? }
            }
            KindBody::Retention { selector, from_day, to_day, align } => Self::Retention {
                selector: selector.try_into()?,
                from_day,
                to_day,
                align: align.map_or(Ok(Align::Exposure), |word| Align::parse(&word, "/align"))?,
            },
            KindBody::Score { parts } => Self::Score(parts.into_iter().map(Part::try_from).collect::<Result<_, _>>()?),
            KindBody::Clv { selector, lifespan_days } => Self::Clv { selector: selector.try_into()?, lifespan_days },
            KindBody::Quantile { measure, share: millionths } => {
                Self::Quantile { measure: measure.try_into()?, share: share(millionths, "/q")? }
            }
        })
    }
}

impl From<&Selector> for SelectorBody {
    fn from(selector: &Selector) -> Self {
        let filter = |filter: &Filter| FilterBody { path: filter.path.to_string(), values: filter.values.clone() };
        Self { event: selector.event.as_str().to_owned(), filters: selector.filters.iter().map(filter).collect() }
    }
}

impl TryFrom<SelectorBody> for Selector {
    type Error = Invalid;

    fn try_from(body: SelectorBody) -> Result<Self, Invalid> {
        let filter = |filter: FilterBody| {
            Ok::<_, Invalid>(Filter { path: Path::parse(&filter.path, "/where")?, values: filter.values })
        };
        Ok(Self {
            event: Pattern::parse(&body.event, "/event")?,
            filters: body.filters.into_iter().map(filter).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Measure> for MeasureBody {
    fn from(measure: &Measure) -> Self {
        Self { selector: (&measure.selector).into(), of: measure.of.word().to_owned() }
    }
}

impl TryFrom<MeasureBody> for Measure {
    type Error = Invalid;

    fn try_from(body: MeasureBody) -> Result<Self, Invalid> {
        Ok(Self { selector: body.selector.try_into()?, of: Of::parse(&body.of, "/of")? })
    }
}

impl From<&Part> for PartBody {
    fn from(part: &Part) -> Self {
        Self { selector: (&part.selector).into(), weight: part.weight.units() }
    }
}

impl TryFrom<PartBody> for Part {
    type Error = Invalid;

    fn try_from(body: PartBody) -> Result<Self, Invalid> {
        Ok(Self { selector: body.selector.try_into()?, weight: amount(body.weight, "/parts/weight")? })
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

fn share(millionths: u32, pointer: &str) -> Result<Share, Invalid> {
    Share::from_millionths(millionths).ok_or_else(|| {
        Invalid::new("out_of_range", pointer, format!("{millionths} millionths are not strictly between 0 and 1"))
    })
}

fn optional(units: Option<i64>, pointer: &str) -> Result<Option<Amount>, Invalid> {
    units.map(|units| amount(units, pointer)).transpose()
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
