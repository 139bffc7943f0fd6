//! Segment's tracking calls as events.

use journey::{Channel, EventDraft, Instant, Invalid, Json, Limits, names};

use super::clock::{self, Sent};
use super::money;
use crate::fields::Fields;
use crate::json::kind_of;

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Something was done.
    Track,
    /// A page was seen.
    Page,
    /// A screen of an application was seen.
    Screen,
    /// Something is known of a person.
    Identify,
    /// A person belongs to a group.
    Group,
    /// Two ids are one person.
    Alias,
}

impl Call {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "track" => Self::Track,
            "page" => Self::Page,
            "screen" => Self::Screen,
            "identify" => Self::Identify,
            "group" => Self::Group,
            "alias" => Self::Alias,
            _ => return None,
        })
    }
}

/// What the items of a batch have in common.
#[derive(Debug, Default)]
pub(crate) struct Common {
    /// Merged into the context of each item; the item's own members win.
    pub(crate) context: Option<Json>,
    /// Merged into the integrations of each item.
    pub(crate) integrations: Option<Json>,
    /// When the batch was sent, by the sender's clock.
    pub(crate) sent_at: Option<String>,
}

/// When and how a request was received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Receipt {
    /// The server's clock.
    pub(crate) at: Instant,
    /// How far ahead of it an event may lie.
    pub(crate) limits: Limits,
}

/// Reads one call. `call` is the kind that the route names; an item of a batch names its own in `type`.
/// `fresh_id` makes the id of an event that came without one.
pub(crate) fn draft(
    item: Json,
    call: Option<Call>,
    common: &Common,
    receipt: Receipt,
    fresh_id: impl FnOnce() -> String,
) -> Result<EventDraft, Invalid> {
    let mut fields = Fields::new(item, "")?;
    let named = fields.take("type");
    let call = match call {
        Some(call) => call,
        None => item_call(&fields, named)?,
    };
    // The key of the sender is no part of what happened, and must not be stored.
    for secret in ["writeKey", "api_key"] {
        fields.take_raw(secret);
    }
    let event_id = id(&mut fields, "messageId")?.unwrap_or_else(fresh_id);
    let user_id = id(&mut fields, "userId")?;
    let anonymous_id = id(&mut fields, "anonymousId")?;
    let previous_id = id(&mut fields, "previousId")?;
    let (original, plain, sent_at) =
        (fields.take("originalTimestamp"), fields.take("timestamp"), fields.take("sentAt"));
    let occurred_at = time(&fields, "originalTimestamp", original)?.or(time(&fields, "timestamp", plain)?);
    let sent_at = sent_at.and_then(|value| value.as_text().map(str::to_owned)).or_else(|| common.sent_at.clone());
    let skew_micros = clock::skew(
        occurred_at.as_deref(),
        Sent { at: sent_at.as_deref(), received_at: receipt.at },
        receipt.limits.ahead_hours,
    );

    let mut properties = members(&mut fields, "properties")?;
    let mut context = members(&mut fields, "context")?;
    let traits = members(&mut fields, "traits")?;
    let mut own_traits = None;
    let name = match call {
        Call::Track => id(&mut fields, "event")?.ok_or_else(|| {
            fields.refuse("missing_name", "event", "is missing: a track call names what happened in \"event\"")
        })?,
        Call::Page | Call::Screen => {
            move_into(&mut properties, &mut fields, &["name", "category"]);
            if call == Call::Page { names::PAGE.to_owned() } else { names::SCREEN.to_owned() }
        }
        Call::Identify => {
            own_traits = Some(if traits.is_empty() {
                Json::object(context.clone()).get("traits").cloned().unwrap_or(Json::EMPTY)
            } else {
                Json::object(traits.clone())
            });
            names::IDENTIFIED.to_owned()
        }
        Call::Group => {
            move_into(&mut properties, &mut fields, &["groupId"]);
            names::GROUPED.to_owned()
        }
        Call::Alias => names::ALIASED.to_owned(),
    };
    // The traits of a group, and stray ones of other calls, say nothing of the person.
    if call != Call::Identify && !traits.is_empty() {
        insert_absent(&mut properties, "traits", Json::object(traits));
    }
    merge_common(&mut context, &mut fields, common);

    let properties = Json::object(properties);
    let context = Json::object(context);
    let channel = channel(call, &name, &properties, &context).map(|channel| channel.word().to_owned());
    let money = if call == Call::Track { money::of(&properties, name == names::REFUND) } else { None };
    let currency = money.as_ref().and_then(|_| properties.get("currency")?.as_text().map(str::to_owned));
    Ok(EventDraft {
        event_id: Some(event_id),
        user_id,
        anonymous_id,
        name: Some(name),
        occurred_at,
        skew_micros,
        channel,
        stage: None,
        value: money.map(|(_, text)| text),
        currency: currency.filter(|code| !code.trim().is_empty()),
        properties: Some(properties),
        context: Some(context),
        traits: own_traits.filter(|traits| matches!(traits, Json::Object(_))),
        previous_id,
    })
}

