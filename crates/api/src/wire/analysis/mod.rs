//! Sums that the caller brings, and what is asked of them.

mod sums;
#[cfg(test)]
mod tests;

use journey::{
    Amount, Arm, CrossoverPolicy, DEFAULT_PLANNED_PERSONS, Definition, Experiment, ExperimentDraft, Goal, Invalid,
    Json, Measure, Method, Metric, MetricDraft, MetricKind, MetricUse, Name, Of, Pattern, Role, Selector,
};
use metrics::inference::Prior;
use metrics::moments::Moments;
use metrics::report::{Adjust, Maturity, Question};
use utoipa::ToSchema;

use crate::fields::Fields;
use crate::wire::schema;
use sums::ArmSums;

/// Sums of two or more arms, and what is asked of them. Unknown fields are refused; of equal keys the last one counts; null
/// is the same as absent.
#[derive(ToSchema)]
#[schema(as = AnalysisRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field, so that every refusal has its pointer; this is its schema")]
pub(crate) struct AnalysisSchema {
    /// The arm that the others are compared with.
    #[schema(min_length = 1, max_length = 255)]
    control: String,
    /// What a person counts for: `conversion` 0 or 1, `sum` a value, `ratio` a numerator over a denominator.
    #[schema(pattern = "^(sum|conversion|ratio)$", example = "conversion")]
    kind: String,
    /// The arms, control included.
    #[schema(min_items = 2, max_items = 50)]
    arms: Vec<ArmSumsSchema>,
    /// How arms are judged; `sequential` where it is absent.
    method: Option<schema::Method>,
    /// The confidence of intervals; 0.95 where it is absent.
    confidence: Option<schema::NotNegative>,
    /// What the metric is called in the answer; the kind where it is absent.
    #[schema(min_length = 1, max_length = 255)]
    metric: Option<String>,
    /// The unit that people see.
    #[schema(min_length = 1, max_length = 255)]
    unit: Option<String>,
    /// The direction in which it improves; `increase` where it is absent.
    goal: Option<schema::Goal>,
    /// What it is for; `primary` where it is absent.
    role: Option<schema::Role>,
    /// For a guardrail: the relative harm that is tolerated, between 0 and 1.
    max_harm: Option<schema::NotNegative>,
    /// How p-values are adjusted for the number of arms: `holm`, `bh`, `ebh` or `none`; without it as an experiment's are.
    #[schema(pattern = "^(holm|bh|ebh|none)$")]
    adjust: Option<String>,
    /// `matured` (the default): nothing more is awaited of these persons. `live`: their sums still grow, so there is no
    /// verdict.
    #[schema(pattern = "^(matured|live)$")]
    maturity: Option<String>,
    /// The planned number of persons (N*), at which confidence sequences are tightest; 5000 where it is absent. It means what
    /// it says where it was fixed before the first person came.
    #[schema(minimum = 1)]
    planned_persons: Option<u32>,
    /// What is believed of lifts before any data, for the method `bayesian`; flat where it is absent.
    prior: Option<PriorSchema>,
    /// Whether the steps are told.
    explain: Option<bool>,
}

/// A normal distribution of lifts, as fractions.
#[derive(ToSchema)]
#[schema(as = PriorRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct PriorSchema {
    /// The mean lift; 0 where it is absent.
    mean: Option<schema::Decimal>,
    /// The standard deviation of lifts; above 0.
    standard_deviation: schema::NotNegative,
}

/// The sums of an arm over its persons, or what was published of them. Decimal text is exact; a JSON number is rounded to the
/// decimals given, and holds 15 digits at best.
#[derive(ToSchema)]
#[schema(as = ArmSumsRequest)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field; this is its schema")]
struct ArmSumsSchema {
    /// The key of the arm.
    #[schema(min_length = 1, max_length = 255)]
    arm: String,
    /// The share of persons that was assigned, relative to the other arms: of all arms or of none. With weights the sizes of
    /// the arms are checked against them.
    weight: Option<schema::NotNegative>,
    /// Persons, converted or not.
    count: schema::Long,
    /// Of their values (for a conversion: how many converted; for a ratio: of their numerators), to 6 decimals.
    sum: Option<schema::Long>,
    /// Of the squares of their values, to 12 decimals; a conversion needs none.
    sum_of_squares: Option<schema::Long>,
    /// Of the cubes of their values, to 18 decimals: with it the answer says whether the values are too skewed.
    sum_of_cubes: Option<schema::Long>,
    /// For a ratio: of their denominators, to 6 decimals.
    denominator_sum: Option<schema::Long>,
    /// For a ratio: of the squares of their denominators, to 12 decimals.
    denominator_sum_of_squares: Option<schema::Long>,
    /// For a ratio: of the products of numerator and denominator, to 12 decimals.
    cross_sum: Option<schema::Long>,
    /// Of the same value from before the exposure, to 6 decimals. With it in all arms differences are adjusted (CUPED).
    covariate_sum: Option<schema::Long>,
    /// Of its squares, to 12 decimals.
    covariate_sum_of_squares: Option<schema::Long>,
    /// Of its products with the value, to 12 decimals.
    covariate_cross_sum: Option<schema::Long>,
    /// In place of sums, as published: the mean of the values, or the share of persons who converted. Its sum is rounded to a
    /// millionth.
    mean: Option<schema::Long>,
    /// In place of sums, as published: the sample variance between persons (n - 1); not for conversions.
    variance: Option<schema::Long>,
}

