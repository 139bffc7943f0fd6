//! What became of each event of a request.

use std::collections::HashSet;
use std::ops::Range;

use axum::http::StatusCode;
use journey::{Event, EventDraft, Instant, Invalid, Json, Limits};
use store::{AppendError, Outcome, TenantStore};

use super::split::{self, Shape};
use crate::json;
use crate::problem::ApiError;
use crate::state::{AppState, Bounds};
use crate::wire::event::{Collected, Rejected};
use crate::wire::problem::Fault;

/// An event that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Its place among the events of the request, from 0.
    pub(crate) index: usize,
    /// A stable word for programs.
    pub(crate) code: &'static str,
    /// JSON pointer into the event.
    pub(crate) pointer: String,
    /// What is wrong and what to do about it.
    pub(crate) detail: String,
}

impl Refusal {
    fn new(index: usize, refusal: Invalid) -> Self {
        Self { index, code: refusal.code, pointer: refusal.pointer, detail: refusal.detail }
    }

    fn message(&self) -> String {
        if self.pointer.is_empty() { self.detail.clone() } else { format!("{}: {}", self.pointer, self.detail) }
    }
}

/// What became of the events of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    /// New ones, now stored.
    pub(crate) accepted: usize,
    /// Events whose id was stored before, or stands earlier in the request.
    pub(crate) duplicates: usize,
    /// Refused ones, by index.
    pub(crate) rejected: Vec<Refusal>,
}

impl Outcomes {
    /// The answer.
    pub(crate) fn collected(&self) -> Collected {
        let rejected = self.rejected.iter();
        Collected {
            accepted: self.accepted,
            duplicates: self.duplicates,
            rejected: rejected
                .map(|refusal| Rejected {
                    index: refusal.index,
                    code: refusal.code.to_owned(),
                    pointer: refusal.pointer.clone(),
                    message: refusal.message(),
                })
                .collect(),
        }
    }

    /// The refusal of a request of which every event was refused; its pointers lead into the body as it was sent.
    pub(crate) fn all_refused(&self, shape: Shape) -> Option<ApiError> {
        if self.rejected.is_empty() || self.accepted + self.duplicates > 0 {
            return None;
        }
        let first = &self.rejected[0];
        let detail = match self.rejected.len() {
            1 => format!("The event was refused. {}", first.message()),
            count => format!("All {count} events were refused. The first: {}", first.message()),
        };
        let faults = self.rejected.iter().map(|refusal| Fault {
            pointer: shape.pointer(refusal.index, &refusal.pointer),
            parameter: None,
            code: refusal.code.to_owned(),
            detail: refusal.detail.clone(),
        });
        let collected = self.collected();
        Some(
            ApiError::new(StatusCode::BAD_REQUEST, "all_events_refused", detail)
                .with_faults(faults)
                .with_member("accepted", collected.accepted)
                .with_member("duplicates", collected.duplicates)
                .with_member("rejected", collected.rejected),
        )
    }
}

/// Valid events and where they stood in the request, and the refusals of the others.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// The place of each event.
    indexes: Vec<usize>,
    /// The events.
    events: Vec<Event>,
    /// The others.
    rejected: Vec<Refusal>,
}

/// Reads and validates each event of a body.
pub(crate) fn sort(
    body: &[u8],
    elements: Vec<Range<usize>>,
    bounds: &Bounds,
    (limits, received_at): (Limits, Instant),
    mut read: impl FnMut(Json) -> Result<EventDraft, Invalid>,
    in_words: fn(Invalid) -> Invalid,
) -> Sorted {
    let mut sorted = Sorted::default();
    for (index, place) in elements.into_iter().enumerate() {
        let validated = element(body, place, bounds.event_bytes)
            .and_then(&mut read)
            .and_then(|draft| Event::validate(draft, limits, received_at).map_err(in_words));
        match validated {
            Ok(event) => {
                sorted.indexes.push(index);
                sorted.events.push(event);
            }
            Err(refusal) => sorted.rejected.push(Refusal::new(index, refusal)),
        }
    }
    sorted
}

/// What to do where one object follows another on the same line.
const LINES_LOST: &str = ": where these are lines of NDJSON, send them with their line breaks (curl: --data-binary)";

fn element(body: &[u8], place: Range<usize>, most: usize) -> Result<Json, Invalid> {
    let start = place.start;
    if place.len() > most {
        let detail = format!("The event has {} bytes: at most {most} are taken", place.len());
        return Err(Invalid::new("too_large", "", detail));
    }
    if place.is_empty() {
        let detail = format!("There is nothing at byte {start} of the body: remove the extra comma");
        return Err(Invalid::new("malformed_json", "", detail));
    }
    json::parse(&body[place]).map_err(|fault| {
        let offset = start + fault.offset;
        let lines_lost = fault.reason.starts_with("trailing") && body.get(offset) == Some(&b'{');
        let hint = if lines_lost { LINES_LOST } else { "" };
        let detail =
            format!("The event is no JSON that can be kept, at byte {offset} of the body: {}{hint}", fault.reason);
        Invalid::new(fault.code, "", detail)
    })
}

