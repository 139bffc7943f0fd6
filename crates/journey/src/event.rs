//! Events: something that happened to a person, as it was sent and found valid.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::amount::Amount;
use crate::channel::Channel;
use crate::currency::Currency;
use crate::event_id::EventId;
use crate::instant::Instant;
use crate::invalid::{Invalid, shown};
use crate::json::Json;
use crate::names;
use crate::subject::Subject;
use crate::text::{Key, Name};

/// What an event may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The oldest event that is taken, in days before its receipt.
    pub retention_days: i64,
    /// The furthest time ahead of its receipt that is taken, in hours.
    pub ahead_hours: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { retention_days: 400, ahead_hours: 24 }
    }
}

/// An event as it came over the wire, before validation. Every text is unchecked.
#[derive(Debug, Clone, Default)]
pub struct EventDraft {
    /// Any text that is the event's own.
    pub event_id: Option<String>,
    /// The id of a known user.
    pub user_id: Option<String>,
    /// The id of a device or a cookie.
    pub anonymous_id: Option<String>,
    /// What happened.
    pub name: Option<String>,
    /// RFC 3339.
    pub occurred_at: Option<String>,
    /// The clock correction that is added to `occurred_at`, in microseconds.
    pub skew_micros: i64,
    /// Where it happened.
    pub channel: Option<String>,
    /// The lifecycle stage that the person is in.
    pub stage: Option<String>,
    /// Decimal text.
    pub value: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// The properties of the event.
    pub properties: Option<Json>,
    /// The circumstances of the event.
    pub context: Option<Json>,
    /// What is known of the person.
    pub traits: Option<Json>,
    /// A former id of the person, anonymous or known: it becomes one person with `user_id`.
    pub previous_id: Option<String>,
}

/// An exposure: the experiment and the arm that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposure {
    /// The experiment's key.
    pub experiment: Key,
    /// The arm's key.
    pub arm: Key,
}

/// A valid event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The id within the tenant.
    pub id: EventId,
    /// The user id if present, else the anonymous id.
    pub subject: Subject,
    /// The other identities that the event names: each is one person with `subject`.
    pub linked: Vec<Subject>,
    /// What happened.
    pub name: Name,
    /// When; `None`: the server's time of the first committed try.
    pub at: Option<Instant>,
    /// Where.
    pub channel: Option<Channel>,
    /// The lifecycle stage.
    pub stage: Option<Name>,
    /// The value, negative for refunds and corrections.
    pub value: Option<Amount>,
    /// The value's currency; `None`: the tenant's.
    pub currency: Option<Currency>,
    /// `{"properties": .., "context": .., "traits": ..}` without the empty ones.
    pub data: Json,
    /// Where the event puts the person, if it is an exposure.
    pub exposure: Option<Exposure>,
    /// A digest of everything that a second body under the same id must not change: see [`Event::validate`].
    pub digest: i64,
}

