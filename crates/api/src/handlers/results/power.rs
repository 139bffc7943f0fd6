//! How sure an experiment could become, and when.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{CrossoverPolicy, Role};
use metrics::reading::{Through, nobody};
use metrics::report::{Course, Goals, Question, Split, outlook};
use utoipa::IntoParams;

use super::described::{AsOf, Held, OfExperiment, OfReading, Otherwise};
use super::look::Look;
use super::question::Asked;
use super::{Asking, Load, answer};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::state::AppState;
use crate::wire::power::{PlannedEffect, Power, Traffic, arms, maturity, split_word};
use crate::wire::results::build::has_covariate;

/// The parameters, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one; this is their description")]
pub(crate) struct PowerParams {
    /// The metric; without it, the first primary one.
    metric: Option<String>,
    /// How persons are split between control and arm: `current` (the weights), or parts such as `90:10`; without it,
    /// `current`, `50:50` and `90:10`.
    #[param(pattern = "^(current|[0-9]+(\\.[0-9]+)?:[0-9]+(\\.[0-9]+)?)?$")]
    split: Option<String>,
    /// The probability of a verdict that is planned for; 0.8 where it is absent.
    #[param(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    power: Option<f64>,
    /// The effect that is planned for, relative to control, as a fraction above 0; 0.05 where it is absent.
    #[param(exclusive_minimum = 0.0)]
    mde: Option<f64>,
}

const PARAMETERS: &[&str] = &["metric", "split", "power", "mde", "confidence", "as_of", "consistency"];
const POWER: &str = "a number between 1 - confidence and 1, such as 0.8";
const EFFECT: &str = "a fraction above 0 and at most 1000, such as 0.05 for 5 %";
const SPLIT: &str = "current, or the parts of control and arm above 0, such as 90:10";
/// The effect that is planned for where none is asked for.
const DEFAULT_EFFECT: f64 = 0.05;

/// How sure an experiment could become, and when
///
/// For each arm, split and method: the smallest effect that today's persons show, the persons and days that an effect still
/// needs, the power at rising numbers of persons, and the planned number of persons (N*) that fits. Variance and pace are those
/// of the traffic seen.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/power", tag = "read", operation_id = "power",
    params(
        OfExperiment,
        PowerParams, AsOf, OfReading,
        Held
    ),
    responses(
        (status = 200, description = "The outlook", body = Power,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is; when they were asked for (`fresh.through`) may differ"))),
        Otherwise
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn power(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&uri, &headers, PARAMETERS)?;
    let wanted = Wanted::read(&uri, asked.confidence)?;
    // Solving for persons at every split takes a good part of a second.
    let asking = Asking { asked, route: wanted.fingerprint(), detail: None, load: Load::Heavy };
    answer(&state, &tenant, &key, &headers, asking, move |look, asked| {
        Ok(Json(tell(look, asked, &wanted)?).into_response())
    })
    .await
}

/// What is to be planned for.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    power: f64,
    effect: Option<f64>,
    splits: Vec<Split>,
}

impl Wanted {
    fn read(uri: &Uri, confidence: f64) -> Result<Self, ApiError> {
        let mut parameters = Parameters::of(uri, PARAMETERS)?;
        let power: f64 = parameters.parse("power", POWER)?.unwrap_or(0.8);
        if !(power > 1.0 - confidence && power < 1.0) {
            return Err(invalid("power", &power.to_string(), POWER));
        }
        let effect: Option<f64> = parameters.parse("mde", EFFECT)?;
        if let Some(effect) = effect.filter(|effect| !(*effect > 0.0 && *effect <= 1_000.0)) {
            return Err(invalid("mde", &effect.to_string(), EFFECT));
        }
        let splits = match parameters.text("split") {
            None => vec![Split::Current, Split::Parts(50.0, 50.0), Split::Parts(90.0, 10.0)],
            Some(text) => vec![split(&text).ok_or_else(|| invalid("split", &text, SPLIT))?],
        };
        Ok(Self { power, effect, splits })
    }

    fn fingerprint(&self) -> String {
        let splits: Vec<String> = self.splits.iter().map(|split| split_word(*split)).collect();
        let effect = self.effect.map_or("default".to_owned(), |effect| effect.to_bits().to_string());
        format!("power {} {effect} {}", self.power.to_bits(), splits.join(" "))
    }
}

