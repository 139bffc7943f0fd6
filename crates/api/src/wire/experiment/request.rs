//! Experiments as they are defined.

use journey::{
    Amount, Arm, Cost, CrossoverPolicy, DEFAULT_PLANNED_PERSONS, DEFAULT_WINDOW_DAYS, Experiment, ExperimentDraft,
    Invalid, Json, Key, Method, MetricUse, Name, Path, Phase, Role, Tactic,
};
use utoipa::ToSchema;

use super::MeasuringInfo;
use crate::fields::Fields;
use crate::wire::results::lens::LensInfo;
use crate::wire::schema;

/// An experiment to be defined. Unknown fields are refused; of equal keys the last one counts.
#[derive(ToSchema)]
#[schema(as = ExperimentRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
pub(crate) struct ExperimentSchema {
    /// The same as in the path, where it is given.
    key: Option<String>,
    /// What people know it by.
    #[schema(min_length = 1, max_length = 255, example = "Spring mail")]
    name: Option<String>,
    /// The kind of personalisation.
    tactic: Option<schema::Tactic>,
    /// What is expected, and why.
    #[schema(max_length = 2000)]
    hypothesis: Option<String>,
    /// Who answers for it.
    #[schema(min_length = 1, max_length = 255)]
    owner: Option<String>,
    /// The key of the arm that is not personalised.
    #[schema(min_length = 1, max_length = 255)]
    control: String,
    /// The arms, control included.
    #[schema(min_items = 2, max_items = 50)]
    arms: Vec<ArmSchema>,
    /// Exposures before it are outside.
    #[schema(format = "date-time")]
    starts_at: Option<String>,
    /// Exposures at and after it are outside.
    #[schema(format = "date-time")]
    ends_at: Option<String>,
    /// How long after the first exposure events count, in days of 24 hours. Absent: 14. Null: without end.
    #[schema(minimum = 1, maximum = 3650)]
    window_days: Option<u32>,
    /// What happens to a person who is exposed to a second arm; `first` where it is absent.
    crossovers: Option<schema::Crossovers>,
    /// How lifts are tested; `sequential` where it is absent.
    method: Option<schema::Method>,
    /// The planned number of persons (N*), at which confidence sequences are tightest; 5000 where it is absent. Like the
    /// method, it is fixed by the first exposure that counts.
    #[schema(minimum = 1)]
    planned_persons: Option<u32>,
    /// The metrics: each a key, or an object with its role.
    #[schema(max_items = 100)]
    metrics: Option<Vec<MetricUseSchema>>,
    /// What results can be broken down by, as known at the first exposure.
    ///
    /// Read off events, the last value at or before it: `channel`, `stage`, `properties.NAME`, `context.NAME`, `traits.NAME`, or
    /// one bare word, which is looked for in all three (`device`, `os`, `browser`, `country`, `region`, `city`, `campaign` and
    /// `source` also where Segment's context holds them; `store` and any other trait or property by its name).
    ///
    /// Worked out: `exposure.hour` (`0` to `23`) and `exposure.weekday` (`monday` to `sunday`) in the tenant's time zone;
    /// `before.channels`, the channels on which the person did anything in the 28 days before it, sorted and joined by `+`, or
    /// `none`; `before.active`, whether the person did anything in those days, `yes` or `no`; `bin(PATH,STEP)`, the last number
    /// at a path, rounded down to a multiple of the step, for scores; and `exposure.probability`, for experiments of two arms:
    /// the probability of control, from `properties.probability` of the exposure, which is that of its own arm.
    #[schema(max_items = 20)]
    dimensions: Option<Vec<String>>,
    /// For a holdout, whose persons are exposed to it when they are assigned, personalised or not: the programme that it is held
    /// out from.
    holdout: Option<HoldoutSchema>,
    /// The times of constant weights, in order, where the weights of the arms changed on the way. Absent, or as it is stored: other
    /// weights of the arms begin a new phase now, once anybody was exposed.
    #[schema(max_items = 100)]
    phases: Option<Vec<PhaseSchema>>,
    /// Whether its tallies are frozen.
    archived: Option<bool>,
    /// Answered by `GET`; ignored here, so that an answer can be changed and sent back: what was asked for stays kept.
    lenses: Option<Vec<LensInfo>>,
    /// Answered by `GET`; ignored here likewise.
    #[schema(value_type = Option<MeasuringInfo>)]
    measuring: Option<MeasuringInfo>,
}

/// The programme that a holdout is held out from.
#[derive(ToSchema)]
#[schema(as = HoldoutRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct HoldoutSchema {
    /// The keys of its experiments.
    #[schema(min_items = 1, max_items = 20)]
    programme: Vec<String>,
}

