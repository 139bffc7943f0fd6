//! Metrics.

use axum::Json;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use journey::Tactic;

use super::experiments::{refused, status};
use super::gone;
use crate::auth::{Admin, Read};
use crate::document::{Document, KeyInPath};
use crate::problem::ApiError;
use crate::query::{NoParameters, Page, PageParams, Parameters, invalid};
use crate::wire::catalogue::CatalogueInfo;
use crate::wire::list::List;
use crate::wire::metric::{self, MetricBodySchema, MetricInfo};

/// Define a metric
///
/// Makes it, or changes it; whole, or of a ready-made KPI with `{"from": "repeat_purchase_rate"}` and whatever is to be
/// different. A change of what is measured builds a new version of every experiment that uses it.
#[utoipa::path(
    put, path = "/v1/metrics/{key}", tag = "configure", operation_id = "put_metric",
    params(("key" = String, Path, description = "The metric's key", min_length = 1, max_length = 255)),
    request_body = MetricBodySchema,
    responses(
        (status = 200, description = "It was changed, or is the same", body = MetricInfo),
        (status = 201, description = "It was made", body = MetricInfo)
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn put(
    Admin(tenant): Admin,
    KeyInPath(key): KeyInPath,
    _: NoParameters,
    Document(json): Document,
) -> Result<Response, ApiError> {
    let metric = metric::read(key, json)?;
    let info = metric::info(&metric);
    let change = tenant.put_metric(metric).await.map_err(refused)?;
    Ok((status(change), Json(info)).into_response())
}

/// Ready-made KPIs
///
/// Definitions that work at once for events named as Segment's e-commerce, e-mail and software specifications name them, each with
/// its formula, the tactics that it suits, the events that it reads, and what to beware of.
#[utoipa::path(
    get, path = "/v1/metrics/catalogue", tag = "configure", operation_id = "metric_catalogue",
    params(("tactic" = Option<String>, Query, description = "Only those that suit this tactic", pattern = "^(onboarding|content|recommendation|offer|pricing|channel|support|behavioral|contextual|predictive)?$")),
    responses((status = 200, description = "The ready-made KPIs", body = CatalogueInfo)),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn catalogue(_: Read, uri: Uri) -> Result<Json<CatalogueInfo>, ApiError> {
    let mut parameters = Parameters::of(&uri, &["tactic"])?;
    let tactic = match parameters.text("tactic") {
        None => None,
        Some(word) => Some(Tactic::from_word(word.trim()).ok_or_else(|| {
            let words: Vec<_> = Tactic::ALL.iter().map(|tactic| tactic.word()).collect();
            invalid("tactic", &word, &format!("one of {}", words.join(", ")))
        })?),
    };
    let suits = |entry: &&crate::catalogue::Entry| tactic.is_none_or(|tactic| entry.suits(tactic));
    Ok(Json(CatalogueInfo::of(crate::catalogue::entries().filter(suits))))
}

/// Read a metric
#[utoipa::path(
    get, path = "/v1/metrics/{key}", tag = "configure", operation_id = "get_metric",
    params(("key" = String, Path, description = "The metric's key", min_length = 1, max_length = 255)),
    responses((status = 200, description = "The metric", body = MetricInfo), (status = 404, description = "There is no such metric")),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get(
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    _: NoParameters,
) -> Result<Json<MetricInfo>, ApiError> {
    let metric = tenant.get_metric(key.as_str()).await?.ok_or_else(|| ApiError::not_found("metric"))?;
    Ok(Json(metric::info(&metric)))
}

/// Delete a metric
///
/// Refused while an experiment uses it.
#[utoipa::path(
    delete, path = "/v1/metrics/{key}", tag = "configure", operation_id = "delete_metric",
    params(("key" = String, Path, description = "The metric's key", min_length = 1, max_length = 255)),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "There is no such metric"),
        (status = 409, description = "An experiment uses it")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn delete(
    Admin(tenant): Admin,
    KeyInPath(key): KeyInPath,
    _: NoParameters,
) -> Result<StatusCode, ApiError> {
    gone(tenant.delete_metric(key.as_str()).await.map_err(refused)?, "metric")
}

/// List metrics
///
/// By key.
#[utoipa::path(
    get, path = "/v1/metrics", tag = "configure", operation_id = "list_metrics",
    params(PageParams),
    responses((status = 200, description = "A part of the list", body = List<MetricInfo>)),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list(Read(tenant): Read, page: Page) -> Result<Json<List<MetricInfo>>, ApiError> {
    let found = tenant.metrics(page.limit, page.after.as_deref()).await?;
    Ok(Json(List::new(found.items.iter().map(metric::info).collect(), found.next.as_deref())))
}
