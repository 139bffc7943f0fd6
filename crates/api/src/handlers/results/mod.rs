//! What an experiment amounts to, now or as of a day; and what all answers about it share.

pub(crate) mod attribution;
pub(crate) mod before_after;
mod breakdown;
pub(crate) mod changes;
pub(crate) mod channels;
pub(crate) mod clv;
mod contacts;
mod described;
pub(crate) mod funnel;
pub(crate) mod holdout;
pub(crate) mod items;
mod lens;
mod look;
pub(crate) mod paths;
pub(crate) mod power;
mod question;
pub(crate) mod retention;
pub(crate) mod roi;
mod segments;
pub(crate) mod stages;
pub(crate) mod timeline;
pub(crate) mod uplift;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use journey::{CrossoverPolicy, Instant, Name};
use metrics::inference::{Interval, Undefined};
use metrics::reading::Reading;
use metrics::report::{Check, Question, Strata, checks_within, report};
use store::{Detail, TenantStore};
use tokio::sync::Semaphore;
use utoipa::IntoParams;

use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::results::build::{self, Telling};
use crate::wire::results::{IntervalInfo, PhaseArm, PhaseCounts, Results, csv, explain, tell_segments};
use described::{AsOf, Held, OfComparison, OfExperiment, OfPersons, OfReading, Otherwise};
use look::{Look, look};
use question::{Asked, RESULTS, adjust_word};
pub(crate) use segments::*;

/// The parameters that results and timelines share, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one; this is their description")]
struct Shared {
    /// Only this metric. A timeline without it is of the first primary metric.
    metric: Option<String>,
    /// How p-values are adjusted: `holm`, `bh`, `ebh` or `none`; without it, Holm over the primary metrics and
    /// Benjamini-Hochberg over the others.
    #[param(pattern = "^(holm|bh|ebh|none)?$")]
    adjust: Option<String>,
    /// Whether differences are adjusted by the same metric from before the exposure; without it, as the experiment says of
    /// each metric.
    cuped: Option<bool>,
}

/// What an experiment amounts to
///
/// For every metric and arm the KPI, and against control the difference, the lift, whether it is one, and the exact sums
/// that all of it comes from. The main fields speak of closed windows; `live` of everyone exposed. `Accept: text/csv` gives
/// the same as a table.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/results", tag = "read", operation_id = "results",
    params(
        OfExperiment,
        Shared, AsOf, OfReading, OfComparison, OfPersons,
        ("by" = Option<String>, Query, description = "Also by the values of this dimension of the experiment"),
        Held
    ),
    responses(
        (status = 200, description = "The results", content((Results = "application/json"), (String = "text/csv")),
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is; when they were asked for (`fresh.through`) may differ"))),
        Otherwise
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn results(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&uri, &headers, RESULTS)?;
    // Every value of a dimension is a report of its own.
    let load = if asked.by.is_some() { Load::Heavy } else { Load::Light };
    let asking = Asking { asked, route: "results".to_owned(), detail: None, load };
    answer(&state, &tenant, &key, &headers, asking, |look, asked| {
        let results = tell(look, asked);
        Ok(if asked.csv { table(csv::of_results(&results)) } else { Json(results).into_response() })
    })
    .await
}

/// How much arithmetic an answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    /// Less than a millisecond or a few.
    Light,
    /// So much that others would wait for the thread.
    Heavy,
}

/// So many heavy answers are told at a time; whoever gave up waiting holds none.
static HEAVY: Semaphore = Semaphore::const_new(2);

/// What an answer is of.
struct Asking {
    asked: Asked,
    /// The route with everything that is asked of it alone: a part of the validator.
    route: String,
    detail: Option<Detail<'static>>,
    load: Load,
}

/// Looks, and tells what it sees.
async fn answer(
    state: &AppState,
    tenant: &TenantStore,
    key: &Name,
    headers: &HeaderMap,
    Asking { asked, route, detail, load }: Asking,
    tell: impl FnOnce(&Look, &Asked) -> Result<Response, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    let look = look(state, tenant, key.as_str(), &asked, detail).await?;
    let etag = look.etag(tenant, &asked, &route);
    deliver(state, headers, (&etag, look.now), load, move || tell(&look, &asked)).await
}

/// Tells an answer to a question that was asked at `now`, unless the client or the service holds it already: a heavy one not on a
/// thread that others wait for.
async fn deliver(
    state: &AppState,
    headers: &HeaderMap,
    (etag, now): (&str, Instant),
    load: Load,
    tell: impl FnOnce() -> Result<Response, ApiError> + Send + 'static,
) -> Result<Response, ApiError> {
    if holds(headers, etag) {
        return cached(StatusCode::NOT_MODIFIED.into_response(), etag);
    }
    if let Some(response) = state.told.get(etag, now).await {
        return cached(response, etag);
    }
    let response = match load {
        Load::Light => tell()?,
        Load::Heavy => {
            let turn = HEAVY.acquire().await.map_err(|_| ApiError::internal())?;
            let told = tokio::task::spawn_blocking(move || {
                let told = tell();
                drop(turn);
                told
            });
            told.await.map_err(|_| ApiError::internal())??
        }
    };
    let response = state.told.keep(etag, response, now).await.map_err(|_| ApiError::internal())?;
    cached(response, etag)
}

fn told_interval(interval: Result<Interval, Undefined>) -> Option<IntervalInfo> {
    interval.ok().map(IntervalInfo::from)
}

fn arm_key(look: &Look, arm: usize) -> String {
    look.measured.definition.experiment.arms[arm].key.as_str().to_owned()
}