impl Event {
    /// Checks a draft that was received at `received_at`.
    ///
    /// The digest covers name, channel, stage, value, currency, properties and the time as it was sent. It leaves out
    /// the ids, the clock correction and the context, which honest clients change between tries.
    ///
    /// # Errors
    /// The first fault found, with the pointer of its field.
    pub fn validate(draft: EventDraft, limits: Limits, received_at: Instant) -> Result<Self, Invalid> {
        let id = if let Some(text) = draft.event_id.as_deref() {
            EventId::parse(text, "/event_id")?
        } else {
            let detail = "is missing: give each event an id of its own, so that a retry does not count twice";
            return Err(Invalid::new("missing_event_id", "/event_id", detail));
        };
        let name = match draft.name.as_deref() {
            Some(text) => Name::parse(text, "/name")?,
            None => return Err(Invalid::new("missing_name", "/name", "is missing: say what happened")),
        };
        let user = draft.user_id.as_deref().map(|text| Name::parse(text, "/user_id")).transpose()?;
        let anonymous = draft.anonymous_id.as_deref().map(|text| Name::parse(text, "/anonymous_id")).transpose()?;
        let previous = draft.previous_id.as_deref().map(|text| Name::parse(text, "/previous_id")).transpose()?;
        let (subject, linked) = identities(user.as_ref(), anonymous.as_ref(), previous.as_ref())?;
        let at = draft.occurred_at.as_deref().map(|text| Instant::parse(text, "/occurred_at")).transpose()?;
        let sent_at = at;
        let at = at.map(|at| at.plus_micros(draft.skew_micros));
        if let (Some(at), Some(text)) = (at, draft.occurred_at.as_deref()) {
            check_time(at, text, limits, received_at)?;
        }
        let channel = draft.channel.as_deref().map(|word| Channel::parse(word, "/channel")).transpose()?;
        let stage = draft.stage.as_deref().map(|text| Name::parse(text, "/stage")).transpose()?;
        let value = draft.value.as_deref().map(|text| Amount::parse(text, "/value")).transpose()?;
        let currency = draft.currency.as_deref().map(|code| Currency::parse(code, "/currency")).transpose()?;
        let mut data = Vec::new();
        for (key, part) in [("properties", draft.properties), ("context", draft.context), ("traits", draft.traits)] {
            if let Some(part) = part {
                part.check_object(&format!("/{key}"))?;
                if !part.is_empty_object() {
                    data.push((key.to_owned(), part));
                }
            }
        }
        let data = Json::object(data);
        let properties = data.get("properties");
        let exposure =
            if names::is_exposure(name.as_str()) { Some(exposure(name.as_str(), properties)?) } else { None };
        let mut body = String::new();
        let _ = write!(
            body,
            "{name}\n{}\n{}\n{}\n{}\n{}\n",
            channel.map_or("", Channel::word),
            stage.as_ref().map_or("", Name::as_str),
            value.map_or(String::new(), |value| value.to_string()),
            currency.map_or("", Currency::code),
            sent_at.map_or(String::new(), |at| at.micros().to_string()),
        );
        properties.unwrap_or(&Json::EMPTY).write(&mut body);
        let hash = Sha256::digest(body.as_bytes());
        let digest = i64::from_be_bytes([hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]]);
        Ok(Self { id, subject, linked, name, at, channel, stage, value, currency, data, exposure, digest })
    }
}

fn identities(
    user: Option<&Name>,
    anonymous: Option<&Name>,
    previous: Option<&Name>,
) -> Result<(Subject, Vec<Subject>), Invalid> {
    let mut all: Vec<Subject> = user.map(Subject::user).into_iter().chain(anonymous.map(Subject::anonymous)).collect();
    if let Some(previous) = previous {
        // A former id may have been anonymous or a user's: both become one person with the new one.
        all.extend([Subject::anonymous(previous), Subject::user(previous)]);
    }
    if user.is_none() && anonymous.is_none() {
        let detail = "is missing, and so is /anonymous_id: send at least one of them, so that the event has a person";
        return Err(Invalid::new("missing_identity", "/user_id", detail));
    }
    let subject = all.remove(0);
    all.retain(|other| *other != subject);
    Ok((subject, all))
}

fn check_time(at: Instant, text: &str, limits: Limits, received_at: Instant) -> Result<(), Invalid> {
    if at > received_at.plus_micros(limits.ahead_hours.saturating_mul(3_600_000_000)) {
        let detail = format!(
            "{} lies more than {} h ahead of the server's clock ({received_at}): correct the sender's clock",
            shown(text),
            limits.ahead_hours
        );
        return Err(Invalid::new("too_far_ahead", "/occurred_at", detail));
    }
    if at < received_at.plus_days(-limits.retention_days) {
        let detail = format!(
            "{} lies further back than the retention of {} days: raise the retention to keep it",
            shown(text),
            limits.retention_days
        );
        return Err(Invalid::new("too_old", "/occurred_at", detail));
    }
    Ok(())
}