fn split(text: &str) -> Option<Split> {
    if text == "current" {
        return Some(Split::Current);
    }
    let (control, arm) = text.split_once(':')?;
    let part = |text: &str| text.parse::<f64>().ok().filter(|part| (1e-6..=1e6).contains(part));
    Some(Split::Parts(part(control)?, part(arm)?))
}

fn tell(look: &Look, asked: &Asked, wanted: &Wanted) -> Result<Power, ApiError> {
    let definition = &*look.measured.definition;
    let experiment = &definition.experiment;
    let first = || experiment.metrics.iter().position(|used| used.role == Role::Primary).unwrap_or(0);
    let metric = look.plan.metric.unwrap_or_else(first);
    let (Some(named), Some(used)) = (definition.metrics.get(metric), experiment.metrics.get(metric)) else {
        return Err(ApiError::bad_request(
            "no_metrics",
            "The experiment uses no metric, so there is nothing to plan for.",
        ));
    };
    let complete = look.measured.complete;
    let pace = |live| {
        let through = Through { live, matured: live, ..look.through };
        let rows = look.measured.everyone.iter().filter(|_| complete).map(|(key, row)| (key, row));
        Course::of(definition, rows, through).persons_per_day()
    };
    // Today is not over; it counts only where there was no day before.
    let per_day = pace(look.through.matured).or_else(|| pace(look.through.live)).filter(|per_day| *per_day > 0.0);
    let question = Question { confidence: asked.confidence, ..Question::planned(definition) };
    let effect = wanted.effect.unwrap_or(DEFAULT_EFFECT);
    let goals = Goals { effect, power: wanted.power, splits: wanted.splits.clone(), persons_per_day: per_day };
    // Half of the persons would not be a smaller experiment, but another one.
    let nothing = nobody(definition, look.through);
    let reading = if complete { look.everyone(CrossoverPolicy::First) } else { &nothing };
    let outlook = outlook(&question, reading, metric, &goals);
    let reason = match (per_day, complete) {
        (Some(_), _) => None,
        (None, false) => Some("the experiment is being measured for the first time: ask again in a moment".to_owned()),
        (None, true) => Some(metrics::inference::Undefined::NoTraffic.to_string()),
    };
    Ok(Power {
        experiment: experiment.key.as_str().to_owned(),
        control: experiment.arms[experiment.control].key.as_str().to_owned(),
        metric: named.key.as_str().to_owned(),
        kind: named.kind.word(),
        goal: named.goal.word(),
        method: experiment.method.word(),
        confidence: asked.confidence,
        power: wanted.power,
        mde: PlannedEffect { lift: effect, from: if wanted.effect.is_some() { "asked" } else { "default" } },
        planned_persons: experiment.planned_persons,
        maturity: maturity(&outlook),
        window_days: definition.window_days(metric),
        cuped: used.cuped && has_covariate(&named.kind),
        comparisons: outlook.comparisons,
        traffic: Traffic { persons_per_day: per_day, reason },
        fresh: look.fresh(),
        measuring: look.measuring(),
        arms: arms(experiment, &outlook),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(query: &str) -> Result<Wanted, ApiError> {
        Wanted::read(&format!("/x{query}").parse().unwrap(), 0.95)
    }

    #[test]
    fn everything_has_a_default_and_a_place_in_the_fingerprint() {
        let plain = wanted("").unwrap();
        assert_eq!((plain.power, plain.effect, plain.splits.len()), (0.8, None, 3));
        for query in ["?power=0.9", "?mde=0.05", "?split=current", "?split=90:10"] {
            assert_ne!(wanted(query).unwrap().fingerprint(), plain.fingerprint(), "{query}");
        }
        assert_eq!(wanted("?split=1:4").unwrap().splits, [Split::Parts(1.0, 4.0)]);
    }

    #[test]
    fn what_no_plan_can_be_is_refused() {
        for query in [
            "?power=1",
            "?power=0.01",
            "?power=x",
            "?mde=0",
            "?mde=-0.1",
            "?mde=NaN",
            "?mde=1e9",
            "?split=50",
            "?split=0:1",
            "?split=a:b",
            "?split=1:inf",
            "?goal=increase",
        ] {
            assert!(wanted(query).is_err(), "{query}");
        }
    }
}