/// A time of constant weights.
#[derive(ToSchema)]
#[schema(as = PhaseRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct PhaseSchema {
    /// When it begins; it lasts until the next one does. The first needs none: it holds whoever was exposed before the second.
    #[schema(format = "date-time")]
    from: Option<String>,
    /// The share of persons of each arm, relative to the others; 0: nobody is assigned to it.
    #[schema(example = json!({"off": 1, "on": 9}))]
    #[schema(value_type = std::collections::BTreeMap<String, schema::NotNegative>)]
    weights: String,
}

/// An arm to be defined.
#[derive(ToSchema)]
#[schema(as = ArmRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct ArmSchema {
    /// The key that exposures name.
    #[schema(min_length = 1, max_length = 255)]
    key: String,
    /// The share of persons, relative to the other arms; where it is absent that of the last phase, else 1.
    weight: Option<schema::NotNegative>,
    /// The dose of personalisation.
    intensity: Option<schema::Decimal>,
    /// What it costs.
    cost: Option<CostSchema>,
}

/// What an arm costs, in the tenant's currency.
#[derive(ToSchema)]
#[schema(as = CostRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct CostSchema {
    /// Once.
    fixed: Option<schema::NotNegative>,
    /// For each person.
    per_person: Option<schema::NotNegative>,
    /// For each exposure.
    per_exposure: Option<schema::NotNegative>,
    /// Once, for setting up.
    setup: Option<schema::NotNegative>,
    /// For each day that the experiment runs, from `starts_at` or the first exposure to `ends_at` or now.
    running_per_day: Option<schema::NotNegative>,
    /// Hours of work; needs `rate`.
    hours: Option<schema::NotNegative>,
    /// What an hour of work costs; needs `hours`.
    rate: Option<schema::NotNegative>,
}

/// A metric as an experiment uses it.
#[derive(ToSchema)]
#[schema(as = MetricUseRequest)]
#[serde(untagged)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
enum MetricUseSchema {
    /// The metric's key; its role is `secondary`.
    Key(String),
    /// The metric's key with its role.
    Use(MetricRoleSchema),
}

/// A metric with its role.
#[derive(ToSchema)]
#[schema(as = MetricRoleRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct MetricRoleSchema {
    /// The metric's key.
    #[schema(min_length = 1, max_length = 255)]
    metric: String,
    /// What it is for; `secondary` where it is absent.
    role: Option<schema::Role>,
    /// For guardrails: the relative harm that is tolerated, between 0 and 1.
    max_harm: Option<schema::NotNegative>,
    /// Whether its differences are adjusted by the same metric from before the exposure; `false` where it is absent. It is
    /// fixed by the first exposure that counts after the metric joined.
    cuped: Option<bool>,
}

const FIELDS: &[&str] = &[
    "name",
    "tactic",
    "hypothesis",
    "owner",
    "control",
    "arms",
    "starts_at",
    "ends_at",
    "window_days",
    "crossovers",
    "method",
    "planned_persons",
    "metrics",
    "dimensions",
    "holdout",
    "phases",
    "archived",
];

/// Reads the experiment `key`.
pub(crate) fn read(key: Key, json: Json) -> Result<Experiment, Invalid> {
    let mut fields = Fields::new(json, "")?;
    if let Some(stated) = fields.text("key")?.filter(|stated| stated.trim() != key.as_str()) {
        let shown: String = stated.chars().take(60).collect();
        let detail = format!("{shown:?} is not the key in the path: leave it out, or send both alike");
        return Err(fields.refuse("conflicting_key", "key", detail));
    }
    fields.take_raw("measuring");
    fields.take_raw("lenses");
    let optional_name = |fields: &mut Fields, name: &str| -> Result<Option<Name>, Invalid> {
        let pointer = fields.at(name);
        fields.text(name)?.map(|text| Name::parse(&text, &pointer)).transpose()
    };
    let control = fields.required_text("control", "name the key of the arm that is not personalised")?;
    let window_days = match fields.take_raw("window_days") {
        None => Some(DEFAULT_WINDOW_DAYS),
        Some(Json::Null) => None,
        Some(value) => Some(fields.as_whole("window_days", &value)?),
    };
    let tactic = fields.text("tactic")?.map(|word| Tactic::parse(&word, "/tactic")).transpose()?;
    let crossovers = fields.text("crossovers")?.map(|word| CrossoverPolicy::parse(&word, "/crossovers")).transpose()?;
    let method = fields.text("method")?.map(|word| Method::parse(&word, "/method")).transpose()?;
    let arms = fields.list("arms")?.into_iter().enumerate().map(|(at, arm)| read_arm(arm, at));
    let mut arms = arms.collect::<Result<Vec<_>, _>>()?;
    let keys: Vec<Key> = arms.iter().map(|(arm, _)| arm.key.clone()).collect();
    let phases = fields.list("phases")?.into_iter().enumerate().map(|(at, phase)| read_phase(phase, at, &keys));
    let phases = phases.collect::<Result<Vec<_>, _>>()?;
    if let Some(last) = phases.last() {
        for ((arm, is_stated), weight) in arms.iter_mut().zip(&last.weights) {
            // An arm that nobody is assigned to any more keeps a weight above 0.
            arm.weight = if *is_stated || weight.units() == 0 { arm.weight } else { *weight };
        }
    }
    let draft = ExperimentDraft {
        key,
        name: optional_name(&mut fields, "name")?,
        tactic,
        hypothesis: fields.text("hypothesis")?,
        owner: optional_name(&mut fields, "owner")?,
        control: Name::parse(&control, "/control")?,
        arms: arms.into_iter().map(|(arm, _)| arm).collect(),
        starts_at: fields.instant("starts_at")?,
        ends_at: fields.instant("ends_at")?,
        window_days,
        crossovers: crossovers.unwrap_or(CrossoverPolicy::First),
        method: method.unwrap_or(Method::Sequential),
        planned_persons: fields.whole("planned_persons")?.unwrap_or(DEFAULT_PLANNED_PERSONS),
        metrics: fields
            .list("metrics")?
            .into_iter()
            .enumerate()
            .map(|(at, item)| read_use(item, at))
            .collect::<Result<_, _>>()?,
        dimensions: fields
            .texts("dimensions")?
            .into_iter()
            .map(|(text, pointer)| Path::parse_dimension(&text, &pointer))
            .collect::<Result<_, _>>()?,
        holdout: fields.object("holdout")?.map(programme).transpose()?,
        phases,
        archived: fields.flag("archived")?.unwrap_or(false),
    };
    fields.finish(FIELDS)?;
    Experiment::validate(draft)
}