/// What a person counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sum,
    Conversion,
    Ratio,
}

/// Sums and what is asked of them, ready to be reported.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// The arms and the metric.
    pub(crate) definition: Definition,
    /// The sums, arm by arm.
    pub(crate) arms: Vec<Moments>,
    /// Whether the weights of the arms were sent.
    pub(crate) weighted: bool,
    /// Whether the steps are told.
    pub(crate) explain: bool,
    method: Method,
    confidence: f64,
    adjust: Adjust,
    maturity: Maturity,
    cuped: bool,
    prior: Prior,
}

impl Asked {
    /// The question.
    pub(crate) fn question(&self) -> Question<'_> {
        Question {
            confidence: self.confidence,
            adjust: self.adjust,
            maturity: self.maturity,
            cuped: Some(self.cuped),
            method: self.method,
            prior: self.prior,
            ..Question::planned(&self.definition)
        }
    }
}

const FIELDS: [&str; 15] = [
    "control",
    "kind",
    "arms",
    "method",
    "confidence",
    "metric",
    "unit",
    "goal",
    "role",
    "max_harm",
    "adjust",
    "maturity",
    "planned_persons",
    "prior",
    "explain",
];
const KINDS: [(&str, Kind); 3] = [("sum", Kind::Sum), ("conversion", Kind::Conversion), ("ratio", Kind::Ratio)];
const ADJUSTMENTS: [(&str, Adjust); 4] = [
    ("holm", Adjust::Holm),
    ("bh", Adjust::BenjaminiHochberg),
    ("ebh", Adjust::EBenjaminiHochberg),
    ("none", Adjust::None),
];
const MATURITIES: [(&str, Maturity); 2] = [("matured", Maturity::Matured), ("live", Maturity::Live)];

/// Reads sums and what is asked of them.
pub(crate) fn read(json: Json) -> Result<Asked, Invalid> {
    let mut fields = Fields::new(json, "")?;
    let control = fields.required_text("control", "name the arm that the others are compared with")?;
    let control = Name::parse(&control, "/control")?;
    let kind = word(&mut fields, "kind", &KINDS)?
        .ok_or_else(|| fields.refuse("missing_field", "kind", "is missing: send sum, conversion or ratio"))?;
    let method = fields.text("method")?.map(|word| Method::parse(&word, "/method")).transpose()?;
    let method = method.unwrap_or(Method::Sequential);
    let confidence = confidence(&mut fields)?;
    let name = |fields: &mut Fields, field: &str| {
        let pointer = fields.at(field);
        fields.text(field)?.map(|text| Name::parse(&text, &pointer)).transpose()
    };
    let metric = match name(&mut fields, "metric")? {
        Some(metric) => metric,
        None => Name::parse(kind_word(kind), "/kind")?,
    };
    let unit = name(&mut fields, "unit")?;
    let goal = fields.text("goal")?.map(|word| Goal::parse(&word, "/goal")).transpose()?.unwrap_or(Goal::Increase);
    let role = fields.text("role")?.map(|word| Role::parse(&word, "/role")).transpose()?.unwrap_or(Role::Primary);
    let max_harm = fields.amount("max_harm")?;
    let adjust = word(&mut fields, "adjust", &ADJUSTMENTS)?.unwrap_or(Adjust::ByRole);
    let maturity = word(&mut fields, "maturity", &MATURITIES)?.unwrap_or(Maturity::Matured);
    let planned_persons = fields.whole("planned_persons")?.unwrap_or(DEFAULT_PLANNED_PERSONS);
    let prior = prior(&mut fields, method)?;
    let explain = fields.flag("explain")?.unwrap_or(false);
    let arms = fields.list("arms")?.into_iter().enumerate();
    let arms = arms.map(|(at, arm)| sums::read(arm, at, kind)).collect::<Result<Vec<_>, _>>()?;
    fields.finish(&FIELDS)?;
    let weighted = all_or_none(&arms, "weight", |arm| arm.weight.is_some())?;
    let cuped = all_or_none(&arms, "covariate_sum", |arm| arm.has_covariate)?;
    let used = MetricUse { metric: metric.clone(), role, max_harm, cuped };
    let made = arms.iter().map(|arm| {
        let weight = arm.weight.or_else(|| Amount::from_units(arm.sums.n.max(1)));
        let weight = weight.ok_or_else(|| Invalid::new("out_of_range", "/arms", "have more persons than there are"))?;
        Ok(Arm { key: arm.key.clone(), weight, intensity: None, cost: journey::Cost::default() })
    });
    let experiment = Experiment::validate(ExperimentDraft {
        key: metric.clone(),
        name: None,
        tactic: None,
        hypothesis: None,
        owner: None,
        control,
        arms: made.collect::<Result<_, Invalid>>()?,
        starts_at: None,
        ends_at: None,
        // That there is a window is what makes the sums those of persons of whom nothing more is awaited.
        window_days: Some(1),
        crossovers: CrossoverPolicy::First,
        method,
        planned_persons,
        metrics: vec![used],
        dimensions: Vec::new(),
        holdout: None,
        phases: Vec::new(),
        archived: false,
    })
    .map_err(of_this_body)?;
    let draft =
        MetricDraft { key: metric, kind: kind_of(kind), window_days: None, cap: None, goal, unit, description: None };
    let definition = Definition { experiment, metrics: vec![Metric::validate(draft)?] };
    let arms = arms.into_iter().map(|arm| arm.sums).collect();
    Ok(Asked { definition, arms, weighted, explain, method, confidence, adjust, maturity, cuped, prior })
}

