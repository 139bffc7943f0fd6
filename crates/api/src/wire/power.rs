//! How sure an experiment could become, and when.

use journey::{Experiment, Method};
use metrics::inference::Undefined;
use metrics::report::{ArmOutlook, MethodOutlook, Outlook, Split, SplitOutlook};
use serde::Serialize;
use utoipa::ToSchema;

use super::experiment::MeasuringInfo;
use super::results::build::maturity_word;
use super::results::{FreshInfo, Reasons};
use super::schema;

/// How sure an experiment could become about a metric, from the traffic seen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "power is what it is called in the question, too")]
pub(crate) struct Power {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The arm that the others are compared with.
    pub(crate) control: String,
    /// The metric's key.
    pub(crate) metric: String,
    /// What it computes.
    pub(crate) kind: &'static str,
    /// The direction in which it improves; effects are planned in it.
    #[schema(value_type = schema::Goal)]
    pub(crate) goal: &'static str,
    /// How the experiment is judged.
    #[schema(value_type = schema::Method)]
    pub(crate) method: &'static str,
    /// The confidence of verdicts, before the number of comparisons.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) confidence: f64,
    /// The probability of a verdict that is planned for.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) power: f64,
    /// The effect that is planned for, relative to control.
    pub(crate) mde: PlannedEffect,
    /// The planned number of persons (N*) of the experiment.
    #[schema(minimum = 1)]
    pub(crate) planned_persons: u32,
    /// The persons that it speaks of: `matured` ones where the metric has a window.
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// The window of the metric in days; null: none.
    #[schema(required = true)]
    pub(crate) window_days: Option<u32>,
    /// Whether the metric is adjusted by its covariate, so that its variance is what is left of it.
    pub(crate) cuped: bool,
    /// The comparisons of the metric's family: the confidence of methods allows for them.
    pub(crate) comparisons: usize,
    /// The traffic.
    pub(crate) traffic: Traffic,
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet (nobody is in them while it is the first); null:
    /// they come from the newest.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// Every arm but control.
    pub(crate) arms: Vec<ArmPower>,
}

/// The effect that is planned for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlannedEffect {
    /// Its size relative to control, as a fraction.
    pub(crate) lift: f64,
    /// `asked`, or `default`: 5 %.
    #[schema(pattern = "^(asked|default)$")]
    pub(crate) from: &'static str,
}

/// How fast persons join.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traffic {
    /// Persons who join in a day, all arms together, over the last seven complete days on which anything changed; today's where
    /// there is none.
    #[schema(required = true)]
    pub(crate) persons_per_day: Option<f64>,
    /// Why that is not known.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// How sure the comparison of an arm with control could become.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmPower {
    /// The arm's key.
    arm: String,
    /// Persons of arm and control together, matured where the metric has a window.
    persons: u64,
    /// Persons exposed of arm and control together.
    exposed: u64,
    /// The KPI of control.
    #[schema(required = true)]
    value: Option<f64>,
    /// The variance between persons.
    #[schema(required = true)]
    variance: Option<f64>,
    /// The effect that is planned for, as a difference.
    #[schema(required = true)]
    difference: Option<f64>,
    /// The planned number of persons (N*) that this effect asks for, at the current split: the sequence is then tightest where
    /// it should decide. It may be set before the first exposure.
    #[schema(required = true)]
    planned_persons_proposed: Option<u64>,
    /// Split by split.
    splits: Vec<SplitPower>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    reasons: Reasons,
}

/// The same at a split of persons between control and arm.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SplitPower {
    /// `current`: the weights of the experiment; else the parts of control and arm, such as `90:10`.
    #[schema(example = "50:50")]
    split: String,
    /// The arm's share of the persons of both.
    share: f64,
    /// Whether the persons of today count. At another split the experiment would begin anew.
    continues: bool,
    /// The persons of both arms from which normal theory is to be trusted, and with it all numbers here: 355 x skewness² (Kohavi
    /// and others, KDD 2014), and 200 who contribute, in the smaller arm. Where the skewness is not known (ratios, CLVs, rates per
    /// time, ratings, quantiles): the latter alone. Null: nobody contributes yet.
    #[schema(required = true)]
    normal_theory_from: Option<u64>,
    /// Method by method.
    methods: Vec<MethodPower>,
}

/// The same by a method.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MethodPower {
    /// The method.
    #[schema(value_type = schema::Method)]
    method: &'static str,
    /// What its power is the probability of.
    statement: &'static str,
    /// The confidence of the two-sided statement that its verdict is, after the comparisons.
    confidence: f64,
    /// The smallest effect that today's number of persons shows with the power planned for.
    minimum_detectable: EffectInfo,
    /// The power at today's number of persons.
    #[schema(required = true)]
    power_now: Option<f64>,
    /// The persons that the effect needs.
    #[schema(required = true)]
    persons_needed: Option<PersonsInfo>,
    /// How many of them are still to come.
    #[schema(required = true)]
    more_persons: Option<u64>,
    /// How many days that takes at the present pace, until their windows have closed.
    #[schema(required = true)]
    days: Option<f64>,
    /// The power at rising numbers of persons.
    by_persons: Vec<PowerAt>,
    /// Which of these numbers stand on fewer persons than normal theory asks for, and what to do.
    #[schema(required = true)]
    warning: Option<String>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    reasons: Reasons,
}

/// An effect.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EffectSize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EffectInfo {
    /// As a difference, with its sign.
    #[schema(required = true)]
    difference: Option<f64>,
    /// Relative to control.
    #[schema(required = true)]
    lift: Option<f64>,
}

/// Persons of both arms.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonsNeeded)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonsInfo {
    /// Together.
    total: u64,
    /// In control.
    control: u64,
    /// In the arm.
    arm: u64,
}