/// The field of the call that a refusal of the draft's field is about.
pub(crate) fn in_words_of_segment(mut refusal: Invalid) -> Invalid {
    for (ours, theirs) in [
        ("/event_id", "/messageId"),
        ("/user_id", "/userId"),
        ("/anonymous_id", "/anonymousId"),
        ("/previous_id", "/previousId"),
        ("/name", "/event"),
        ("/occurred_at", "/timestamp"),
        ("/value", "/properties/revenue"),
        ("/currency", "/properties/currency"),
    ] {
        if refusal.pointer == ours {
            theirs.clone_into(&mut refusal.pointer);
        }
        refusal.detail = refusal.detail.replace(ours, theirs);
    }
    refusal
}

const TYPES: &str = "track, page, screen, identify, group, alias";

fn item_call(fields: &Fields, named: Option<Json>) -> Result<Call, Invalid> {
    let Some(named) = named else {
        let detail = format!("is missing: each item of a batch names its type, one of {TYPES}");
        return Err(fields.refuse("missing_type", "type", detail));
    };
    named.as_text().and_then(Call::from_word).ok_or_else(|| {
        let shown: String = named.scalar().unwrap_or_else(|| kind_of(&named).to_owned()).chars().take(60).collect();
        fields.refuse("unknown_type", "type", format!("{shown:?} is no type of call: use one of {TYPES}"))
    })
}

/// An id: text or number; empty is absent.
fn id(fields: &mut Fields, name: &str) -> Result<Option<String>, Invalid> {
    let Some(value) = fields.take(name) else { return Ok(None) };
    let text = match &value {
        Json::Text(text) => text.clone(),
        Json::Number(number) => number.to_text(),
        other => {
            let detail = format!("is {}: send a text", kind_of(other));
            return Err(fields.refuse("wrong_type", name, detail));
        }
    };
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

fn time(fields: &Fields, name: &str, value: Option<Json>) -> Result<Option<String>, Invalid> {
    match value {
        None => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(other) => {
            let detail = format!("is {}: send a time such as \"2026-11-01T10:00:00Z\"", kind_of(&other));
            Err(fields.refuse("wrong_type", name, detail))
        }
    }
}

/// The members of an object that may be absent.
fn members(fields: &mut Fields, name: &str) -> Result<Vec<(String, Json)>, Invalid> {
    Ok(fields.object(name)?.map(Fields::into_rest).unwrap_or_default())
}

fn insert_absent(members: &mut Vec<(String, Json)>, name: &str, value: Json) {
    if !members.iter().any(|(key, found)| key == name && *found != Json::Null) {
        members.push((name.to_owned(), value));
    }
}

fn move_into(properties: &mut Vec<(String, Json)>, fields: &mut Fields, names: &[&str]) {
    for name in names {
        if let Some(value) = fields.take(name) {
            insert_absent(properties, name, value);
        }
    }
}

/// The batch's context and integrations, and whatever else the item holds, become part of the item's context.
fn merge_common(context: &mut Vec<(String, Json)>, fields: &mut Fields, common: &Common) {
    if let Some(Json::Object(shared)) = &common.context {
        for (key, value) in shared {
            insert_absent(context, key, value.clone());
        }
    }
    let mut integrations = match fields.take("integrations") {
        Some(Json::Object(own)) => own,
        _ => Vec::new(),
    };
    if let Some(Json::Object(shared)) = &common.integrations {
        for (key, value) in shared {
            insert_absent(&mut integrations, key, value.clone());
        }
    }
    if !integrations.is_empty() {
        insert_absent(context, "integrations", Json::object(integrations));
    }
    for (key, value) in fields.take_rest() {
        if value != Json::Null {
            insert_absent(context, &key, value);
        }
    }
}

/// Where it happened: what the sender says, else what the kind of call, the name or the library tells.
fn channel(call: Call, name: &str, properties: &Json, context: &Json) -> Option<Channel> {
    let said = properties.get("channel").and_then(Json::as_text).and_then(Channel::from_word);
    let library = || context.get("library")?.get("name")?.as_text();
    let told = match call {
        Call::Page => Some(Channel::Web),
        Call::Screen => Some(Channel::App),
        _ => [("Email ", Channel::Email), ("Push ", Channel::Push), ("SMS ", Channel::Sms)]
            .into_iter()
            .find_map(|(prefix, channel)| name.starts_with(prefix).then_some(channel)),
    };
    said.or(told).or_else(|| {
        let library = library()?;
        (library == "analytics.js" || library.starts_with("RudderLabs JavaScript")).then_some(Channel::Web)
    })
}

#[cfg(test)]
mod tests;
