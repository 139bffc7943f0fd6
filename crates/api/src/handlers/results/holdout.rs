//! What all personalisation together brings, and how much of it its experiments show.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use metrics::inference::bonferroni_confidence;
use metrics::reading::Reading;
use metrics::report::{Inside, MetricReport, Number, Question, report, split_holdout};

use super::look::{Look, look};
use super::question::Asked;
use super::{Load, arm_key, deliver, question};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::results::build;
use crate::wire::results::holdout::{Holdout, HoldoutMetric, HoldoutPart, HoldoutSplit};
use crate::wire::results::tell_roi::claimed;

const PARAMETERS: &[&str] = &["metric", "as_of", "method", "confidence", "crossovers", "consistency"];
const IDENTIFIED: &str = "an experiment accounts for what it was randomised for inside, scaled to the treated arm; the remainder is \
                          whatever was not: interactions of the experiments, personalisation outside them, and persons who differ";
const NO_PROGRAMME: &str =
    "the experiment names no programme: define it with \"holdout\": {\"programme\": [\"key\", ..]}";

/// What all personalisation brings
///
/// A holdout exposes its persons when they are assigned, personalised later or not. `cumulative`: everyone assigned against those
/// held out, all personalisation together. `split`: what each experiment of the programme shows against its own control, scaled to
/// a person of the treated arm, and the remainder that no experiment accounts for.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/holdout", tag = "read", operation_id = "holdout",
    params(
        ("key" = String, Path, description = "The key of the holdout", min_length = 1, max_length = 255),
        ("metric" = Option<String>, Query, description = "Only this metric"),
        ("as_of" = Option<String>, Query, description = "As of the end of this day, in the tenant's time zone; without it, as of now"),
        ("method" = Option<crate::wire::schema::Method>, Query, description = "How lifts are tested; without it, as each experiment says"),
        ("confidence" = Option<f64>, Query, description = "The confidence of intervals; 0.95 where it is absent", exclusive_minimum = 0.0, exclusive_maximum = 1.0),
        ("crossovers" = Option<crate::wire::schema::Crossovers>, Query, description = "What happens to crossovers; without it, as each experiment says"),
        ("consistency" = Option<String>, Query, description = "`strong` (the default) or `eventual`", pattern = "^(strong|eventual)?$"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "The holdout", body = Holdout,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn holdout(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&uri, &headers, PARAMETERS)?;
    let own = look(&state, &tenant, key.as_str(), &asked, None).await?;
    let inside = asked.inside();
    let mut programme = Vec::new();
    for key in own.measured.definition.experiment.holdout.iter().flatten() {
        let found = match look(&state, &tenant, key.as_str(), &inside, None).await {
            Ok(found) => Some(found),
            Err(error) if error.status() == StatusCode::NOT_FOUND => None,
            Err(error) => return Err(error),
        };
        programme.push((key.as_str().to_owned(), found));
    }
    let mut route = "holdout".to_owned();
    for (key, found) in &programme {
        route.push_str(key);
        route.push_str(
            &found.as_ref().map_or_else(|| "none".to_owned(), |found| found.etag(&tenant, &inside, "inside")),
        );
    }
    let etag = own.etag(&tenant, &asked, &route);
    let now = own.now;
    let tell = move || Ok(Json(tell(&own, &asked, &inside, &programme)).into_response());
    deliver(&state, &headers, (&etag, now), Load::Light, tell).await
}

/// An experiment with its reading.
struct Told<'a> {
    look: &'a Look,
    question: Question<'a>,
    reading: &'a Reading,
}

impl<'a> Told<'a> {
    fn of(look: &'a Look, asked: &Asked) -> Self {
        let (_, _, question, _) = question(look, asked);
        Self { look, question, reading: look.everyone(look.plan.policy) }
    }

    /// The reports at another confidence.
    fn reports(&self, confidence: f64) -> Vec<MetricReport> {
        report(&Question { confidence, ..self.question }, self.reading)
    }
}