/// The power at a number of persons.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PowerAt {
    /// Persons of both arms together.
    persons: u64,
    /// The power.
    #[schema(required = true)]
    power: Option<f64>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// The arms of an outlook.
pub(crate) fn arms(experiment: &Experiment, outlook: &Outlook) -> Vec<ArmPower> {
    outlook.arms.iter().map(|arm| arm_power(experiment, arm)).collect()
}

/// The word for the persons that an outlook speaks of.
pub(crate) fn maturity(outlook: &Outlook) -> &'static str {
    maturity_word(outlook.maturity)
}

fn arm_power(experiment: &Experiment, outlook: &ArmOutlook) -> ArmPower {
    let mut reasons = Reasons::new();
    ArmPower {
        arm: experiment.arms[outlook.arm].key.as_str().to_owned(),
        persons: outlook.persons,
        exposed: outlook.exposed,
        value: told(outlook.value, "value", &mut reasons),
        variance: told(outlook.variance, "variance", &mut reasons),
        difference: told(outlook.effect, "difference", &mut reasons),
        planned_persons_proposed: told(outlook.planned_persons, "planned_persons_proposed", &mut reasons).map(whole),
        splits: outlook.splits.iter().map(|split| split_power(split, outlook)).collect(),
        reasons,
    }
}

/// How a split is written, and read.
pub(crate) fn split_word(split: Split) -> String {
    match split {
        Split::Current => "current".to_owned(),
        Split::Parts(control, arm) => format!("{control}:{arm}"),
    }
}

fn split_power(split: &SplitOutlook, arm: &ArmOutlook) -> SplitPower {
    SplitPower {
        split: split_word(split.split),
        share: split.share,
        continues: split.continues,
        normal_theory_from: split.trusted_from.ok().map(whole),
        methods: split.methods.iter().map(|method| method_power(method, split, arm)).collect(),
    }
}

fn statement(method: Method) -> &'static str {
    match method {
        Method::Sequential => {
            "a verdict at any reading up to then, by the corrected confidence sequence read after every person"
        }
        Method::Frequentist => "a verdict at one reading, by Welch's test",
        Method::Bayesian => {
            "a chance to beat control beyond the confidence at one reading: with a flat prior that is the one-sided test of the \
             lift (of the difference for rates without a covariate), so the two-sided statement at 2 x confidence - 1, not \
             adjusted for the number of comparisons"
        }
    }
}

/// Names the numbers that are told of fewer persons than normal theory asks for.
fn warning(method: &MethodOutlook, split: &SplitOutlook, persons: u64) -> Option<String> {
    let now = !split.trusts(persons as f64);
    let needed = method.needed.is_ok_and(|needed| !split.trusts(needed.total));
    let numbers = [
        ("power_now", now && method.power.is_ok()),
        ("minimum_detectable", now && method.detectable.is_ok()),
        ("persons_needed", needed),
        ("more_persons", needed && method.more.is_ok()),
        ("days", needed && method.days.is_ok()),
    ];
    let named = numbers.iter().filter(|(_, is_told)| *is_told).map(|(name, _)| (*name).to_owned());
    let mut named: Vec<String> = named.collect();
    let mut few = method.by_persons.iter().filter(|(persons, power)| power.is_ok() && !split.trusts(*persons));
    if let Some((persons, _)) = few.next_back() {
        named.push(format!("by_persons up to {persons}"));
    }
    let named = (!named.is_empty()).then(|| named.join(", "))?;
    Some(match split.trusted_from {
        Ok(from) => format!(
            "{named}: of fewer persons than normal theory asks for ({} of both arms at this split: 355 x skewness², and 200 who \
             contribute, in the smaller one); the power that the experiment has there may differ by many points, so plan with more \
             persons, or give a metric of values a cap",
            whole(from)
        ),
        Err(reason) => format!("{named}: how many persons normal theory asks for can't be said ({reason})"),
    })
}

fn method_power(method: &MethodOutlook, split: &SplitOutlook, arm: &ArmOutlook) -> MethodPower {
    let mut reasons = Reasons::new();
    let difference = told(method.detectable, "minimum_detectable", &mut reasons);
    let lift = difference.zip(arm.value.ok()).map(|(difference, value)| difference / value.abs());
    let lift = lift.filter(|lift| lift.is_finite());
    if difference.is_some() && lift.is_none() {
        reasons.insert("minimum_detectable.lift", Undefined::ZeroControl.to_string());
    }
    let needed = told(method.needed, "persons_needed", &mut reasons);
    MethodPower {
        method: method.method.word(),
        statement: statement(method.method),
        confidence: method.confidence,
        minimum_detectable: EffectInfo { difference, lift },
        power_now: told(method.power, "power_now", &mut reasons),
        persons_needed: needed.map(|persons| PersonsInfo {
            total: whole(persons.total),
            control: persons.control,
            arm: persons.treatment,
        }),
        more_persons: told(method.more, "more_persons", &mut reasons).map(whole),
        days: told(method.days, "days", &mut reasons),
        by_persons: method
            .by_persons
            .iter()
            .map(|(persons, power)| PowerAt {
                persons: whole(*persons),
                power: power.ok(),
                reason: power.err().map(|reason| reason.to_string()),
            })
            .collect(),
        warning: warning(method, split, arm.persons),
        reasons,
    }
}

/// The number, or null and the reason under its name.
fn told<T>(number: Result<T, Undefined>, name: &'static str, reasons: &mut Reasons) -> Option<T> {
    number.map_err(|reason| reasons.insert(name, reason.to_string())).ok()
}

/// Persons, rounded up.
fn whole(persons: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a double to a whole saturates")]
    let whole = persons.ceil() as u64;
    whole
}
