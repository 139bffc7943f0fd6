//! Receiving a body within its limits.

use std::error::Error;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::decode::{Decoder, Encoding, Undecodable};
use crate::problem::ApiError;
use crate::state::{AppState, Held};

/// A body that was received and decoded. Its bytes count as held until it is dropped.
#[derive(Debug)]
pub(crate) struct Received {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    _held: Held,
}

/// Receives a body of at most `limit` bytes, as it is sent and as it is decoded.
pub(crate) async fn receive(
    state: &AppState,
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
) -> Result<Received, ApiError> {
    let encoding = Encoding::from_header(headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes))
        .ok_or_else(unknown_encoding)?;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let mut decoder = Decoder::new(encoding, limit).map_err(|_| ApiError::internal())?;
    let mut held = Held::none(&state.in_flight);
    let deadline = Instant::now() + state.bounds.body_timeout;
    let mut raw = 0;
    loop {
        let frame = timeout_at(deadline, body.frame()).await.map_err(|_| too_slow(state))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| broken_off(&error))?;
        let Some(piece) = frame.data_ref() else { continue };
        raw += piece.len();
        if raw > limit {
            return Err(too_large(limit));
        }
        decoder.push(piece).map_err(|fault| undecodable(fault, limit))?;
        if !held.grow(decoder.len(), state.bounds.in_flight_bytes) {
            return Err(ApiError::unavailable(
                "overloaded",
                "The service holds as many requests as it can: try again.",
                std::time::Duration::from_secs(1),
            ));
        }
    }
    let bytes = decoder.finish().map_err(|fault| undecodable(fault, limit))?;
    Ok(Received { bytes, _held: held })
}

/// Whether the media type is one of `known`, given without parameters; no type at all is any.
pub(crate) fn check_media_type(headers: &HeaderMap, known: &[&str]) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if known.contains(&essence.as_str()) {
        return Ok(Some(essence));
    }
    let shown: String = essence.chars().take(60).collect();
    let detail = format!("The media type {shown:?} is not taken here: send Content-Type: {}.", known.join(" or "));
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail))
}

fn unknown_encoding() -> ApiError {
    let detail = "The Content-Encoding is not known here: send the body as it is, or encoded once as gzip or zstd.";
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_encoding", detail)
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, zstd"))
}

fn too_large(limit: usize) -> ApiError {
    let detail = format!("The body is larger than {limit} bytes, as sent or as decoded: send it in smaller parts.");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

fn too_slow(state: &AppState) -> ApiError {
    let seconds = state.bounds.body_timeout.as_secs();
    let detail = format!("The body did not arrive within {seconds} s: send it again.");
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
        .with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

fn broken_off(error: &dyn Error) -> ApiError {
    tracing::debug!(%error, "a body broke off");
    ApiError::bad_request("incomplete_body", "The body broke off before its end: send it again.")
}

fn undecodable(fault: Undecodable, limit: usize) -> ApiError {
    match fault {
        Undecodable::TooLarge => too_large(limit),
        Undecodable::Corrupt => ApiError::bad_request(
            "corrupt_encoding",
            "The body cannot be decoded as its Content-Encoding says: nothing of it was taken.",
        ),
    }
}
