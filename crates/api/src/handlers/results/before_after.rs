//! How persons act after the exposure, compared with themselves before it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{COVARIATE_DAYS, Role};
use metrics::report::{Maturity, NOT_AN_EFFECT, Number, Scale, before_after as change_of, before_after_scale};

use super::look::Look;
use super::question::Asked;
use super::{Asking, Load, answer, arm_key};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::results::before_after::{BeforeAfter, BeforeAfterArm};
use crate::wire::results::build;
use crate::wire::results::tell_roi::claimed;

const PARAMETERS: &[&str] = &["metric", "as_of", "confidence", "crossovers", "consistency"];
const ONE_READING: &str = "paired intervals hold for one reading at a time fixed beforehand";
const CONTROL: &str = "this experiment has a control: what its arms cause is in /results, which compares them with it";

/// Before and after
///
/// How the persons of each arm act after the exposure, compared with the 14 days before it, each person held against themself. The
/// honest second best where there is no control: a change is never called better, and never an effect. Where window and time
/// before differ in length, amounts are told per day.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/before_after", tag = "read", operation_id = "before_after",
    params(
        ("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255),
        ("metric" = Option<String>, Query, description = "The metric; without it, the first primary one"),
        ("as_of" = Option<String>, Query, description = "As of the end of this day, in the tenant's time zone; without it, as of now"),
        ("confidence" = Option<f64>, Query, description = "The confidence of intervals; 0.95 where it is absent", exclusive_minimum = 0.0, exclusive_maximum = 1.0),
        ("crossovers" = Option<crate::wire::schema::Crossovers>, Query, description = "What happens to crossovers; without it, as the experiment says"),
        ("consistency" = Option<String>, Query, description = "`strong` (the default) or `eventual`", pattern = "^(strong|eventual)?$"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "The changes", body = BeforeAfter,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn before_after(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&uri, &headers, PARAMETERS)?;
    let asking = Asking { asked, route: "before_after".to_owned(), detail: None, load: Load::Light };
    answer(&state, &tenant, &key, &headers, asking, |look, asked| Ok(Json(tell(look, asked)?).into_response())).await
}

fn tell(look: &Look, asked: &Asked) -> Result<BeforeAfter, ApiError> {
    let definition = &*look.measured.definition;
    let uses = &definition.experiment.metrics;
    let first = || uses.iter().position(|used| used.role == Role::Primary).unwrap_or(0);
    let metric = look.plan.metric.unwrap_or_else(first);
    let Some(named) = definition.metrics.get(metric) else {
        return Err(ApiError::bad_request(
            "no_metrics",
            "The experiment uses no metric, so nothing has a before and after.",
        ));
    };
    let window_days = definition.window_days(metric);
    let scale = before_after_scale(definition, metric);
    let reading = look.everyone(look.plan.policy);
    let complete = look.measured.complete;
    let arms = if complete && scale.is_ok() {
        let arms = reading.arms.iter().enumerate();
        let change = |(arm, read)| Some((arm, change_of(definition, metric, read, asked.confidence).ok()?));
        arms.filter_map(change)
            .map(|(arm, found)| BeforeAfterArm {
                arm: arm_key(look, arm),
                persons: found.persons,
                before: claimed(&found.before),
                after: claimed(&found.after),
                difference: claimed(&found.difference),
                change: claimed(&found.change),
                direction: direction(&found.difference),
            })
            .collect()
    } else {
        Vec::new()
    };
    Ok(BeforeAfter {
        experiment: definition.experiment.key.as_str().to_owned(),
        metric: named.key.as_str().to_owned(),
        kind: named.kind.word(),
        goal: named.goal.word(),
        as_of: look.through.live.to_string(),
        matured_through: look.through.matured.to_string(),
        confidence: asked.confidence,
        maturity: build::maturity_word(if window_days.is_some() { Maturity::Matured } else { Maturity::Live }),
        window_days,
        before_days: COVARIATE_DAYS,
        scale: scale.ok().map(Scale::word),
        scale_note: scale.ok().map(|scale| note(scale, window_days)),
        fresh: look.fresh(),
        measuring: look.measuring(),
        causal: false,
        causal_reason: NOT_AN_EFFECT.reason,
        anytime: false,
        anytime_reason: ONE_READING,
        reason: if complete { scale.err().map(str::to_owned) } else { Some(build::MEASURING.to_owned()) },
        arms,
        note: Some(CONTROL),
    })
}

fn note(scale: Scale, window_days: Option<u32>) -> String {
    match (scale, window_days) {
        (Scale::PerDay, Some(days)) if i64::from(days) != COVARIATE_DAYS => format!(
            "{days} days after the exposure are held against {COVARIATE_DAYS} before it, so both are told per day: what wears off \
             or builds up within them does not show"
        ),
        (Scale::PerDay, _) => "amounts for each day, over windows of the same length".to_owned(),
        (Scale::Ratio, _) => {
            format!("a ratio has no length: the window is held against the {COVARIATE_DAYS} days before")
        }
        (Scale::Share, _) => "shares of persons over windows of the same length".to_owned(),
    }
}

fn direction(difference: &Number) -> &'static str {
    match (difference.bounds.low, difference.bounds.high) {
        (Ok(low), _) if low > 0.0 => "rose",
        (_, Ok(high)) if high < 0.0 => "fell",
        _ => "not_shown",
    }
}
