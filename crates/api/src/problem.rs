//! The one error of this crate, and how it is answered: problem details of RFC 9457.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use journey::Invalid;
use serde::Serialize;
use serde_json::{Map, Value};
use store::StoreError;

use crate::wire::problem::{Fault, Problem};

/// Why a request is refused. It becomes an `application/problem+json` document once the stack knows the request's
/// id and path, see [`crate::stack`].
#[derive(Debug, Clone)]
pub(crate) struct ApiError(Box<Refused>);

#[derive(Debug, Clone)]
struct Refused {
    status: StatusCode,
    code: &'static str,
    detail: String,
    faults: Vec<Fault>,
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: Map<String, Value>,
}

impl ApiError {
    /// A refusal: the status, a stable word for programs, and a sentence with the remedy.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Refused {
            status,
            code,
            detail: detail.into(),
            faults: Vec::new(),
            headers: Vec::new(),
            extensions: Map::new(),
        }))
    }

    /// 400.
    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 400 for one fault of a body.
    pub(crate) fn invalid(refusal: Invalid) -> Self {
        let (code, detail) = (refusal.code, refusal.to_string());
        Self::bad_request(code, detail).with_fault(refusal.into())
    }

    /// 400 for a query parameter; `detail` names the value and the remedy.
    pub(crate) fn parameter(code: &'static str, name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::bad_request(code, format!("The parameter {name}: {detail}")).with_fault(Fault {
            pointer: String::new(),
            parameter: Some(name.to_owned()),
            code: code.to_owned(),
            detail,
        })
    }

    /// 404: it is absent, or it is another tenant's.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {what} here."))
    }

    /// 503 with `Retry-After`.
    pub(crate) fn unavailable(code: &'static str, detail: impl Into<String>, retry_after: Duration) -> Self {
        let seconds = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(seconds.clamp(1, 300)))
    }

    /// 503 because the store cannot answer, or 500 where trying again is of no use. The cause goes to the log, not to
    /// the client.
    pub(crate) fn store(error: &StoreError) -> Self {
        let mut causes = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            causes = format!("{causes}: {cause}");
            source = cause.source();
        }
        match error {
            StoreError::Unavailable(_) | StoreError::Closing => {
                tracing::warn!(error = causes, "the store is unavailable");
                let detail = "The database cannot answer at the moment: try again.";
                Self::unavailable("unavailable", detail, Duration::from_secs(1))
            }
            _ => {
                tracing::error!(error = causes, "the store failed");
                Self::internal()
            }
        }
    }

    /// 500.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The service failed at this request: report it with the request_id.",
        )
    }

    /// Adds one entry to `errors`.
    pub(crate) fn with_fault(mut self, fault: Fault) -> Self {
        self.0.faults.push(fault);
        self
    }

    /// Adds entries to `errors`.
    pub(crate) fn with_faults(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.0.faults.extend(faults);
        self
    }

    /// Adds a header to the answer.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds a member to the document.
    pub(crate) fn with_member(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.extensions.insert(name.to_owned(), value);
        }
        self
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The word for programs.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    /// The document, for a request with this id and path.
    pub(crate) fn render(self, request_id: &str, path: &str) -> Response {
        let Refused { status, code, detail, faults, headers, extensions } = *self.0;
        let problem = Problem {
            kind: format!("urn:journeylift:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Refused").to_owned(),
            status: status.as_u16(),
            detail: detail.clone(),
            instance: path.to_owned(),
            code: code.to_owned(),
            message: detail,
            request_id: request_id.to_owned(),
            errors: faults,
            extensions,
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Invalid> for ApiError {
    fn from(refusal: Invalid) -> Self {
        Self::invalid(refusal)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::store(&error)
    }
}

impl From<Invalid> for Fault {
    fn from(refusal: Invalid) -> Self {
        Self { pointer: refusal.pointer, parameter: None, code: refusal.code.to_owned(), detail: refusal.detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_whole_and_at_least_one() {
        for (wait, header) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2"), (900_000_000, "300")] {
            let error = ApiError::unavailable("full", "x", Duration::from_millis(wait));
            let response = error.render("r", "/v1/events");
            assert_eq!(response.headers()[header::RETRY_AFTER], header);
        }
    }
}
