//! Experiments.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journey::{Invalid, Name};
use store::{Change, DefinitionError, Fixed, Measuring};

use super::gone;
use crate::auth::{Admin, Read};
use crate::document::{Document, KeyInPath};
use crate::problem::ApiError;
use crate::query::{NoParameters, Page, PageParams};
use crate::wire::experiment::{self, ExperimentInfo, ExperimentSchema, MeasuringInfo};
use crate::wire::list::List;
use crate::wire::problem::Fault;

/// What a refusal of the store says to the client.
pub(crate) fn refused(error: DefinitionError) -> ApiError {
    match error {
        DefinitionError::UnknownMetric { index, key } => {
            let detail =
                format!("\"{}\" is no metric: define it first, with PUT /v1/metrics/ and its key", key.as_str());
            ApiError::invalid(Invalid::new("unknown_metric", format!("/metrics/{index}"), detail))
        }
        DefinitionError::InUse(experiments) => {
            let keys: Vec<&str> = experiments.iter().map(Name::as_str).collect();
            let detail = format!("The metric is used by {}: take it out there first.", keys.join(", "));
            ApiError::new(StatusCode::CONFLICT, "metric_in_use", detail)
        }
        DefinitionError::Frozen { reason } => {
            ApiError::new(StatusCode::CONFLICT, "experiment_archived", format!("The experiment is archived: {reason}."))
        }
        DefinitionError::Planned(fixed) => planned(&fixed),
        DefinitionError::Invalid(refusal) => ApiError::invalid(refusal),
        DefinitionError::Building => {
            let detail = "The experiment is being measured: archive it when `measuring` is null.";
            ApiError::new(StatusCode::CONFLICT, "still_measuring", detail)
        }
        DefinitionError::Store(error) => ApiError::store(&error),
    }
}

/// The refusal of another plan after the first exposure has counted.
fn planned(fixed: &[Fixed]) -> ApiError {
    let faults = fixed.iter().map(|part| {
        let other_reading = match part.field.as_str() {
            "method" => format!("read results with ?method={}, which are marked exploratory", part.sent),
            "planned_persons" => "give the sums of results to POST /v1/analyze with another planned_persons".to_owned(),
            _ => format!("read results with ?cuped={}, which are marked exploratory", part.sent),
        };
        Fault {
            pointer: part.pointer.clone(),
            parameter: None,
            code: "plan_fixed".to_owned(),
            detail: format!(
                "{} is {} and cannot become {}, because an exposure counts already: send {}, {other_reading}, or define a \
                 new experiment",
                part.field, part.stored, part.sent, part.stored
            ),
        }
    });
    let names: Vec<&str> = fixed.iter().map(|part| part.field.as_str()).collect();
    let detail = format!(
        "How the experiment is judged was fixed by its first exposure, and this would change it: {}. What may be sent, and what \
         else can be done, stands in errors.",
        names.join(", ")
    );
    ApiError::new(StatusCode::CONFLICT, "plan_fixed", detail).with_faults(faults)
}

/// The status of a change.
pub(crate) fn status(change: Change) -> StatusCode {
    if change == Change::Created { StatusCode::CREATED } else { StatusCode::OK }
}

fn measuring(measuring: Option<Measuring>) -> Option<MeasuringInfo> {
    let count = |subjects| u64::try_from(subjects).unwrap_or(0);
    measuring.map(|measuring| MeasuringInfo { done: count(measuring.done), of: count(measuring.of) })
}

/// Define an experiment
///
/// Makes it, or changes it. A change of what is measured builds a new version beside the old one, from the events that
/// are stored; answers come from the old one until the new one is complete (`measuring`). How it is judged (`method`,
/// `planned_persons`, `cuped` of its metrics) is fixed by the first exposure that counts. Other weights of a running experiment
/// begin a new phase from now on, which the answer shows in `phases`: results then compare arms within phases. Where the
/// assignment changed at another moment, or will, say so with `phases`.
#[utoipa::path(
    put, path = "/v1/experiments/{key}", tag = "configure", operation_id = "put_experiment",
    params(("key" = String, Path, description = "The experiment's key, as exposures name it", min_length = 1, max_length = 255)),
    request_body = ExperimentSchema,
    responses(
        (status = 200, description = "It was changed, or is the same", body = ExperimentInfo),
        (status = 201, description = "It was made", body = ExperimentInfo),
        (status = 409, description = "It is archived, or cannot be archived before it is measured; or it has exposures that count, \
            and its method, planned persons or the covariate adjustment of a metric would change")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn put(
    Admin(tenant): Admin,
    KeyInPath(key): KeyInPath,
    _: NoParameters,
    Document(json): Document,
) -> Result<Response, ApiError> {
    let experiment = experiment::read(key.clone(), json)?;
    let change = tenant.put_experiment(experiment.clone()).await.map_err(refused)?;
    let stored = tenant.experiment(key.as_str()).await?;
    let (stored, progress) = stored.unwrap_or((experiment, None));
    Ok((status(change), Json(experiment::info(&stored, measuring(progress)))).into_response())
}

/// Read an experiment
#[utoipa::path(
    get, path = "/v1/experiments/{key}", tag = "configure", operation_id = "get_experiment",
    params(("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255)),
    responses((status = 200, description = "The experiment", body = ExperimentInfo), (status = 404, description = "There is no such experiment")),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn get(
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    _: NoParameters,
) -> Result<Json<ExperimentInfo>, ApiError> {
    let (experiment, progress) =
        tenant.experiment(key.as_str()).await?.ok_or_else(|| ApiError::not_found("experiment"))?;
    Ok(Json(experiment::info(&experiment, measuring(progress))))
}

/// Delete an experiment
///
/// Its results go with it; the events stay.
#[utoipa::path(
    delete, path = "/v1/experiments/{key}", tag = "configure", operation_id = "delete_experiment",
    params(("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255)),
    responses((status = 204, description = "It is gone"), (status = 404, description = "There is no such experiment")),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn delete(
    Admin(tenant): Admin,
    KeyInPath(key): KeyInPath,
    _: NoParameters,
) -> Result<StatusCode, ApiError> {
    gone(tenant.delete_experiment(key.as_str()).await.map_err(refused)?, "experiment")
}

/// List experiments
///
/// By key.
#[utoipa::path(
    get, path = "/v1/experiments", tag = "configure", operation_id = "list_experiments",
    params(PageParams),
    responses((status = 200, description = "A part of the list", body = List<ExperimentInfo>)),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list(Read(tenant): Read, page: Page) -> Result<Json<List<ExperimentInfo>>, ApiError> {
    let found = tenant.experiments(page.limit, page.after.as_deref()).await?;
    let data = found.items.iter().map(|(experiment, progress)| experiment::info(experiment, measuring(*progress)));
    Ok(Json(List::new(data.collect(), found.next.as_deref())))
}
