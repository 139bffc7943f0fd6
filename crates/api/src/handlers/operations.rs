//! What operators and their tools ask of the process.

use std::io::Read as _;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

use crate::problem::ApiError;
use crate::query::NoParameters;
use crate::state::AppState;
use crate::wire::operations::{Alive, Check, Ready, Version};

/// Whether the process lives
#[utoipa::path(
    get, path = "/livez", tag = "operate", operation_id = "livez",
    responses((status = 200, description = "It does", body = Alive))
)]
pub(crate) async fn livez(_: NoParameters) -> Json<Alive> {
    Json(Alive { status: "ok" })
}

/// Whether requests should be sent here
///
/// Whether an acknowledgement given now would keep its promise: the database answers, is migrated, and does not lose
/// what it commits.
#[utoipa::path(
    get, path = "/readyz", tag = "operate", operation_id = "readyz",
    responses(
        (status = 200, description = "They should", body = Ready),
        (status = 503, description = "They should not, and which check says so", body = Ready)
    )
)]
pub(crate) async fn readyz(State(state): State<AppState>, _: NoParameters) -> (StatusCode, Json<Ready>) {
    let found = state.store.ready().await;
    let stopping = state.stopping.load(Ordering::Relaxed);
    let reachable = found.unreachable.is_none();
    let check =
        |check, ok: bool, good: &str, bad: String| Check { check, ok, message: if ok { good.to_owned() } else { bad } };
    let unknown = "the database does not answer".to_owned();
    let checks = vec![
        check("process", !stopping, "it serves", "it is stopping".to_owned()),
        check("database", reachable, "it answers", unknown.clone()),
        check(
            "migrations",
            reachable && found.pending.is_empty() && found.changed.is_empty(),
            "all are applied",
            if reachable {
                format!(
                    "{} are pending, and {} were applied with another text",
                    found.pending.len(),
                    found.changed.len()
                )
            } else {
                unknown.clone()
            },
        ),
        check(
            "durability",
            reachable && found.not_durable.is_empty(),
            "what is committed is on disk",
            if reachable { found.not_durable.join(", ") } else { unknown },
        ),
    ];
    let ready = found.is_ready() && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, checks }))
}

/// Counters for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "operate", operation_id = "metrics",
    responses((status = 200, description = "OpenMetrics text; no counter carries a tenant", body = String, content_type = "application/openmetrics-text"))
)]
pub(crate) async fn metrics(State(state): State<AppState>, _: NoParameters) -> Response {
    let text = state.telemetry.text(state.in_flight.bytes());
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], text).into_response()
}

/// What is running
#[utoipa::path(
    get, path = "/version", tag = "operate", operation_id = "version",
    responses((status = 200, description = "The name and the version", body = Version))
)]
pub(crate) async fn version(_: NoParameters) -> Json<Version> {
    Json(Version { name: "journeylift", version: env!("CARGO_PKG_VERSION") })
}

/// This document
#[utoipa::path(
    get, path = "/openapi.yaml", tag = "operate", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = String, content_type = "application/yaml"))
)]
pub(crate) async fn openapi(_: NoParameters) -> Response {
    static DOCUMENT: std::sync::LazyLock<String> = std::sync::LazyLock::new(crate::openapi_yaml);
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/yaml"))], DOCUMENT.as_str()).into_response()
}

/// Everything that the page of the documentation loads comes from this service.
const CONTENT_SECURITY_POLICY: (HeaderName, HeaderValue) = (
    header::CONTENT_SECURITY_POLICY,
    HeaderValue::from_static(
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
    ),
);

/// Where to begin
#[utoipa::path(
    get, path = "/", tag = "operate", operation_id = "root",
    responses((status = 200, description = "A page that leads to the documentation", body = String, content_type = "text/html"))
)]
pub(crate) async fn root(_: NoParameters) -> Response {
    const PAGE: &str = concat!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Journeylift</title><h1>Journeylift ",
        env!("CARGO_PKG_VERSION"),
        "</h1><p>Events in, lifts with their uncertainty out.</p><ul><li><a href=\"/docs\">Documentation</a></li>",
        "<li><a href=\"/openapi.yaml\">OpenAPI document</a></li></ul></html>\n",
    );
    let nothing_else = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    ([(header::CONTENT_SECURITY_POLICY, nothing_else)], axum::response::Html(PAGE)).into_response()
}

/// This document, to be read
#[utoipa::path(
    get, path = "/docs", tag = "operate", operation_id = "docs",
    responses((status = 200, description = "A page; it loads nothing from elsewhere", body = String, content_type = "text/html"))
)]
pub(crate) async fn docs(_: NoParameters) -> Response {
    let configuration = serde_json::json!({
        "url": "/openapi.yaml",
        "withDefaultFonts": false,
        "telemetry": false,
        "agent": { "disabled": true },
        "mcp": { "disabled": true },
        "hideClientButton": true,
        "showDeveloperTools": "never",
        "metaData": { "title": "Journeylift" },
    });
    let page = scalar_api_reference::scalar_html(&configuration, Some("/docs/scalar.js"));
    ([CONTENT_SECURITY_POLICY], axum::response::Html(page)).into_response()
}

/// The program of the documentation's page
#[utoipa::path(
    get, path = "/docs/scalar.js", tag = "operate", operation_id = "docs_program",
    responses((status = 200, description = "JavaScript", body = String, content_type = "text/javascript"))
)]
pub(crate) async fn docs_program(_: NoParameters, asked: HeaderMap) -> Result<Response, ApiError> {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400")),
        (header::VARY, HeaderValue::from_static("Accept-Encoding")),
    ];
    if takes_gzip(&asked) {
        let packed = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        return Ok((headers, packed, PROGRAM).into_response());
    }
    let mut program = Vec::new();
    GzDecoder::new(PROGRAM).read_to_end(&mut program).map_err(|_| ApiError::internal())?;
    Ok((headers, program).into_response())
}

/// The program, as it was packed when the service was built.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/scalar.js.gz"));

/// Whether the client reads gzip: it names it, and not to refuse it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f64>);
        named && weight.is_ok_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_whoever_reads_it() {
        let takes = |text: &str| {
            takes_gzip(&[(header::ACCEPT_ENCODING, text.parse().unwrap())].into_iter().collect::<HeaderMap>())
        };
        assert!(takes("gzip") && takes("deflate, GZIP;q=0.5, br") && takes("br;q=1.0, gzip; q=0.8"));
        assert!(!takes("") && !takes("br") && !takes("gzip;q=0") && !takes("gzip; q=0.0, br") && !takes("x-gzip"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn the_program_of_the_page_unpacks() {
        let mut program = String::new();
        GzDecoder::new(PROGRAM).read_to_string(&mut program).unwrap();
        assert_eq!(program.as_bytes(), scalar_api_reference::get_asset("scalar.js").unwrap());
    }
}