fn exposure(name: &str, properties: Option<&Json>) -> Result<Exposure, Invalid> {
    let (experiment, arms): (&str, &[&str]) = if name == names::FLAG_CALLED {
        ("$feature_flag", &["$feature_flag_response"])
    } else {
        ("experiment_id", &["variation_id", "variant_id", "variation_name", "variant_name"])
    };
    let read = |keys: &[&str]| {
        let found = keys.iter().find_map(|key| Some((*key, properties?.get(key)?.scalar()?)));
        let Some((key, text)) = found else {
            let detail = format!("is missing: an exposure names its {}", keys.join(" or "));
            return Err(Invalid::new("incomplete_exposure", format!("/properties/{}", keys[0]), detail));
        };
        Name::parse(&text, &format!("/properties/{key}"))
    };
    Ok(Exposure { experiment: read(&[experiment])?, arm: read(arms)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> EventDraft {
        EventDraft {
            event_id: Some("e1".into()),
            user_id: Some("u1".into()),
            name: Some("Order Completed".into()),
            occurred_at: Some("2026-11-01T10:00:00Z".into()),
            ..EventDraft::default()
        }
    }

    fn validate(draft: EventDraft) -> Result<Event, Invalid> {
        let received_at = Instant::parse("2026-11-01T12:00:00Z", "/t").unwrap();
        Event::validate(draft, Limits::default(), received_at)
    }

    fn code(draft: EventDraft) -> &'static str {
        validate(draft).unwrap_err().code
    }

    #[test]
    fn an_event_of_two_ids_links_them() {
        let event = validate(EventDraft { anonymous_id: Some("a1".into()), ..draft() }).unwrap();
        assert_eq!(event.subject.key(), "u:u1");
        assert_eq!(event.linked.iter().map(Subject::key).collect::<Vec<_>>(), ["a:a1"]);
        let alias = validate(EventDraft { previous_id: Some("old".into()), ..draft() }).unwrap();
        assert_eq!(alias.linked.iter().map(Subject::key).collect::<Vec<_>>(), ["a:old", "u:old"]);
        assert_eq!(code(EventDraft { user_id: None, ..draft() }), "missing_identity");
    }

    #[test]
    fn times_outside_the_bounds_are_refused() {
        let at = |text: &str| EventDraft { occurred_at: Some(text.into()), ..draft() };
        assert_eq!(code(at("2026-11-02T12:00:01Z")), "too_far_ahead");
        assert_eq!(code(at("2025-09-27T11:59:59Z")), "too_old");
        assert!(validate(at("2026-11-02T12:00:00Z")).is_ok());
        assert!(validate(at("2025-09-27T12:00:00Z")).is_ok());
    }

    #[test]
    fn an_exposure_names_experiment_and_arm() {
        let exposure = |members: &[(&str, &str)]| EventDraft {
            name: Some("Experiment Viewed".into()),
            properties: Some(Json::object(
                members.iter().map(|(k, v)| ((*k).to_owned(), Json::Text((*v).to_owned()))).collect(),
            )),
            ..draft()
        };
        for arm in ["variation_id", "variant_id", "variation_name"] {
            let event = validate(exposure(&[("experiment_id", "x"), (arm, "a")])).unwrap();
            assert_eq!(event.exposure.unwrap().arm.as_str(), "a");
        }
        assert_eq!(code(exposure(&[("experiment_id", "x")])), "incomplete_exposure");
    }

    #[test]
    fn the_digest_ignores_what_retries_change() {
        let first = validate(draft()).unwrap();
        let moved = EventDraft { skew_micros: 5_000_000, user_id: Some("u2".into()), ..draft() };
        assert_eq!(validate(moved).unwrap().digest, first.digest);
        let dearer = EventDraft { value: Some("1".into()), ..draft() };
        assert_ne!(validate(dearer).unwrap().digest, first.digest);
    }
}
