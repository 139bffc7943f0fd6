//! Answers while the service cannot be asked: it is starting, or every connection is taken.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PROBLEM: &str = "application/problem+json";

/// Why the service cannot be asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reason {
    /// The database is not there yet.
    Starting,
    /// There are as many connections as there may be.
    Overloaded,
}

impl Reason {
    /// The problem document, of the same shape as those of the routes.
    fn document(self, path: &str, request_id: &str) -> String {
        let (code, detail) = match self {
            Self::Starting => ("starting", "The service is starting: try again in a moment."),
            Self::Overloaded => ("overloaded", "The service holds as many connections as it can: try again."),
        };
        json!({
            "type": format!("urn:journeylift:problem:{code}"), "title": "Service Unavailable", "status": 503,
            "detail": detail, "instance": path, "code": code, "message": detail,
            "request_id": request_id, "errors": []
        })
        .to_string()
    }
}

/// The id of a request that no route sees.
fn request_id() -> String {
    let mut bytes = [0; 16];
    // Without random bytes the id is the nil one: the answer matters more.
    let _ = getrandom::fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// What a service that is starting answers: it lives, and that is all.
pub(super) fn starting(path: &str) -> Response<Body> {
    let id = request_id();
    let (status, kind, text) = match path {
        "/livez" => (StatusCode::OK, "application/json", json!({"status": "ok"}).to_string()),
        "/readyz" => {
            let check = json!({"check": "started", "ok": false, "message": "the database is being started or reached"});
            let text = json!({"ready": false, "checks": [check]}).to_string();
            (StatusCode::SERVICE_UNAVAILABLE, "application/json", text)
        }
        _ => (StatusCode::SERVICE_UNAVAILABLE, PROBLEM, Reason::Starting.document(path, &id)),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-request-id", id);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Tells a client that there is no room, and hangs up.
///
/// What it sends is read meanwhile: hanging up on unread bytes would take the answer away from it. All of it takes a
/// second at most.
pub(super) async fn no_room(mut stream: TcpStream) {
    let id = request_id();
    let body = Reason::Overloaded.document("", &id);
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\ncontent-type: {PROBLEM}\r\n\
         cache-control: no-store\r\nx-request-id: {id}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let talk = async {
        let mut scratch = [0; 4096];
        // The head, or the beginning of it. A client that says nothing is told all the same.
        let _ = timeout(Duration::from_millis(300), stream.read(&mut scratch)).await;
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        while stream.read(&mut scratch).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // A client that is gone, or slow, has lost nothing: it was to be refused.
    let _ = timeout(Duration::from_secs(1), talk).await;
}
