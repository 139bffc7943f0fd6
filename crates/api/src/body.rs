//! Receiving a body within its limits.

use std::error::Error;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::decode::{Decoder, Encoding, Undecodable};
use crate::problem::ApiError;
use crate::state::{AppState, Bounds, Held};

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
        let frame = timeout_at(deadline, body.frame()).await.map_err(|_| too_slow(&state.bounds))?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| broken_off(&error, &state.bounds))?;
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
                Duration::from_secs(1),
            ));
        }
    }
    let bytes = decoder.finish().map_err(|fault| undecodable(fault, limit))?;
    Ok(Received { bytes, _held: held })
}

/// What tools send that were not told what the body is: `curl -d`, `fetch` with a text, programs that post a file. A body
/// of such a type is taken where it looks like JSON.
pub(crate) const NOT_TOLD: [&str; 3] = ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"];

/// The media type of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// One that the route names.
    Known(String),
    /// One of [`NOT_TOLD`].
    NotTold(String),
    /// There is none.
    Absent,
}

impl MediaType {
    /// Reads the media type, which must be one of `known` or of [`NOT_TOLD`] where there is one.
    pub(crate) fn of(headers: &HeaderMap, known: &[&str]) -> Result<Self, ApiError> {
        let text = headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("unreadable"));
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if essence.is_empty() {
            Ok(Self::Absent)
        } else if known.contains(&essence.as_str()) {
            Ok(Self::Known(essence))
        } else if NOT_TOLD.contains(&essence.as_str()) {
            Ok(Self::NotTold(essence))
        } else {
            Err(unknown_media_type(&essence, known))
        }
    }

    /// Refuses a body that does not look like JSON where nobody said that it is.
    pub(crate) fn check(&self, body: &[u8], known: &[&str]) -> Result<(), ApiError> {
        let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
        match self {
            // An empty body is refused as such.
            Self::NotTold(essence) if !matches!(text.first(), None | Some(b'{' | b'[')) => {
                Err(unknown_media_type(essence, known))
            }
            _ => Ok(()),
        }
    }
}

fn unknown_media_type(essence: &str, known: &[&str]) -> ApiError {
    let shown: String = essence.chars().take(60).collect();
    let detail = format!("The media type {shown:?} is not taken here: send Content-Type: {}.", known.join(" or "));
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
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

fn too_slow(bounds: &Bounds) -> ApiError {
    let seconds = bounds.body_timeout.as_secs();
    let detail = format!("The body stalled, or did not arrive within {seconds} s: send it again.");
    // Not 408, and not 400: client libraries drop what is answered so, and try again after 503.
    ApiError::unavailable("body_timeout", detail, Duration::from_secs(1))
        .with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

fn broken_off(error: &(dyn Error + 'static), bounds: &Bounds) -> ApiError {
    tracing::debug!(%error, "a body broke off");
    if is_timeout(error) {
        return too_slow(bounds);
    }
    ApiError::bad_request("incomplete_body", "The body broke off before its end: send it again.")
}

/// Whether nothing came for too long, wherever in the layers of the body that was noticed.
fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    let mut layer = Some(error);
    while let Some(error) = layer {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return true;
        }
        layer = error.source();
    }
    false
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_stalls_is_asked_for_again_and_one_that_breaks_off_is_not() {
        let bounds = Bounds::default();
        let refused = |kind: io::ErrorKind| {
            // As it arrives here: through the layers of the body.
            let error = axum::Error::new(axum::Error::new(io::Error::new(kind, "nothing came")));
            broken_off(&error, &bounds)
        };
        let slow = refused(io::ErrorKind::TimedOut);
        assert_eq!((slow.status(), slow.code()), (StatusCode::SERVICE_UNAVAILABLE, "body_timeout"));
        let answer = slow.render("r", "/v1/events");
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
        assert_eq!(answer.headers()[header::CONNECTION], "close");
        let broken = refused(io::ErrorKind::ConnectionReset);
        assert_eq!((broken.status(), broken.code()), (StatusCode::BAD_REQUEST, "incomplete_body"));
    }

    #[test]
    fn a_body_of_no_told_type_is_taken_where_it_looks_like_json() {
        let known = ["application/json"];
        let taken = |media_type: Option<&str>, body: &str| {
            let headers = media_type.map(|text| (header::CONTENT_TYPE, text.parse().unwrap())).into_iter().collect();
            MediaType::of(&headers, &known)
                .and_then(|media_type| media_type.check(body.as_bytes(), &known))
                .map_err(|error| error.status().as_u16())
        };
        for media_type in
            [None, Some(""), Some("application/json; charset=utf-8")].into_iter().chain(NOT_TOLD.map(Some))
        {
            assert_eq!(taken(media_type, "\u{feff} [{}]"), Ok(()), "{media_type:?}");
            assert_eq!(taken(media_type, "{}"), Ok(()), "{media_type:?}");
            assert_eq!(taken(media_type, ""), Ok(()), "{media_type:?}");
        }
        for media_type in NOT_TOLD {
            assert_eq!(taken(Some(media_type), "name=value"), Err(415), "{media_type}");
        }
        for media_type in ["text/xml", "multipart/form-data; boundary=x", "application/xml"] {
            assert_eq!(taken(Some(media_type), "{}"), Err(415), "{media_type}");
        }
    }
}
