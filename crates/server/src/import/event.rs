//! Events: from a record and a mapping to the JSON of one event.

use uuid::Uuid;

use super::batch::Refusal;
use super::mapping::{Mapping, Source, Target};
use super::record::{Record, Value};
use super::times::TimeFormat;

/// The namespace of the ids that are derived from lines.
const NAMESPACE: Uuid = Uuid::from_u128(0x6f0c_2b52_5a0e_4d8f_9a57_1f6f_8a8c_4a11);

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    /// The name of the input.
    pub(crate) source: &'a str,
    /// The line on which the record begins, from 1.
    pub(crate) line: u64,
    /// The number of the record, from 1.
    pub(crate) record: u64,
    /// The digest of the record.
    pub(crate) digest: u64,
}

/// The id of an event that brings none: the same line of the same input, with the same content, is the same event.
///
/// The event's name goes in as well, so that one table can be imported twice, once for each kind of event that its
/// rows tell of.
pub(crate) fn derived_id(place: Place<'_>, name: &str) -> String {
    let text = format!("{}\0{}\0{:016x}\0{name}", place.source, place.line, place.digest);
    Uuid::new_v5(&NAMESPACE, text.as_bytes()).hyphenated().to_string()
}

/// The JSON of the event that a record becomes.
pub(crate) fn event(
    record: &Record,
    mapping: &Mapping,
    times: &TimeFormat,
    place: Place<'_>,
) -> Result<String, Refusal> {
    let mut fields: Vec<(&str, Node)> = Vec::new();
    let refuse = |code: &str, pointer: String, message: String| Refusal {
        line: place.line,
        code: code.into(),
        pointer,
        message,
        event: None,
    };
    for (target, source) in &mapping.parts {
        let value = match source {
            Source::Column(name) => record.get(name),
            Source::Literal(text) => Some(Value::Text(text.clone())),
            Source::Line => Some(Value::Text(place.line.to_string())),
            Source::Record => Some(Value::Text(place.record.to_string())),
            Source::Rest => {
                let named: Vec<&str> = mapping.columns().collect();
                let Target::Object(root) = target else { continue };
                for (key, value) in record.rest(&named) {
                    object(&mut fields, root).put(&[key], Node::from(value));
                }
                continue;
            }
        };
        let Some(value) = value else { continue };
        match target {
            Target::Field("occurred_at") => {
                let (Value::Text(text) | Value::Json(text)) = value;
                let time =
                    times.convert(&text).map_err(|message| refuse("invalid_time", "/occurred_at".into(), message))?;
                fields.push(("occurred_at", Node::Text(time)));
            }
            // Numbers as ids and names are taken as their texts.
            Target::Field(name) => fields.push((
                name,
                match value {
                    Value::Json(raw) if raw.starts_with(['{', '[']) => Node::Raw(raw),
                    Value::Text(text) | Value::Json(text) => Node::Text(text),
                },
            )),
            Target::Object(root) => {
                let (Value::Text(text) | Value::Json(text)) = value;
                let is_object =
                    text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
                if !is_object {
                    return Err(refuse("not_an_object", format!("/{root}"), "is no JSON object".into()));
                }
                fields.push((root, Node::Raw(text)));
            }
            Target::Member(root, path) => object(&mut fields, root).put(path, Node::from(value)),
        }
    }
    if !fields.iter().any(|(name, _)| *name == "event_id") {
        let name = fields.iter().find_map(|(field, node)| match node {
            Node::Text(text) if *field == "name" => Some(text.as_str()),
            _ => None,
        });
        fields.insert(0, ("event_id", Node::Text(derived_id(place, name.unwrap_or_default()))));
    }
    let mut text = String::with_capacity(256);
    Node::Object(fields.into_iter().map(|(name, node)| (name.to_owned(), node)).collect()).write(&mut text);
    Ok(text)
}

/// JSON that is being put together.
#[derive(Debug)]
enum Node {
    Object(Vec<(String, Node)>),
    Text(String),
    Raw(String),
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(text),
            Value::Json(raw) => Self::Raw(raw),
        }
    }
}

/// The object under a root of the event, made where it is absent.
fn object<'a, 'n>(fields: &'a mut Vec<(&'n str, Node)>, root: &'n str) -> &'a mut Node {
    let at = fields.iter().position(|(name, _)| *name == root).unwrap_or_else(|| {
        fields.push((root, Node::Object(Vec::new())));
        fields.len() - 1
    });
    &mut fields[at].1
}

