//! Events in the native format.

use axum::Json;
use axum::extract::{FromRequest, Request, State};

use crate::auth::Ingest;
use crate::body::{self, MediaType};
use crate::collect::native;
use crate::collect::outcome::{self, Outcomes, Sorted};
use crate::collect::split::{self, Shape, Split};
use crate::problem::ApiError;
use crate::query::NoParameters;
use crate::state::AppState;
use crate::wire::event::{Collected, EventBatchSchema};

const MEDIA_TYPES: &[&str] = &["application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"];

/// A body of events, each read and validated.
pub(crate) struct Events {
    sorted: Sorted,
    shape: Shape,
    bytes: usize,
    _received: body::Received,
}

impl FromRequest<AppState> for Events {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let media_type = MediaType::of(&parts.headers, MEDIA_TYPES)?;
        let lines = matches!(&media_type, MediaType::Known(known) if known != "application/json");
        let received = body::receive(state, &parts.headers, body, state.bounds.batch_bytes).await?;
        let text = received.bytes.as_slice();
        media_type.check(text, MEDIA_TYPES)?;
        let Split { shape, elements } =
            split::split(text, lines, state.bounds.batch_events).map_err(|fault| outcome::uncut(text, fault, state))?;
        if elements.is_empty() {
            return Err(outcome::uncut(text, split::Fault::Empty, state));
        }
        let times = (state.limits, state.now());
        let sorted = outcome::sort(text, elements, &state.bounds, times, native::draft, |refusal| refusal);
        Ok(Self { sorted, shape, bytes: text.len(), _received: received })
    }
}

fn answer(outcomes: &Outcomes, shape: Shape) -> Result<Json<Collected>, ApiError> {
    outcomes.all_refused(shape).map_or_else(|| Ok(Json(outcomes.collected())), Err)
}

/// Collect events
///
/// Takes an array of events, an object with `events`, one event, or NDJSON (by its media type, or because several objects
/// stand on lines of their own); as it is, or encoded with gzip or zstd. An event that cannot be taken is refused alone,
/// with its index, pointer and reason; 400 where every one is, or where the brackets of the body do not close, and then
/// nothing was stored. The answer comes when the accepted events are durable. An event counts once per `event_id`: sending
/// a request again is always safe.
#[utoipa::path(
    post, path = "/v1/events", tag = "collect", operation_id = "collect_events",
    request_body(content((EventBatchSchema = "application/json"), (String = "application/x-ndjson")), description = "Events: at most 5 000, 4 MiB as sent and decoded, 32 KiB each"),
    responses((status = 200, description = "What became of each event", body = Collected)),
    security(("bearer" = []), ("basic" = []), ("api_key" = []))
)]
pub(crate) async fn collect(
    State(state): State<AppState>,
    Ingest(tenant): Ingest,
    _: NoParameters,
    events: Events,
) -> Result<Json<Collected>, ApiError> {
    let outcomes = events.sorted.append(&tenant, events.bytes).await?;
    state.telemetry.collected(&outcomes);
    answer(&outcomes, events.shape)
}

/// Validate events
///
/// Answers what collecting the same body would, without storing anything. Whether an event was stored before is not
/// looked up: `duplicates` are those within the request.
#[utoipa::path(
    post, path = "/v1/events/validate", tag = "collect", operation_id = "validate_events",
    request_body(content((EventBatchSchema = "application/json"), (String = "application/x-ndjson")), description = "Events, as they would be collected"),
    responses((status = 200, description = "What would become of each event", body = Collected)),
    security(("bearer" = []), ("basic" = []), ("api_key" = []))
)]
pub(crate) async fn validate(_: Ingest, _: NoParameters, events: Events) -> Result<Json<Collected>, ApiError> {
    let outcomes = events.sorted.preview();
    answer(&outcomes, events.shape)
}