fn programme(mut fields: Fields) -> Result<Vec<Key>, Invalid> {
    let keys = fields.texts("programme")?;
    fields.finish(&["programme"])?;
    keys.into_iter().map(|(text, pointer)| Name::parse(&text, &pointer)).collect()
}

fn one() -> Result<Amount, Invalid> {
    Amount::parse("1", "/weight")
}

/// A phase with the weights of `arms`, in their order.
fn read_phase(json: Json, at: usize, arms: &[Key]) -> Result<Phase, Invalid> {
    let mut fields = Fields::new(json, &format!("/phases/{at}"))?;
    let from = fields.instant("from")?;
    let Some(mut stated) = fields.object("weights")? else {
        return Err(fields.refuse("missing", "weights", "is missing: name the weight of each arm"));
    };
    let mut weights = Vec::with_capacity(arms.len());
    for arm in arms {
        let Some(weight) = stated.amount(arm.as_str())? else {
            return Err(stated.refuse("missing", arm.as_str(), "is missing: name the weight of each arm, 0 for none"));
        };
        weights.push(weight);
    }
    stated.finish(&arms.iter().map(Key::as_str).collect::<Vec<_>>())?;
    fields.finish(&["from", "weights"])?;
    Ok(Phase { from, weights })
}

/// The arm, and whether its weight was stated.
fn read_arm(json: Json, at: usize) -> Result<(Arm, bool), Invalid> {
    let mut fields = Fields::new(json, &format!("/arms/{at}"))?;
    let key = fields.required_text("key", "name the arm as exposures name it")?;
    let stated = fields.amount("weight")?;
    let is_stated = stated.is_some();
    let weight = match stated {
        Some(weight) => weight,
        None => one()?,
    };
    let intensity = fields.amount("intensity")?;
    let mut parts = [None; Cost::NAMES.len()];
    if let Some(mut costs) = fields.object("cost")? {
        for (part, name) in parts.iter_mut().zip(Cost::NAMES) {
            *part = costs.amount(name)?;
        }
        costs.finish(&Cost::NAMES)?;
    }
    let cost = Cost::of(parts);
    let key = Name::parse(&key, &fields.at("key"))?;
    fields.finish(&["key", "weight", "intensity", "cost"])?;
    Ok((Arm { key, weight, intensity, cost }, is_stated))
}

fn read_use(json: Json, at: usize) -> Result<MetricUse, Invalid> {
    let pointer = format!("/metrics/{at}");
    if let Json::Text(key) = &json {
        return Ok(MetricUse {
            metric: Name::parse(key, &pointer)?,
            role: Role::Secondary,
            max_harm: None,
            cuped: false,
        });
    }
    let mut fields = Fields::new(json, &pointer)?;
    let metric = fields.required_text("metric", "name the key of a metric")?;
    let metric = Name::parse(&metric, &fields.at("metric"))?;
    let role_pointer = fields.at("role");
    let role = fields.text("role")?.map_or(Ok(Role::Secondary), |word| Role::parse(&word, &role_pointer))?;
    let max_harm = fields.amount("max_harm")?;
    let cuped = fields.flag("cuped")?.unwrap_or(false);
    fields.finish(&["metric", "role", "max_harm", "cuped"])?;
    Ok(MetricUse { metric, role, max_harm, cuped })
}
