//! Sums that the caller brings.

use axum::Json;

use crate::analysis;
use crate::auth::Read;
use crate::document::Document;
use crate::problem::ApiError;
use crate::query::NoParameters;
use crate::wire::analysis::AnalysisSchema;
use crate::wire::results::MetricResult;

/// Analyse sums of your own
///
/// The inference of results on sums that the request brings, or on published counts, means and variances. Nothing is stored.
/// The answer is one entry of `metrics` of the results of an experiment. Sums that no persons can have are refused.
#[utoipa::path(
    post, path = "/v1/analyze", tag = "read", operation_id = "analyze",
    request_body = AnalysisSchema,
    responses((status = 200, description = "What the sums amount to", body = MetricResult)),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn analyze(
    Read(_tenant): Read,
    _: NoParameters,
    Document(json): Document,
) -> Result<Json<MetricResult>, ApiError> {
    Ok(Json(analysis::of(json)?.0))
}
