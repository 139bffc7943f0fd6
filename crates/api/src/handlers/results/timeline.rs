//! What an experiment amounted to, day by day.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Role, Zone};
use metrics::report::{Maturity, timeline as points_of};

use super::described::{AsOf, Held, OfComparison, OfExperiment, OfPersons, OfReading, Otherwise};
use super::look::Look;
use super::question::{Asked, TIMELINE};
use super::{Asking, Load, Shared, answer, arm_key, question, table, within};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::results::{PointInfo, Timeline, build, csv};

/// What an experiment amounted to, day by day
///
/// One metric as of the end of every day since the first exposure: each point is what `as_of` that day gives.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/timeline", tag = "read", operation_id = "timeline",
    params(
        OfExperiment,
        Shared, AsOf, OfReading, OfComparison, OfPersons,
        Held
    ),
    responses(
        (status = 200, description = "The days", content((Timeline = "application/json"), (String = "text/csv")),
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is; when they were asked for (`fresh.through`) may differ"))),
        Otherwise
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn timeline(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&uri, &headers, TIMELINE)?;
    let zone = tenant.tenant().zone;
    let asking = Asking { asked, route: "timeline".to_owned(), detail: None, load: Load::Heavy };
    answer(&state, &tenant, &key, &headers, asking, move |look, asked| days(look, asked, zone)).await
}

fn days(look: &Look, asked: &Asked, zone: Zone) -> Result<Response, ApiError> {
    let definition = &look.measured.definition;
    let uses = &definition.experiment.metrics;
    let metric =
        look.plan.metric.unwrap_or_else(|| uses.iter().position(|used| used.role == Role::Primary).unwrap_or(0));
    let Some(named) = definition.metrics.get(metric) else {
        return Err(ApiError::bad_request("no_metrics", "The experiment uses no metric, so it has no timeline."));
    };
    let (_, _, question, telling) = question(look, asked);
    let (question, telling) = within(look, question, telling);
    let strata =
        look.measured.strata.as_ref().filter(|_| look.strata.is_some()).map(|by_value| by_value.rows.as_slice());
    let points = if look.measured.complete {
        points_of(&question, metric, &look.measured.everyone, zone, look.through, (look.plan.policy, strata))
    } else {
        Vec::new()
    };
    let windowed = definition.window_days(metric).is_some();
    let maturity = if windowed { asked.maturity } else { Maturity::Live };
    let told = Timeline {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        baseline: arm_key(look, look.plan.baseline),
        metric: named.key.as_str().to_owned(),
        method: look.plan.method.word(),
        confidence: asked.confidence,
        maturity: build::maturity_word(maturity),
        fresh: look.fresh(),
        measuring: look.measuring(),
        exploratory: look.plan.exploratory,
        points: points
            .iter()
            .map(|point| PointInfo {
                day: point.day.to_string(),
                arms: point
                    .arms
                    .iter()
                    .map(|arm| build::arm_result(definition, metric, maturity, arm, telling))
                    .collect(),
            })
            .collect(),
    };
    Ok(if asked.csv {
        table(csv::of_timeline(&told, named.kind.word(), uses[metric].role.word()))
    } else {
        Json(told).into_response()
    })
}
