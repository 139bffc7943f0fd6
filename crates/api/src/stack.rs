//! What surrounds every route, from the outside in: the request's id, the trace, the counters and the problem
//! documents; the headers of every answer; the drain; the net under panics; compression of answers; the deadline.

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tracing::Instrument;

use crate::drain::drain_refused;
use crate::ids;
use crate::problem::ApiError;
use crate::state::AppState;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_RETRY_COUNT: HeaderName = HeaderName::from_static("x-retry-count");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Puts the stack around the routes.
pub(crate) fn wrap(routes: Router<AppState>, state: AppState) -> Router {
    // As one layer: a router copies each of its layers with every request.
    let stack = ServiceBuilder::new()
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION, header::COOKIE, X_API_KEY]))
        .layer(from_fn_with_state(state.clone(), observe))
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a handler panicked");
            ApiError::internal().into_response()
        }))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(state.clone(), deadline));
    routes.fallback(unknown_route).layer(stack).with_state(state)
}

/// Web pages of any origin may post events: the key that they carry can do nothing else.
pub(crate) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            X_RETRY_COUNT,
            X_API_KEY,
            X_REQUEST_ID,
            HeaderName::from_static("anonymousid"),
        ])
        .expose_headers([header::RETRY_AFTER, X_REQUEST_ID])
        .max_age(Duration::from_hours(24))
}

/// The id, the trace, the counters; and the answer to whatever was refused, by a handler or by the framework.
async fn observe(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = tokio::time::Instant::now();
    let id = request_id(request.headers()).unwrap_or_else(|| ids::fresh(state.now()).hyphenated().to_string());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    if retry_count(request.headers()) > 0 {
        state.telemetry.retried();
    }
    // The query stays out of the trace: it may name persons. So do bodies and headers.
    let span = tracing::info_span!("request", request_id = %id, %method, route);
    let answered = guarded(drain_refused(&state, request, next).instrument(span.clone()).await);
    let mut response = as_problem(answered, &method, &id, &path);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let status = response.status();
    let took = started.elapsed();
    state.telemetry.answered(method.as_str(), &route, status.as_u16(), took);
    span.in_scope(|| {
        // That it is not ready is what /readyz is asked for, again and again.
        if status.is_server_error() && route != "/readyz" {
            tracing::warn!(status = status.as_u16(), micros = took.as_micros(), "answered");
        } else {
            tracing::debug!(status = status.as_u16(), micros = took.as_micros(), "answered");
        }
    });
    response
}

/// A refusal becomes its document; the headers that it gathered on its way out stay. The framework refuses methods
/// without a word: a handler in its place would also answer the preflight requests of browsers.
fn as_problem(mut response: Response, method: &Method, id: &str, path: &str) -> Response {
    let error = match response.extensions_mut().remove::<ApiError>() {
        Some(error) => error,
        None if response.status() == StatusCode::METHOD_NOT_ALLOWED => wrong_method(method),
        None => return response,
    };
    let mut problem = error.render(id, path);
    for (name, value) in response.headers() {
        let about_the_body = [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING].contains(name);
        if !about_the_body && !problem.headers().contains_key(name) {
            problem.headers_mut().append(name, value.clone());
        }
    }
    problem
}

/// Headers that every answer carries.
fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    headers.entry(header::X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("DENY"));
    response
}

async fn deadline(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let limit = state.bounds.request_timeout;
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        let detail = format!("The request was not answered within {} s: try again.", limit.as_secs());
        ApiError::unavailable("request_timeout", detail, Duration::from_secs(1)).into_response()
    })
}

async fn unknown_route(request: Request) -> ApiError {
    let path: String = request.uri().path().chars().take(200).collect();
    ApiError::new(
        StatusCode::NOT_FOUND,
        "unknown_route",
        format!("There is nothing at {path}: the routes are listed in /openapi.yaml."),
    )
}

fn wrong_method(method: &Method) -> ApiError {
    let method: String = method.as_str().chars().take(20).collect();
    let detail = format!("{method} is not allowed here: use a method that the header Allow lists.");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// The id that the client gave, where it is one that can be shown anywhere.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let fits = (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte));
    fits.then(|| text.to_owned())
}

fn retry_count(headers: &HeaderMap) -> u64 {
    headers.get(X_RETRY_COUNT).and_then(|value| value.to_str().ok()?.trim().parse().ok()).unwrap_or(0)
}