impl Node {
    /// Puts a member under a path, replacing what stands there.
    fn put(&mut self, path: &[String], value: Node) {
        let Self::Object(members) = self else { return };
        let [key, rest @ ..] = path else { return };
        let at = members.iter().position(|(name, _)| name == key);
        if rest.is_empty() {
            match at {
                Some(at) => members[at].1 = value,
                None => members.push((key.clone(), value)),
            }
            return;
        }
        let at = at.unwrap_or_else(|| {
            members.push((key.clone(), Self::Object(Vec::new())));
            members.len() - 1
        });
        members[at].1.put(rest, value);
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Raw(raw) => out.push_str(raw),
            Self::Text(text) => write_text(text, out),
            Self::Object(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// A line that is an event already, with an id of its own where it has none. `id` and `name` are the members that
/// hold them.
pub(crate) fn passed_on(line: &str, record: &Record, place: Place<'_>, id: &str, name: &str) -> String {
    if record.get(id).is_some() {
        return line.to_owned();
    }
    let name = match record.get(name) {
        Some(Value::Text(text)) => text,
        _ => String::new(),
    };
    // Of equal keys the last one counts, and the line may hold a null under this one: so it goes to the end.
    let open = line.trim().strip_suffix('}').unwrap_or(line).trim_end();
    let comma = if open.ends_with('{') { "" } else { "," };
    format!("{open}{comma}\"{id}\":\"{}\"}}", derived_id(place, &name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::record::Members;

    fn object(line: &str) -> Record {
        Record::Object(line.to_owned(), Members::read(line).unwrap())
    }
    use std::sync::Arc;

    fn place(line: u64) -> Place<'static> {
        Place { source: "orders.csv", line, record: line - 1, digest: 7 }
    }

    fn row(mapping: &str, fields: &[(&str, &str)]) -> Result<serde_json::Value, Refusal> {
        let header = Arc::new(fields.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>());
        let record = Record::Row(header, fields.iter().map(|(_, text)| *text).collect::<Vec<_>>().into());
        let mapping = Mapping::parse(&[mapping.to_owned()]).unwrap();
        event(&record, &mapping, &TimeFormat::Rfc3339, place(2)).map(|text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn a_row_becomes_an_event() {
        let event = row(
            "event_id=id,user_id=customer,name=:Order Completed,occurred_at=ts,value=amount,properties.cart.size=size,\
             properties=*,traits.row=@record",
            &[
                ("id", "o1"),
                ("customer", "c \"1\""),
                ("ts", "2026-11-01T10:00:00Z"),
                ("amount", "59.90"),
                ("size", "3"),
                ("colour", "blue"),
                ("note", ""),
            ],
        )
        .unwrap();
        let expected = serde_json::json!({"event_id":"o1","user_id":"c \"1\"","name":"Order Completed",
            "occurred_at":"2026-11-01T10:00:00Z","value":"59.90","properties":{"cart":{"size":"3"},"colour":"blue"},
            "traits":{"row":"1"}});
        assert_eq!(event, expected);
    }

    #[test]
    fn a_line_without_an_id_gets_one_of_its_own() {
        let id = |mapping: &str, line: u64| {
            let record = Record::Row(Arc::new(vec!["u".into()]), vec!["1"].into());
            let text =
                event(&record, &Mapping::parse(&[mapping.to_owned()]).unwrap(), &TimeFormat::Rfc3339, place(line))
                    .unwrap();
            serde_json::from_str::<serde_json::Value>(&text).unwrap()["event_id"].as_str().unwrap().to_owned()
        };
        let first = id("user_id=u,name=:A", 2);
        assert_eq!(first, id("name=:A,user_id=u", 2));
        assert_ne!(first, id("user_id=u,name=:A", 3));
        assert_ne!(first, id("user_id=u,name=:B", 2));
        // The value itself is part of what a repeated import relies on, so it must never change.
        assert_eq!(first, Uuid::new_v5(&NAMESPACE, b"orders.csv\x002\x000000000000000007\0A").to_string());
    }

    #[test]
    fn objects_must_be_objects() {
        let refusal = row("user_id=u,properties=p", &[("u", "1"), ("p", "[1]")]).unwrap_err();
        assert_eq!(
            (refusal.code.as_str(), refusal.pointer.as_str(), refusal.line),
            ("not_an_object", "/properties", 2)
        );
        let event = row("user_id=u,properties=p", &[("u", "1"), ("p", r#"{"a":1.0}"#)]).unwrap();
        assert_eq!(event["properties"]["a"], 1.0);
    }

    #[test]
    fn lines_that_are_events_are_passed_on() {
        let pass = |line: &str| passed_on(line, &object(line), place(1), "event_id", "name");
        assert_eq!(pass(r#"{"event_id":"e","a":1}"#), r#"{"event_id":"e","a":1}"#);
        let id = derived_id(place(1), "X");
        assert_eq!(
            pass(r#" {"name":"X","event_id":null } "#),
            format!(r#"{{"name":"X","event_id":null,"event_id":"{id}"}}"#)
        );
        assert_eq!(pass("{ }"), format!(r#"{{"event_id":"{}"}}"#, derived_id(place(1), "")));
        assert_eq!(
            pass(r#"{"name":"X","properties":{"a":{}}}"#),
            format!(r#"{{"name":"X","properties":{{"a":{{}}}},"event_id":"{id}"}}"#)
        );
    }
}
