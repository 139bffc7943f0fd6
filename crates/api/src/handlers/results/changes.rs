//! Why numbers changed since some moment.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{DAY_MICROS, Day, Instant, Role};
use metrics::reading::Through;
use metrics::report::{Maturity, Moved, changes as changes_of};
use sha2::{Digest, Sha256};
use store::{JOURNAL_DAYS, Since};

use super::look::{Look, look_since};
use super::question::Asked;
use super::{Load, arm_key, deliver, question};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::{Parameters, hex, invalid};
use crate::state::AppState;
use crate::wire::results::build;
use crate::wire::results::changes::{self as told, ChangesAnswer};

const PARAMETERS: &[&str] =
    &["since", "metric", "method", "confidence", "maturity", "baseline", "crossovers", "consistency"];

/// Why numbers changed
///
/// What one metric amounted to at some moment, what it amounts to now, and what moved it: windows that closed, new persons, further
/// events, late events, merges of persons, erasures. The parts add up to the whole, in the order in which they are applied.
/// The journal goes back 35 days; where definitions were edited since, it begins when answers came from the present version.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/changes", tag = "read", operation_id = "changes",
    params(
        ("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255),
        ("since" = String, Query, description = "Since this instant, or since the end of this day in the tenant's time zone"),
        ("metric" = Option<String>, Query, description = "The metric; without it, the first primary one"),
        ("method" = Option<String>, Query, description = "How lifts are tested; without it, as the experiment says"),
        ("confidence" = Option<f64>, Query, description = "The confidence of intervals; 0.95 where it is absent", exclusive_minimum = 0.0, exclusive_maximum = 1.0),
        ("maturity" = Option<String>, Query, description = "The reading: `matured` (closed windows, the default) or `live` (everyone exposed)", pattern = "^(matured|live)?$"),
        ("baseline" = Option<String>, Query, description = "The arm that the others are compared with; without it, control"),
        ("crossovers" = Option<String>, Query, description = "What happens to crossovers; without it, as the experiment says", pattern = "^(first|exclude)?$"),
        ("consistency" = Option<String>, Query, description = "`strong` (the default) or `eventual`", pattern = "^(strong|eventual)?$"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "What moved", body = ChangesAnswer,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn changes(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&uri, &headers, PARAMETERS)?;
    let zone = tenant.tenant().zone;
    let wanted = since(&uri, zone, state.now())?;
    let look = look_since(&state, &tenant, key.as_str(), &asked, wanted).await?;
    let moment = look.measured.journal.as_ref().map_or(wanted, |journal| journal.at);
    let moves = fingerprint(look.measured.journal.as_ref());
    let etag = look.etag(&tenant, &asked, &format!("changes {wanted} {moment} {moves}"));
    let day = zone.day_of(moment);
    let then = Through { live: day, matured: day.previous(), end: moment };
    let now = look.now;
    let tell = move || Ok(Json(tell(&look, &asked, wanted, then)?).into_response());
    deliver(&state, &headers, (&etag, now), Load::Light, tell).await
}

/// What the journal says, short: the same rows of now can have moved in other ways.
fn fingerprint(journal: Option<&Since>) -> String {
    let Some(journal) = journal else { return "nothing".to_owned() };
    let mut hash = Sha256::new();
    hash.update([u8::from(journal.is_beginning)]);
    hash.update(journal.moves.to_bytes());
    hex(&hash.finalize())
}

/// The moment that is asked for, no longer ago than the journal goes back.
fn since(uri: &Uri, zone: journey::Zone, now: Instant) -> Result<Instant, ApiError> {
    let wanted = "an instant or a day that has come, such as 2026-11-24T09:00:00Z or 2026-11-24";
    let Some(text) = Parameters::of(uri, PARAMETERS)?.text("since") else {
        return Err(ApiError::parameter("missing_parameter", "since", format!("it is missing: name {wanted}")));
    };
    let at = Instant::parse(&text, "").or_else(|_| Day::parse(&text, "").map(|day| zone.end_of(day)));
    let at = at.map_err(|_| invalid("since", &text, wanted))?;
    if at > now {
        return Err(invalid("since", &text, wanted));
    }
    Ok(at.max(Instant::from_micros(now.micros() - JOURNAL_DAYS * DAY_MICROS)))
}

fn tell(look: &Look, asked: &Asked, wanted: Instant, then: Through) -> Result<ChangesAnswer, ApiError> {
    let definition = &*look.measured.definition;
    let uses = &definition.experiment.metrics;
    let metric =
        look.plan.metric.unwrap_or_else(|| uses.iter().position(|used| used.role == Role::Primary).unwrap_or(0));
    let Some(named) = definition.metrics.get(metric) else {
        return Err(ApiError::bad_request("no_metrics", "The experiment uses no metric, so none has changed."));
    };
    let (_, _, asking, _) = question(look, asked);
    // The journal tells everyone's moves only, so phases are not told apart.
    let asking = metrics::report::Question { weights: metrics::report::Weights::of(definition), ..asking };
    let journal = look.measured.journal.as_ref().filter(|_| look.measured.complete);
    let found = journal
        .map(|journal| changes_of(&asking, metric, (&look.measured.everyone, &journal.moves), [then, look.through]));
    let windowed = definition.window_days(metric).is_some();
    let edited = journal.is_some_and(|journal| journal.is_beginning);
    let reason = match journal {
        None if !look.measured.complete => Some(build::MEASURING.to_owned()),
        None => Some("nothing was measured of this version yet".to_owned()),
        Some(_) if edited => Some(
            "answers come from the present version only since then: it was defined or edited after the moment that was asked \
             for, and before it other things were measured"
                .to_owned(),
        ),
        Some(Since { at, .. }) if *at != wanted => {
            Some("what is longer ago than some hours is told apart by whole hours".to_owned())
        }
        Some(_) => None,
    };
    Ok(ChangesAnswer {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        baseline: arm_key(look, look.plan.baseline),
        metric: named.key.as_str().to_owned(),
        kind: named.kind.word(),
        method: look.plan.method.word(),
        maturity: build::maturity_word(if windowed { asked.maturity } else { Maturity::Live }),
        since: journal.map(|journal| journal.at.to_string()),
        edited,
        reason,
        fresh: look.fresh(),
        measuring: look.measuring(),
        order: Moved::ALL.iter().map(|moved| moved.word()).collect(),
        arms: found.as_ref().map_or(Vec::new(), |found| told::arms(found, |arm| arm_key(look, arm))),
        causal: false,
        causal_reason: told::COUNTED,
        uncertainty_reason: told::EXACT,
    })
}
