//! Calls of Segment's tracking API.

use serde::Serialize;
use utoipa::ToSchema;

use super::event::Rejected;
use super::schema;

/// A call of Segment's tracking API. `userId` or `anonymousId` is required; whatever else a call holds is kept in its
/// context. Money is the first of `properties.revenue`, `total` and `value` that is a number or decimal text, rounded to 6
/// decimals because client libraries compute in binary floating point; `Order Refunded` counts below zero.
#[derive(ToSchema)]
#[schema(as = SegmentCall)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read field by field; this is its schema")]
pub(crate) struct CallSchema {
    /// `track`, `page`, `screen`, `identify`, `group` or `alias`: required in a batch, elsewhere the route says it.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The event's own id; a call without one gets a fresh one, and then a retry counts twice.
    message_id: Option<schema::LooseId>,
    /// The id of a known user.
    user_id: Option<schema::LooseId>,
    /// The id of a device or a cookie.
    anonymous_id: Option<schema::LooseId>,
    /// For `alias`: a former id of the same person.
    previous_id: Option<schema::LooseId>,
    /// For `track`: what happened.
    event: Option<schema::LooseId>,
    /// When, by the sender's clock. It wins over `timestamp`.
    original_timestamp: Option<String>,
    /// When, by the sender's clock.
    timestamp: Option<String>,
    /// When it was sent, by the sender's clock: where that differs from ours by more than a second, the time is corrected.
    sent_at: Option<String>,
    /// What is particular to the event.
    #[schema(value_type = Option<Object>)]
    properties: Option<serde_json::Value>,
    /// For `identify`: what is known of the person; also under `context.traits`.
    #[schema(value_type = Option<Object>)]
    traits: Option<serde_json::Value>,
    /// The circumstances.
    #[schema(value_type = Option<Object>)]
    context: Option<serde_json::Value>,
    /// The key, where no header carries it.
    write_key: Option<String>,
}

/// A batch of calls. Its context and integrations are merged into each call.
#[derive(ToSchema)]
#[schema(as = SegmentBatch)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "cut by hand; this is its schema")]
pub(crate) struct BatchSchema {
    /// The calls, each with its `type`.
    batch: Vec<CallSchema>,
    /// Merged into the context of each call; the call's own members win.
    #[schema(value_type = Option<Object>)]
    context: Option<serde_json::Value>,
    /// Merged into the integrations of each call.
    #[schema(value_type = Option<Object>)]
    integrations: Option<serde_json::Value>,
    /// When it was sent, by the sender's clock.
    sent_at: Option<String>,
    /// The key, where no header carries it.
    write_key: Option<String>,
}

/// What became of the calls of a request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tracked {
    /// Always true: the request was understood, and every call has its outcome below.
    pub(crate) success: bool,
    /// New events, now stored.
    pub(crate) accepted: usize,
    /// Events whose id was stored before, or stands earlier in the request.
    pub(crate) duplicates: usize,
    /// Calls that were refused, each alone.
    pub(crate) rejected: Vec<Rejected>,
}
