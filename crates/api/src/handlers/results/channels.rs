//! Through which channels persons are reached, and whether what they were assigned arrives.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Contacts, Lens, LensKind, Path, Pattern, Selector, names};
use metrics::channels::{Channels, channels as channels_of};

use super::Load;
use super::contacts::{self, Described};
use super::described::{AsOf, OfComparison, OfLens, OfReading};
use super::lens::{SHARED, Seen, not_a_lens, one_selector, selectors, through, told, window_days};
use super::question::Asked;
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::AppState;
use crate::wire::results::build;
use crate::wire::results::channels::{ChannelInfo, ChannelsAnswer};

const OWN: [&str; 7] = ["channel", "conversion", "trigger", "delivered", "undelivered", "fallback", "consent"];

/// Through which channels persons are reached, and whether what they were assigned arrives
///
/// Causal are the shares of everyone exposed who were reached on a channel (a touchpoint on it: no exposure, no message that was
/// merely sent, none that bounced) and who converted. Descriptions are the overlap of channels, conversion by the number of channels
/// used, whether persons were shown their own arm on every channel, whether what they were assigned was received, and the delay
/// from the trigger to the first delivery. Somebody received it who has an exposure to the own arm without `fallback` and with `consent`
/// which no later failure on the same channel takes back (a later delivery there brings it again). `splits` says which ways to
/// split metrics by channel compare randomised groups. A question that is asked for the first time is measured from all
/// events: 202 until that is done.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/channels", tag = "read", operation_id = "channels",
    params(
        ("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255),
        ("channel" = Option<String>, Query, description = "Where an event says its channel, a path; `channel` where it is absent"),
        ("conversion" = Option<String>, Query, description = "The conversion: an event's name, or a JSON object with `event` and `where`; `Order Completed` where it is absent"),
        ("trigger" = Option<String>, Query, description = "The event from which the delay counts, likewise: the last one in the 24 hours before the exposure, else the first one after it; the exposure where it is absent"),
        ("delivered" = Option<String>, Query, description = "Events that say that something arrived: names between commas, or a JSON array of names and of objects with `event` and `where`; where it is absent, `Email Delivered`, `Push Notification Delivered`, `Push Notification Received`, `SMS Delivered`, `Message Delivered`"),
        ("undelivered" = Option<String>, Query, description = "Events that say that it did not, likewise; where it is absent, `Email Bounced`, `Push Notification Bounced`, `SMS Bounced`, `Message Bounced`"),
        ("fallback" = Option<String>, Query, description = "A path: an exposure that holds `true` there showed something else in place of what was assigned; `properties.fallback` where it is absent"),
        ("consent" = Option<String>, Query, description = "A path: an exposure that holds `false` there showed nothing; `properties.consent` where it is absent"),
        OfLens, AsOf, OfComparison, OfReading,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "The channels", body = ChannelsAnswer,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        (status = 202, description = "It is being measured", body = crate::wire::results::lens::Pending),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment"),
        (status = 409, description = "The experiment is archived, and was never looked at this way")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn channels(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let known = [&OWN[..], &SHARED].concat();
    let asked = Asked::read(&uri, &headers, &known)?;
    let lens = read(&mut Parameters::of(&uri, &known)?)?;
    let asking = (asked, "channels", Load::Light);
    through(&state, &tenant, &key, &headers, asking, lens, |seen| Json(tell(&seen)).into_response()).await
}

fn read(parameters: &mut Parameters) -> Result<Lens, ApiError> {
    let mut path = |name: &str, usual: &str| {
        let text = parameters.text(name);
        Path::parse(text.as_deref().unwrap_or(usual), &format!("/{name}")).map_err(|refusal| not_a_lens(&refusal))
    };
    let (channel, fallback, consent) =
        (path("channel", "channel")?, path("fallback", "properties.fallback")?, path("consent", "properties.consent")?);
    let mut deliveries = |name: &str, usual: &[&str]| match parameters.text(name) {
        Some(text) => selectors(name, &text),
        None => usual.iter().map(|event| named(event)).collect(),
    };
    let delivered = deliveries("delivered", names::DELIVERED)?;
    let undelivered = deliveries("undelivered", names::UNDELIVERED)?;
    let conversion = match parameters.text("conversion") {
        Some(text) => one_selector("conversion", &text)?,
        None => named(names::ORDER)?,
    };
    let trigger = parameters.text("trigger").map(|text| one_selector("trigger", &text)).transpose()?;
    let contacts = Contacts { channel, conversion, trigger, delivered, undelivered, fallback, consent };
    Lens::validate(LensKind::Channels(contacts), window_days(parameters)?).map_err(|refusal| not_a_lens(&refusal))
}

fn named(event: &str) -> Result<Selector, ApiError> {
    let event = Pattern::parse(event, "/event").map_err(|refusal| not_a_lens(&refusal))?;
    Ok(Selector { event, filters: Vec::new() })
}

fn tell(seen: &Seen<'_>) -> ChannelsAnswer {
    let blocked = seen.question.blocked;
    let found = channels_of(&seen.question, &seen.arms, seen.window_days);
    let telling = seen.telling_of(&found.shares.definition);
    let share = |index: usize| build::metric(&found.shares.definition, &found.shares.reports[index], telling);
    let channel =
        |(index, name): (usize, &Arc<str>)| ChannelInfo { channel: name.to_string(), reach: share(index + 1) };
    let Described { overlap, in_more_sets, by_number, consistency, receipt, delay, exposures } =
        contacts::describe(seen.look, &found, blocked);
    let Channels { names, others, more_sets, .. } = &found;
    told! { ChannelsAnswer of seen;
        converted: share(0),
        channels: names.iter().enumerate().map(channel).collect(),
        other_channels: *others,
        overlap,
        more_sets: *more_sets,
        in_more_sets,
        by_number,
        consistency,
        receipt,
        delay,
        exposures,
        splits: contacts::splits(&seen.look.measured.definition, blocked),
    }
}