/// The one metric stands in the body itself here, not in a list of metrics.
fn of_this_body(mut refusal: Invalid) -> Invalid {
    if let Some(rest) = refusal.pointer.strip_prefix("/metrics/0") {
        refusal.pointer = rest.to_owned();
    }
    refusal
}

/// Whether all arms have something; refused where only some do.
fn all_or_none(arms: &[ArmSums], field: &str, has: impl Fn(&ArmSums) -> bool) -> Result<bool, Invalid> {
    let with = arms.iter().filter(|arm| has(arm)).count();
    if with == 0 || with == arms.len() {
        return Ok(with > 0);
    }
    let without = arms.iter().position(|arm| !has(arm)).unwrap_or(0);
    let detail = "is missing here and given in another arm: send it for all arms or for none";
    Err(Invalid::new("missing_field", format!("/arms/{without}/{field}"), detail))
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Sum => "sum",
        Kind::Conversion => "conversion",
        Kind::Ratio => "ratio",
    }
}

/// The kind as metrics have it; which events are counted is not known here.
fn kind_of(kind: Kind) -> MetricKind {
    let selector = || Selector { event: Pattern::Any, filters: Vec::new() };
    let measure = |of| Measure { selector: selector(), of };
    match kind {
        Kind::Sum => MetricKind::Sum(selector()),
        Kind::Conversion => MetricKind::Conversion(selector()),
        Kind::Ratio => MetricKind::Ratio { numerator: measure(Of::Value), denominator: measure(Of::Count) },
    }
}

fn word<T: Copy>(fields: &mut Fields, name: &str, known: &[(&str, T)]) -> Result<Option<T>, Invalid> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    let found = known.iter().find(|(word, _)| *word == text.trim());
    let shown: String = text.chars().take(60).collect();
    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    let refused = || fields.refuse("unknown_word", name, format!("{shown:?} is not known: use {}", words.join(" or ")));
    found.map(|(_, value)| Some(*value)).ok_or_else(refused)
}

fn number(fields: &mut Fields, name: &str) -> Result<Option<f64>, Invalid> {
    let Some(text) = fields.decimal(name)? else { return Ok(None) };
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let shown: String = text.chars().take(60).collect();
    number.map(Some).ok_or_else(|| fields.refuse("not_a_number", name, format!("{shown:?} is no decimal number")))
}

fn confidence(fields: &mut Fields) -> Result<f64, Invalid> {
    let confidence = number(fields, "confidence")?.unwrap_or(0.95);
    if confidence > 0.0 && confidence < 1.0 {
        return Ok(confidence);
    }
    Err(fields.refuse(
        "out_of_range",
        "confidence",
        format!("{confidence} does not lie between 0 and 1: send 0.95, for instance"),
    ))
}

fn prior(fields: &mut Fields, method: Method) -> Result<Prior, Invalid> {
    let Some(mut prior) = fields.object("prior")? else { return Ok(Prior::Flat) };
    if method != Method::Bayesian {
        let detail = format!("means nothing to the method {}: set method to bayesian, or leave it out", method.word());
        return Err(fields.refuse("out_of_place", "prior", detail));
    }
    let mean = number(&mut prior, "mean")?.unwrap_or(0.0);
    let standard_deviation = number(&mut prior, "standard_deviation")?.ok_or_else(|| {
        prior.refuse("missing_field", "standard_deviation", "is missing: send how far lifts lie around the mean")
    })?;
    if standard_deviation <= 0.0 {
        let detail = format!("{standard_deviation} is not above 0");
        return Err(prior.refuse("out_of_range", "standard_deviation", detail));
    }
    prior.finish(&["mean", "standard_deviation"])?;
    Ok(Prior::Normal { mean, standard_deviation })
}