/// The reading of everyone in the first arm, its checks, the question, and how its answer is told.
fn question<'a>(look: &'a Look, asked: &Asked) -> (&'a Reading, Vec<Check>, Question<'a>, Telling<'a>) {
    let definition = &*look.measured.definition;
    // Checks keep crossovers in their first arm: taking them away could hide what they look for.
    let first = look.everyone(CrossoverPolicy::First);
    let course = &look.study().course;
    let strata = look.strata.as_ref().map(|[_, first]| first);
    let checks = checks_within(definition, first, course, look.measured.arrivals, strata);
    let blocked = checks.iter().any(|check| check.blocking && !check.ok);
    let question = Question {
        definition,
        baseline: look.plan.baseline,
        confidence: asked.confidence,
        adjust: asked.adjust,
        maturity: asked.maturity,
        cuped: asked.cuped,
        blocked,
        method: look.plan.method,
        policy: look.plan.policy,
        ..Question::planned(definition)
    };
    let telling = Telling { question, explain: asked.explain, persons_per_day: course.persons_per_day() };
    (first, checks, question, telling)
}

/// The question of everyone, within strata where the weights of the arms changed.
fn within<'a>(look: &'a Look, question: Question<'a>, telling: Telling<'a>) -> (Question<'a>, Telling<'a>) {
    let question = Question { weights: look.weights(), ..question };
    (question, Telling { question, ..telling })
}

fn tell(look: &Look, asked: &Asked) -> Results {
    let definition = &*look.measured.definition;
    let (_, mut found, question, telling) = question(look, asked);
    let (question, telling) = within(look, question, telling);
    let composition = breakdown::composition(look);
    let composed_alike = composition.as_ref().is_none_or(|check| check.ok);
    found.extend(composition);
    let complete = look.measured.complete;
    let reading = look.everyone(look.plan.policy);
    let wanted = |metric: usize| look.plan.metric.is_none_or(|only| only == metric);
    let metrics = if complete {
        let reports = report(&question, reading);
        reports
            .iter()
            .filter(|report| wanted(report.metric))
            .map(|report| build::metric(definition, report, telling))
            .collect()
    } else {
        let all = 0..definition.metrics.len();
        all.filter(|metric| wanted(*metric))
            .map(|at| build::unmeasured(definition, at, asked.maturity, asked.cuped))
            .collect()
    };
    let checks = if complete { found.iter().map(build::check).collect() } else { Vec::new() };
    Results {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        baseline: arm_key(look, look.plan.baseline),
        as_of: look.through.live.to_string(),
        matured_through: look.through.matured.to_string(),
        method: look.plan.method.word(),
        confidence: asked.confidence,
        adjust: adjust_word(asked.adjust),
        cuped: look.plan.cuped,
        planned_persons: definition.experiment.planned_persons,
        crossovers: look.plan.policy.word(),
        maturity: build::maturity_word(asked.maturity),
        fresh: look.fresh(),
        measuring: look.measuring(),
        exploratory: look.plan.exploratory,
        arms: build::arm_counts(&definition.experiment, complete.then_some(reading)),
        phases: phases(look),
        checks,
        metrics,
        breakdown: breakdown::breakdown(
            look,
            &Question { weights: look.weights_by_value(), ..question },
            composed_alike,
            telling,
        ),
        explain: asked.explain.then(|| explain::formulas(look.plan.method, look.plan.cuped)),
    }
}

/// The strata within which arms are compared, where the weights changed.
fn phases(look: &Look) -> Option<Vec<PhaseCounts>> {
    let definition = &look.measured.definition;
    let dimension = &definition.experiment.dimensions[definition.experiment.strata()?];
    let [_, Strata(strata)] = look.strata.as_ref()?;
    let told = strata.iter().map(|stratum| PhaseCounts {
        dimension: dimension.as_str().to_owned(),
        value: tell_segments::value_name(Some(&stratum.value)),
        arms: (0..stratum.weights.len())
            .map(|arm| PhaseArm {
                arm: arm_key(look, arm),
                weight: stratum.weights[arm],
                persons: stratum.reading.arms[arm].persons,
            })
            .collect(),
    });
    Some(told.collect())
}

/// Whether the client's copy still holds: by weak comparison, as RFC 9110 wants it of `If-None-Match`.
fn holds(headers: &HeaderMap, etag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let wanted = opaque(etag);
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).any(|one| one == "*" || opaque(one) == wanted)
}

fn table(text: String) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"))], text).into_response()
}

fn cached(mut response: Response, etag: &str) -> Result<Response, ApiError> {
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::from_str(etag).map_err(|_| ApiError::internal())?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=0, must-revalidate"));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization, X-Api-Key, Accept, Accept-Encoding"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_by_its_validator() {
        let with = |value: &str| [(header::IF_NONE_MATCH, value.parse().unwrap())].into_iter().collect::<HeaderMap>();
        let etag = "W/\"a\"";
        for copy in ["W/\"a\"", "\"a\"", "\"b\", W/\"a\"", "W/\"b\" ,\"a\"", "*"] {
            assert!(holds(&with(copy), etag), "{copy}");
        }
        for copy in ["\"b\"", "W/\"b\"", "a", "w/\"a\"", ""] {
            assert!(!holds(&with(copy), etag), "{copy}");
        }
        assert!(!holds(&HeaderMap::new(), etag));
        // A list may also stand in several headers.
        let mut several = with("\"b\"");
        several.append(header::IF_NONE_MATCH, "\"a\"".parse().unwrap());
        assert!(holds(&several, etag));
    }
}
