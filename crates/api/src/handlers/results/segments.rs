//! For whom an experiment works: one metric by the values of a dimension.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::Role;
use metrics::report::{Maturity, Question, segments as segments_of};
use utoipa::IntoParams;

use super::described::{AsOf, Held, OfComparison, OfExperiment, OfPersons, OfReading, Otherwise};
use super::look::Look;
use super::question::{Asked, SEGMENTS};
use super::{Asking, Load, answer, arm_key, breakdown, question, table};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::results::build::{self, Telling};
use crate::wire::results::{SegmentsAnswer, csv, explain, tell_segments};

/// The parameters of segments, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one; this is their description")]
pub(crate) struct OfSegments {
    /// The dimension of the experiment by whose values it is asked.
    #[param(min_length = 1)]
    by: String,
    /// The metric; without it, the first primary one.
    metric: Option<String>,
    /// How many values are told one by one, the largest; the others are told together. 50 where it is absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// For whom it works
///
/// One metric by the values of a dimension that was known at the first exposure: each value's lift; whether values respond
/// differently; what lift to expect of each once chance is taken out; and who responded best, named only where it beats the rest
/// after Holm's correction. Where the arms are composed differently by the dimension, the check `sample_ratio_by_dimension`
/// says so and there is no verdict. `Accept: text/csv` gives the same as a table.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/segments", tag = "read", operation_id = "segments",
    params(
        OfExperiment,
        OfSegments, AsOf, OfReading, OfComparison, OfPersons,
        Held
    ),
    responses(
        (status = 200, description = "The values", content((SegmentsAnswer = "application/json"), (String = "text/csv")),
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is; when they were asked for (`fresh.through`) may differ"))),
        Otherwise
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn segments(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&uri, &headers, SEGMENTS)?;
    if asked.by.is_none() {
        let detail = "it is missing: name a dimension of the experiment, such as by=device";
        return Err(ApiError::parameter("missing_parameter", "by", detail));
    }
    let asking = Asking { asked, route: "segments".to_owned(), detail: None, load: Load::Heavy };
    answer(&state, &tenant, &key, &headers, asking, |look, asked| {
        let told = tell(look, asked)?;
        Ok(if asked.csv { table(csv::of_segments(&told)) } else { Json(told).into_response() })
    })
    .await
}

fn tell(look: &Look, asked: &Asked) -> Result<SegmentsAnswer, ApiError> {
    let definition = &*look.measured.definition;
    let uses = &definition.experiment.metrics;
    let metric =
        look.plan.metric.unwrap_or_else(|| uses.iter().position(|used| used.role == Role::Primary).unwrap_or(0));
    let Some(named) = definition.metrics.get(metric) else {
        return Err(ApiError::bad_request("no_metrics", "The experiment uses no metric, so it has no segments."));
    };
    let (_, mut found, question, telling) = question(look, asked);
    let question = Question { weights: look.weights_by_value(), ..question };
    let composition = breakdown::composition(look);
    let composed_alike = composition.as_ref().is_none_or(|check| check.ok);
    found.extend(composition);
    let groups = breakdown::groups(look, asked.limit.unwrap_or(breakdown::SHOWN));
    let report = groups.as_ref().ok().map(|groups| segments_of(&question, metric, groups, composed_alike));
    // How fast the persons with one value join is not known.
    let telling = Telling { persons_per_day: None, ..telling };
    let windowed = definition.window_days(metric).is_some();
    Ok(SegmentsAnswer {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        baseline: arm_key(look, look.plan.baseline),
        dimension: asked.by.clone().unwrap_or_default(),
        metric: named.key.as_str().to_owned(),
        kind: named.kind.word(),
        goal: named.goal.word(),
        role: uses[metric].role.word(),
        as_of: look.through.live.to_string(),
        matured_through: look.through.matured.to_string(),
        method: look.plan.method.word(),
        confidence: asked.confidence,
        crossovers: look.plan.policy.word(),
        maturity: build::maturity_word(if windowed { asked.maturity } else { Maturity::Live }),
        fresh: look.fresh(),
        measuring: look.measuring(),
        exploratory: look.plan.exploratory,
        checks: if look.measured.complete { found.iter().map(build::check).collect() } else { Vec::new() },
        reason: groups.err(),
        values: report.as_ref().map(|report| tell_segments::values(definition, report, telling)),
        comparisons: report.as_ref().map_or(Vec::new(), |report| {
            report.arms.iter().map(|arm| tell_segments::comparison(definition, report, arm)).collect()
        }),
        explain: asked.explain.then(|| explain::formulas_of_segments(look.plan.method)),
    })
}
