//! Events of the native format.

use serde::Serialize;
use utoipa::ToSchema;

use super::schema;

/// Something that happened to a person. `user_id` or `anonymous_id` is required; an event with both links them into
/// one person. Unknown fields are refused; of equal keys the last one counts; null is the same as absent.
#[derive(ToSchema)]
#[schema(as = Event)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read field by field, so that every refusal has its pointer; this is its schema")]
pub(crate) struct EventSchema {
    /// The event's own id: an event counts once, however often it is sent.
    #[schema(min_length = 1, max_length = 255, example = "order-1001")]
    event_id: String,
    /// The id of a known user.
    #[schema(min_length = 1, max_length = 255)]
    user_id: Option<String>,
    /// The id of a device or a cookie.
    #[schema(min_length = 1, max_length = 255)]
    anonymous_id: Option<String>,
    /// A former id of the same person, anonymous or known.
    #[schema(min_length = 1, max_length = 255)]
    previous_id: Option<String>,
    /// What happened.
    #[schema(min_length = 1, max_length = 255, example = "Order Completed")]
    name: String,
    /// When, RFC 3339. Without it, the server's time of the first try that was stored.
    #[schema(format = "date-time")]
    occurred_at: Option<String>,
    /// Where.
    channel: Option<schema::Channel>,
    /// The lifecycle stage that the person is in.
    #[schema(min_length = 1, max_length = 255)]
    stage: Option<String>,
    /// What it was worth; below 0 for refunds and corrections.
    value: Option<schema::Decimal>,
    /// ISO 4217; without it, the tenant's.
    #[schema(pattern = "^\\s*[A-Za-z]{3}\\s*$", example = "EUR")]
    currency: Option<String>,
    /// What is particular to the event.
    #[schema(value_type = Option<Object>)]
    properties: Option<serde_json::Value>,
    /// The circumstances.
    #[schema(value_type = Option<Object>)]
    context: Option<serde_json::Value>,
    /// What is known of the person.
    #[schema(value_type = Option<Object>)]
    traits: Option<serde_json::Value>,
}

/// Events in an object.
#[derive(ToSchema)]
#[schema(as = Events)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "cut by hand; this is its schema")]
pub(crate) struct EventsSchema {
    /// The events.
    events: Vec<EventSchema>,
}

/// Events: an array, an object with `events`, or one event.
#[derive(ToSchema)]
#[schema(as = EventBatch)]
#[serde(untagged)]
#[expect(dead_code, reason = "cut by hand; this is its schema")]
pub(crate) enum EventBatchSchema {
    /// An array of events.
    Array(Vec<EventSchema>),
    /// An object with `events`.
    Wrapped(EventsSchema),
    /// One event.
    Single(Box<EventSchema>),
}

/// What became of the events of a request. Whatever is accepted is durable.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Collected {
    /// New events, now stored.
    pub(crate) accepted: usize,
    /// Events whose id was stored before, or stands earlier in the request.
    pub(crate) duplicates: usize,
    /// Events that were refused, each alone.
    pub(crate) rejected: Vec<Rejected>,
}

/// An event that was refused. The others of its request are not affected.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rejected {
    /// Its place among the events of the request, from 0.
    pub(crate) index: usize,
    /// A stable word for programs.
    #[schema(example = "missing_identity")]
    pub(crate) code: String,
    /// JSON pointer into the event; empty for the whole event.
    #[schema(example = "/user_id")]
    pub(crate) pointer: String,
    /// What is wrong and what to do about it.
    pub(crate) message: String,
}
