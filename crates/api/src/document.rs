//! The body of a request that defines something: one JSON object.

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use journey::{Json, Name};

use crate::body::{self, MediaType};
use crate::json;
use crate::problem::ApiError;
use crate::state::AppState;

const MEDIA_TYPES: &[&str] = &["application/json"];

/// The JSON of a body.
pub(crate) struct Document(pub(crate) Json);

impl FromRequest<AppState> for Document {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let media_type = MediaType::of(&parts.headers, MEDIA_TYPES)?;
        let received = body::receive(state, &parts.headers, body, state.bounds.document_bytes).await?;
        let text = received.bytes.as_slice();
        media_type.check(text, MEDIA_TYPES)?;
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        json::parse(text).map(Self).map_err(|fault| {
            let (line, column) = json::line_and_column(text, fault.offset);
            let detail = format!("The JSON breaks at line {line}, column {column}: {}.", fault.reason);
            ApiError::bad_request(fault.code, detail)
        })
    }
}

/// The key in the path.
pub(crate) struct KeyInPath(pub(crate) Name);

impl FromRequestParts<AppState> for KeyInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::parameter("invalid_key", "key", "it is not percent-encoded UTF-8"))?;
        let key =
            Name::parse(&text, "").map_err(|refusal| ApiError::parameter("invalid_key", "key", refusal.detail))?;
        Ok(Self(key))
    }
}
