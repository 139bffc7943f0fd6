//! The native format of an event.

use journey::{EventDraft, Invalid, Json};

use crate::fields::Fields;

/// The fields of an event, as a refusal lists them.
pub(crate) const FIELDS: &[&str] = &[
    "event_id",
    "user_id",
    "anonymous_id",
    "previous_id",
    "name",
    "occurred_at",
    "channel",
    "stage",
    "value",
    "currency",
    "properties",
    "context",
    "traits",
];

/// Reads one event. Unknown fields and wrong types are refused; `null` is absent.
pub(crate) fn draft(json: Json) -> Result<EventDraft, Invalid> {
    let mut fields = Fields::new(json, "")?;
    let draft = EventDraft {
        event_id: fields.text("event_id")?,
        user_id: fields.text("user_id")?,
        anonymous_id: fields.text("anonymous_id")?,
        previous_id: fields.text("previous_id")?,
        name: fields.text("name")?,
        occurred_at: fields.text("occurred_at")?,
        skew_micros: 0,
        channel: fields.text("channel")?,
        stage: fields.text("stage")?,
        value: fields.decimal("value")?,
        currency: fields.text("currency")?,
        properties: fields.take("properties"),
        context: fields.take("context"),
        traits: fields.take("traits"),
    };
    fields.finish(FIELDS)?;
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Result<EventDraft, Invalid> {
        draft(crate::json::parse(source.as_bytes()).unwrap())
    }

    #[test]
    fn reads_the_example_of_the_contract() {
        let draft = read(
            r#"{"event_id":"any text","user_id":"u1","anonymous_id":"a1","name":"Order Completed",
                "occurred_at":"2026-11-01T10:00:00Z","channel":"web","stage":"decision","value":"59.90","currency":"EUR",
                "properties":{"a":1},"context":{},"traits":null}"#,
        )
        .unwrap();
        assert_eq!(draft.value.as_deref(), Some("59.90"));
        assert_eq!(draft.user_id.as_deref(), Some("u1"));
        assert!(draft.traits.is_none());
        assert_eq!(read(r#"{"value":59.9}"#).unwrap().value.as_deref(), Some("59.9"));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let refusal = read(r#"{"event_id":"e","userId":"u"}"#).unwrap_err();
        assert_eq!((refusal.code, refusal.pointer.as_str()), ("unknown_field", "/userId"));
        let refusal = read(r#"{"event_id":"e","user_id":7}"#).unwrap_err();
        assert_eq!((refusal.code, refusal.pointer.as_str()), ("wrong_type", "/user_id"));
        assert_eq!(read("[]").unwrap_err().code, "not_an_object");
    }
}