impl Sorted {
    /// Stores the events; answers when they are durable.
    pub(crate) async fn append(self, tenant: &TenantStore, bytes: usize) -> Result<Outcomes, ApiError> {
        let Self { indexes, events, rejected } = self;
        let mut outcomes = Outcomes { rejected, ..Outcomes::default() };
        if events.is_empty() {
            return Ok(outcomes);
        }
        let became = tenant.append(events, bytes).await.map_err(|error| match error {
            AppendError::Full { retry_after } => ApiError::unavailable(
                "full",
                "More events are waiting to be written than the service holds: nothing was stored, try again.",
                retry_after,
            ),
            AppendError::Unavailable(error) => ApiError::store(&error),
        })?;
        for (index, outcome) in indexes.into_iter().zip(became) {
            match outcome {
                Outcome::Accepted => outcomes.accepted += 1,
                Outcome::Duplicate => outcomes.duplicates += 1,
                Outcome::Refused(refusal) => outcomes.rejected.push(Refusal::new(index, refusal)),
            }
        }
        outcomes.rejected.sort_by_key(|refusal| refusal.index);
        Ok(outcomes)
    }

    /// What would become of the events, as far as can be said without the stored ones.
    pub(crate) fn preview(self) -> Outcomes {
        let distinct: HashSet<_> = self.events.iter().map(|event| event.id).collect();
        Outcomes { accepted: distinct.len(), duplicates: self.events.len() - distinct.len(), rejected: self.rejected }
    }
}

/// The refusal of a body that cannot be cut into events. Nothing of it is taken.
pub(crate) fn uncut(body: &[u8], fault: split::Fault, state: &AppState) -> ApiError {
    let place = |offset: usize| {
        let (line, column) = json::line_and_column(body, offset);
        format!("line {line}, column {column} (byte {offset})")
    };
    let refuse = |code, pointer: String, detail: String| {
        let fault = Fault { pointer, parameter: None, code: String::from(code), detail: detail.clone() };
        ApiError::bad_request(code, format!("{detail}. Nothing of the body was taken.")).with_fault(fault)
    };
    match fault {
        split::Fault::Empty => refuse("empty_body", String::new(), "The body is empty: send at least one event".into()),
        split::Fault::Unbalanced { index: Some(index), offset, what } => {
            let detail = format!("The JSON breaks in event {index}, at {}: {what}", place(offset));
            refuse("malformed_json", format!("/{index}"), detail)
                .with_member("index", index)
                .with_member("offset", offset)
        }
        split::Fault::Unbalanced { index: None, offset, what } => {
            let detail = format!("The JSON breaks at {}: {what}", place(offset));
            refuse("malformed_json", String::new(), detail).with_member("offset", offset)
        }
        split::Fault::NotABatch { offset } => {
            let detail = format!("No events stand at {}: send an array of events, or an object", place(offset));
            refuse("not_a_batch", String::new(), detail).with_member("offset", offset)
        }
        split::Fault::Trailing { offset } => {
            let hint = if body.get(offset) == Some(&b'{') { LINES_LOST } else { "" };
            let detail = format!("Something follows the end of the JSON, at {}{hint}", place(offset));
            refuse("malformed_json", String::new(), detail).with_member("offset", offset)
        }
        split::Fault::UnknownMember(name) => {
            let shown: String = name.chars().take(60).collect();
            let detail = format!("{shown:?} is no field beside events: leave it out");
            refuse("unknown_field", crate::fields::join("", &shown), detail)
        }
        split::Fault::TooMany => {
            let most = state.bounds.batch_events;
            let detail = format!("The body holds more than {most} events: send them in several requests.");
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_events", detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_follow_the_shape_that_was_sent() {
        let refusal = Refusal { index: 0, code: "missing_identity", pointer: "/user_id".into(), detail: "x".into() };
        let outcomes = Outcomes { rejected: vec![refusal], ..Outcomes::default() };
        for (shape, pointer) in [
            (Shape::Array, "/0/user_id"),
            (Shape::Lines, "/0/user_id"),
            (Shape::Wrapped, "/events/0/user_id"),
            (Shape::Single, "/user_id"),
        ] {
            let error = format!("{:?}", outcomes.all_refused(shape).unwrap());
            assert!(error.contains(&format!("pointer: {pointer:?}")), "{shape:?}: {error}");
        }
    }

    #[test]
    fn lines_that_were_joined_are_recognised() {
        let body = br#"{"a":1}{"b":2}"#;
        let refusal = element(body, 0..body.len(), 100).unwrap_err();
        assert!(refusal.detail.contains("--data-binary"), "{refusal}");
        let refusal = element(b"{\"a\":1} x", 0..9, 100).unwrap_err();
        assert!(!refusal.detail.contains("--data-binary"), "{refusal}");
    }
}
