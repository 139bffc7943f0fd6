//! Segment's tracking API.

use std::ops::Range;

use axum::Json;
use axum::extract::{Request, State};
use journey::{Invalid, Scope};

use crate::auth::{self, Key};
use crate::body::{self, Received};
use crate::collect::outcome;
use crate::collect::segment::{Call, Common, Receipt, draft, in_words_of_segment};
use crate::collect::split::{self, Fault, Member};
use crate::problem::ApiError;
use crate::state::AppState;
use crate::wire::segment::{BatchSchema, CallSchema, Tracked};
use crate::{ids, json};

macro_rules! routes {
    ($($(#[$doc:meta])* $name:ident, $path:literal, $operation:literal, $schema:ty, $call:expr;)+) => {
        $(
            $(#[$doc])*
            #[utoipa::path(
                post, path = $path, tag = "segment", operation_id = $operation,
                request_body(content(
                    ($schema = "application/json"), ($schema = "text/plain"), ($schema = "application/x-www-form-urlencoded")
                ), description = "JSON, whatever the media type says"),
                responses((status = 200, description = "What became of each call", body = Tracked)),
                security(("bearer" = []), ("basic" = []), ("api_key" = []), ())
            )]
            pub(crate) async fn $name(State(state): State<AppState>, request: Request) -> Result<Json<Tracked>, ApiError> {
                collect(&state, request, $call).await
            }
        )+
    };
}

routes! {
    /// Something was done
    ///
    /// Answers 200 also where the call is refused, with the reason: client libraries drop what is answered 400.
    track, "/v1/track", "segment_track", CallSchema, Some(Call::Track);
    /// A page was seen
    page, "/v1/page", "segment_page", CallSchema, Some(Call::Page);
    /// A screen of an application was seen
    screen, "/v1/screen", "segment_screen", CallSchema, Some(Call::Screen);
    /// Something is known of a person
    identify, "/v1/identify", "segment_identify", CallSchema, Some(Call::Identify);
    /// A person belongs to a group
    group, "/v1/group", "segment_group", CallSchema, Some(Call::Group);
    /// Two ids are one person
    alias, "/v1/alias", "segment_alias", CallSchema, Some(Call::Alias);
    /// Several calls
    ///
    /// Each is taken or refused alone; 400 only where the brackets of the body do not close.
    batch, "/v1/batch", "segment_batch", BatchSchema, None;
    /// Several calls, under the name that imports use
    import, "/v1/import", "segment_import", BatchSchema, None;
}

/// A body, cut: where its calls stand, what they have in common, and the key.
struct Cut {
    calls: Vec<Range<usize>>,
    common: Common,
    key: Option<Key>,
}

async fn collect(state: &AppState, request: Request, call: Option<Call>) -> Result<Json<Tracked>, ApiError> {
    let (parts, body) = request.into_parts();
    let in_headers = auth::key_in(&parts.headers, true)?;
    // With a key in the headers the body is only received from those who may send it.
    let early = match in_headers.clone() {
        Some(key) => Some(auth::tenant(state, Some(key), Scope::Ingest).await?),
        None => None,
    };
    let received = body::receive(state, &parts.headers, body, state.bounds.batch_bytes).await?;
    let received_at = state.now();
    let cut = cut(state, &received, call)?;
    let key = auth::one_key(in_headers, cut.key)?;
    let tenant = match early {
        Some(tenant) => tenant,
        None => auth::tenant(state, key, Scope::Ingest).await?,
    };
    let receipt = Receipt { at: received_at, limits: state.limits };
    let read = |item| draft(item, call, &cut.common, receipt, || ids::fresh(received_at).hyphenated().to_string());
    let in_words: fn(Invalid) -> Invalid = in_words_of_segment;
    let times = (state.limits, received_at);
    let sorted = outcome::sort(&received.bytes, cut.calls, &state.bounds, times, read, in_words);
    let outcomes = sorted.append(&tenant, received.bytes.len()).await?;
    state.telemetry.collected(&outcomes);
    let collected = outcomes.collected();
    Ok(Json(Tracked {
        success: true,
        accepted: collected.accepted,
        duplicates: collected.duplicates,
        rejected: collected.rejected,
    }))
}

fn cut(state: &AppState, received: &Received, call: Option<Call>) -> Result<Cut, ApiError> {
    let body = received.bytes.as_slice();
    let uncut = |fault| outcome::uncut(body, fault, state);
    let members = split::object(body).map_err(uncut)?;
    // Of equal members the last one counts, as everywhere.
    let find = |name: &str| members.iter().rfind(|member| member.key == name);
    let value = |member: &Member| {
        json::parse(&body[member.value.clone()]).map_err(|fault| {
            let offset = member.value.start + fault.offset;
            let (line, column) = json::line_and_column(body, offset);
            let key = &member.key;
            let detail =
                format!("{key} is no JSON that can be kept, at line {line}, column {column}: {}.", fault.reason);
            ApiError::bad_request(fault.code, detail)
        })
    };
    let mut key = None;
    for name in ["writeKey", "api_key"] {
        if let Some(text) = find(name).map(value).transpose()? {
            key = auth::one_key(key, text.as_text().and_then(Key::in_body))?;
        }
    }
    if call.is_some() {
        let whole = body.iter().position(|byte| *byte == b'{').unwrap_or(0)
            ..body.iter().rposition(|byte| *byte == b'}').map_or(body.len(), |at| at + 1);
        return Ok(Cut { calls: std::iter::once(whole).collect(), common: Common::default(), key });
    }
    let batch = find("batch").ok_or_else(|| {
        ApiError::bad_request("not_a_batch", "The body has no member batch: send {\"batch\": [..]} with the calls.")
    })?;
    if body[batch.value.start] != b'[' {
        return Err(uncut(Fault::NotABatch { offset: batch.value.start }));
    }
    let (calls, _) = split::array(body, batch.value.start, state.bounds.batch_events).map_err(uncut)?;
    let common = Common {
        context: find("context").map(value).transpose()?,
        integrations: find("integrations").map(value).transpose()?,
        sent_at: find("sentAt").map(value).transpose()?.and_then(|at| at.as_text().map(str::to_owned)),
    };
    Ok(Cut { calls, common, key })
}
