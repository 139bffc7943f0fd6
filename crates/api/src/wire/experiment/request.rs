//! Experiments as they are defined.

use journey::{
    Amount, Arm, CrossoverPolicy, DEFAULT_PLANNED_PERSONS, DEFAULT_WINDOW_DAYS, Experiment, ExperimentDraft, Invalid,
    Json, Key, Method, MetricUse, Name, Path, Role, Tactic,
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
    /// What results can be broken down by: `channel`, `stage`, `properties.NAME`, `context.NAME`, `traits.NAME`, or one
    /// bare word, which is looked for in all three.
    #[schema(max_items = 20)]
    dimensions: Option<Vec<String>>,
    /// Whether its tallies are frozen.
    archived: Option<bool>,
    /// Answered by `GET`; ignored here, so that an answer can be changed and sent back: what was asked for stays kept.
    lenses: Option<Vec<LensInfo>>,
    /// Answered by `GET`; ignored here likewise.
    #[schema(value_type = Option<MeasuringInfo>)]
    measuring: Option<MeasuringInfo>,
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
    /// The share of persons, relative to the other arms; 1 where it is absent.
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
    let draft = ExperimentDraft {
        key,
        name: optional_name(&mut fields, "name")?,
        tactic,
        hypothesis: fields.text("hypothesis")?,
        owner: optional_name(&mut fields, "owner")?,
        control: Name::parse(&control, "/control")?,
        arms: fields
            .list("arms")?
            .into_iter()
            .enumerate()
            .map(|(at, arm)| read_arm(arm, at))
            .collect::<Result<_, _>>()?,
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
            .map(|(text, pointer)| Path::parse(&text, &pointer))
            .collect::<Result<_, _>>()?,
        archived: fields.flag("archived")?.unwrap_or(false),
    };
    fields.finish(FIELDS)?;
    Experiment::validate(draft)
}

fn one() -> Result<Amount, Invalid> {
    Amount::parse("1", "/weight")
}

fn read_arm(json: Json, at: usize) -> Result<Arm, Invalid> {
    let mut fields = Fields::new(json, &format!("/arms/{at}"))?;
    let key = fields.required_text("key", "name the arm as exposures name it")?;
    let weight = match fields.amount("weight")? {
        Some(weight) => weight,
        None => one()?,
    };
    let intensity = fields.amount("intensity")?;
    let mut cost = [None; 3];
    if let Some(mut costs) = fields.object("cost")? {
        const NAMES: [&str; 3] = ["fixed", "per_person", "per_exposure"];
        for (cost, name) in cost.iter_mut().zip(NAMES) {
            *cost = costs.amount(name)?;
        }
        costs.finish(&NAMES)?;
    }
    let key = Name::parse(&key, &fields.at("key"))?;
    fields.finish(&["key", "weight", "intensity", "cost"])?;
    Ok(Arm { key, weight, intensity, cost })
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