fn tell(own: &Look, asked: &Asked, inside: &Asked, programme: &[(String, Option<Look>)]) -> Holdout {
    let definition = &*own.measured.definition;
    let complete = own.measured.complete;
    let (_, checks, _, telling) = question(own, asked);
    let told = Told::of(own, asked);
    let experiments: Vec<(String, Option<Told<'_>>)> =
        programme.iter().map(|(key, look)| (key.clone(), look.as_ref().map(|look| Told::of(look, inside)))).collect();
    let metrics = if complete {
        let reports = report(&told.question, told.reading);
        let wanted = |report: &&MetricReport| own.plan.metric.is_none_or(|only| only == report.metric);
        let metric = |report: &MetricReport| HoldoutMetric {
            cumulative: build::metric(definition, report, telling),
            split: split(&told, &experiments, report.metric, asked.confidence),
        };
        reports.iter().filter(wanted).map(metric).collect()
    } else {
        Vec::new()
    };
    Holdout {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(own, definition.experiment.control),
        programme: programme.iter().map(|(key, _)| key.clone()).collect(),
        as_of: own.through.live.to_string(),
        matured_through: own.through.matured.to_string(),
        method: own.plan.method.word(),
        confidence: asked.confidence,
        fresh: own.fresh(),
        measuring: own.measuring(),
        checks: if complete { checks.iter().map(build::check).collect() } else { Vec::new() },
        reason: (!complete).then(|| build::MEASURING.to_owned()),
        metrics,
    }
}

/// Where the metric of the holdout stands in an experiment; or why it is not there.
fn place(told: &Told<'_>, inside: Option<&Told<'_>>, metric: usize) -> Result<usize, String> {
    let inside = inside.ok_or("there is no such experiment")?;
    if !inside.look.measured.complete {
        return Err(build::MEASURING.to_owned());
    }
    let (outer, inner) = (&*told.look.measured.definition, &*inside.look.measured.definition);
    let wanted = &outer.metrics[metric];
    let same = |known: &journey::Metric| known.key == wanted.key;
    let at = inner.metrics.iter().position(same).ok_or_else(|| {
        format!("it does not use the metric {}: add it, and it is measured from all events", wanted.key.as_str())
    })?;
    match (outer.window_days(metric), inner.window_days(at)) {
        (a, b) if a == b => Ok(at),
        (a, b) => {
            let days = |days: Option<u32>| days.map_or("none".to_owned(), |days| format!("{days} days"));
            Err(format!("its window is another one ({} instead of {}), so it is another amount", days(b), days(a)))
        }
    }
}

/// Why the difference to the holdout has no split.
fn refusal(told: &Told<'_>, metric: usize, programme: &[(String, Option<Told<'_>>)]) -> Option<&'static str> {
    let definition = told.question.definition;
    let kind = &definition.metrics[metric].kind;
    let adds_up = !kind.is_ratio() && !kind.is_quantile();
    if programme.is_empty() {
        Some(NO_PROGRAMME)
    } else if !adds_up {
        Some("only means and shares of persons add up over experiments, not ratios or quantiles")
    } else if definition.experiment.arms.len() > 2 {
        Some("the holdout has several treated arms, and in which of them a person of the programme is, is not tallied")
    } else {
        None
    }
}

fn split(told: &Told<'_>, programme: &[(String, Option<Told<'_>>)], metric: usize, confidence: f64) -> HoldoutSplit {
    let mut split = HoldoutSplit {
        arm: None,
        identified: IDENTIFIED,
        reason: refusal(told, metric, programme).map(str::to_owned),
        confidence_of_each: None,
        difference: None,
        experiments: Vec::new(),
        remainder: None,
    };
    if split.reason.is_some() {
        return split;
    }
    let arm = 1 - told.question.baseline;
    split.arm = Some(arm_key(told.look, arm));
    let found: Vec<Result<(usize, &Told<'_>), String>> = programme
        .iter()
        .map(|(_, inside)| {
            let at = place(told, inside.as_ref(), metric)?;
            inside.as_ref().map(|inside| (at, inside)).ok_or_else(String::new)
        })
        .collect();
    let treated_arms = |inside: &Told<'_>| inside.question.definition.experiment.arms.len() - 1;
    let intervals = 1 + found.iter().flatten().map(|(_, inside)| treated_arms(inside)).sum::<usize>();
    let each = bonferroni_confidence(confidence, intervals);
    split.confidence_of_each = Some(each);
    let outer = told.reports(each);
    let Some(total) = outer[metric].arms[arm].main.versus.as_ref() else { return split };
    split.difference = Some(claimed(&Number {
        value: total.difference.value,
        bounds: total.difference.interval.into(),
        method: total.inference.word(),
        anytime: total.anytime,
        causal: total.causal,
    }));
    let reports: Vec<(MetricReport, &Told<'_>)> =
        found.iter().flatten().map(|(at, inside)| (inside.reports(each).swap_remove(*at), *inside)).collect();
    let judged: Vec<Vec<Inside<'_>>> = reports
        .iter()
        .map(|(report, inside)| {
            let judged = report.arms.iter().filter_map(|arm| Some((arm.arm, arm.main.versus.as_ref()?)));
            judged.map(|(arm, versus)| (inside.reading.arms[arm].persons, versus)).collect()
        })
        .collect();
    let treated = told.reading.arms[arm].persons;
    let shown = split_holdout(total, treated, &judged);
    let mut parts = shown.parts.iter().zip(&judged);
    split.experiments = programme
        .iter()
        .zip(found)
        .map(|((key, _), found)| {
            let part = if found.is_ok() { parts.next() } else { None };
            let persons: i64 = part.map_or(0, |(_, arms)| arms.iter().map(|(persons, _)| *persons).sum());
            HoldoutPart {
                experiment: key.clone(),
                persons,
                share: (treated > 0 && part.is_some()).then(|| persons as f64 / treated as f64),
                difference: part.map(|(number, _)| claimed(number)),
                reason: found.err(),
            }
        })
        .collect();
    split.remainder = Some(claimed(&shown.remainder));
    split
}
