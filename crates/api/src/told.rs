//! Answers that were told, kept by their validators.
//!
//! A dashboard asks the same again and again, and so does everyone who looks at it. Whether anything has changed is looked
//! up for every request, in one snapshot with everything that was acknowledged before; the validator stands for all that
//! was found, so an answer with the same validator needs no arithmetic. The one thing in it that the validator does not
//! stand for, when the question was asked, is put in anew.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use journey::Instant;
use moka::future::Cache;

/// The bytes that are kept.
const KEPT: u64 = 8 << 20;
/// About what an entry takes beside its body.
const OVERHEAD: usize = 300;
/// How long an answer is kept that nobody asks for.
const IDLE: Duration = Duration::from_mins(30);

/// Answers that were told.
pub(crate) struct Told(Cache<Arc<str>, Answer>);

/// A whole answer.
#[derive(Debug, Clone)]
struct Answer {
    media_type: Option<HeaderValue>,
    /// The body up to the moment of the question, or all of it.
    before: Bytes,
    /// What follows the moment; `None`: the answer does not say when it was asked for.
    after: Option<Bytes>,
}

impl Told {
    pub(crate) fn new() -> Self {
        let weight = |etag: &Arc<str>, answer: &Answer| {
            let bytes = answer.before.len() + answer.after.as_ref().map_or(0, Bytes::len);
            u32::try_from(etag.len() + bytes + OVERHEAD).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(KEPT).time_to_idle(IDLE).weigher(weight).build())
    }

    /// The answer with this validator to a question that is asked now, where it is kept.
    pub(crate) async fn get(&self, etag: &str, now: Instant) -> Option<Response> {
        let Answer { media_type, before, after } = self.0.get(etag).await?;
        let body = match after {
            Some(after) => Bytes::from([&before[..], now.to_string().as_bytes(), &after[..]].concat()),
            None => before,
        };
        let mut response = Response::new(Body::from(body));
        if let Some(media_type) = media_type {
            response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        }
        Some(response)
    }

    /// Keeps the answer to a question that was asked at `now`, and gives it back. Only whole ones are kept.
    ///
    /// # Errors
    /// Where the body breaks off, which one that is held in memory does not.
    pub(crate) async fn keep(&self, etag: &str, response: Response, now: Instant) -> Result<Response, axum::Error> {
        if response.status() != StatusCode::OK {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await?;
        let media_type = parts.headers.get(header::CONTENT_TYPE).cloned();
        let (before, after) = around(&body, now);
        self.0.insert(etag.into(), Answer { media_type, before, after }).await;
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

/// The body before and after the moment of its `fresh.through`. No text within it can read like that: its quotes are escaped.
fn around(body: &Bytes, now: Instant) -> (Bytes, Option<Bytes>) {
    let (name, moment) = ("\"through\":\"", now.to_string());
    let found = std::str::from_utf8(body).ok().and_then(|text| text.find(&format!("{name}{moment}\"")));
    match found.map(|at| at + name.len()) {
        Some(at) => (body.slice(..at), Some(body.slice(at + moment.len()..))),
        None => (body.clone(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Json;
    use axum::response::IntoResponse;
    use serde_json::{Value, json};

    async fn text(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    fn at(micros: i64) -> Instant {
        Instant::from_micros(1_790_000_000_000_000 + micros)
    }

    #[tokio::test]
    async fn an_answer_is_told_again_with_its_own_moment() {
        let told = Told::new();
        let body = |now: Instant| {
            json!({"matured_through": "2026-09-20", "note": format!("\"through\":\"{now}\""),
            "fresh": {"pending_subjects": 0, "through": now.to_string()}, "metrics": [1, 2]})
        };
        assert!(told.get("W/\"a\"", at(0)).await.is_none());
        let first = told.keep("W/\"a\"", Json(body(at(0))).into_response(), at(0)).await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text(first).await).unwrap(), body(at(0)));
        let again = told.get("W/\"a\"", at(1)).await.unwrap();
        assert_eq!(again.headers()[header::CONTENT_TYPE], "application/json");
        let again: Value = serde_json::from_str(&text(again).await).unwrap();
        assert_eq!(again["fresh"]["through"], at(1).to_string());
        assert_eq!((&again["note"], &again["metrics"]), (&body(at(0))["note"], &body(at(0))["metrics"]));
        assert!(told.get("W/\"b\"", at(1)).await.is_none());
    }

    #[tokio::test]
    async fn an_answer_without_a_moment_stays_as_it_is_and_others_than_whole_ones_are_not_kept() {
        let told = Told::new();
        let _ = told.keep("W/\"t\"", "a,b\n1,2\n".into_response(), at(0)).await.unwrap();
        assert_eq!(text(told.get("W/\"t\"", at(1)).await.unwrap()).await, "a,b\n1,2\n");
        let _ = told.keep("W/\"p\"", (StatusCode::ACCEPTED, "later").into_response(), at(0)).await.unwrap();
        assert!(told.get("W/\"p\"", at(1)).await.is_none());
    }
}
