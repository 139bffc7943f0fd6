//! Records: what one line of the input holds, looked at by name.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::value::RawValue;

/// A value of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text.
    Text(String),
    /// JSON other than a text, as it stands there: no digit of a number is lost.
    Json(String),
}

/// One record of the input.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// A row, with the names of its columns.
    Row(Arc<Vec<String>>, csv::StringRecord),
    /// A JSON object, as it stands in the line, and its members.
    Object(String, Members),
}

/// The members of a JSON object, in their order; of equal keys the last one counts.
#[derive(Debug, Clone)]
pub(crate) struct Members(Vec<(String, Box<RawValue>)>);

impl Record {
    /// The value under `name`, an empty one of a row and a JSON null being absent.
    pub(crate) fn get(&self, name: &str) -> Option<Value> {
        match self {
            Self::Row(header, row) => {
                let text = row.get(header.iter().position(|column| column == name)?)?;
                (!text.is_empty()).then(|| Value::Text(text.to_owned()))
            }
            Self::Object(_, members) => value(members.descend(name)?.get()),
        }
    }

    /// Every value whose name is not one of `named`: a member that is descended into counts as named.
    pub(crate) fn rest(&self, named: &[&str]) -> Vec<(String, Value)> {
        match self {
            Self::Row(header, row) => header
                .iter()
                .zip(row)
                .filter(|(column, text)| !text.is_empty() && !named.contains(&column.as_str()))
                .map(|(column, text)| (column.clone(), Value::Text(text.to_owned())))
                .collect(),
            Self::Object(_, members) => members
                .0
                .iter()
                .filter(|(key, _)| {
                    !named
                        .iter()
                        .any(|name| name.strip_prefix(key.as_str()).is_some_and(|r| r.is_empty() || r.starts_with('.')))
                })
                .filter_map(|(key, raw)| Some((key.clone(), value(raw.get())?)))
                .collect(),
        }
    }
}

impl Members {
    /// Reads an object; `None`: the text is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The member under a name: itself first, so that a key may hold dots, else part by part.
    fn descend(&self, name: &str) -> Option<Box<RawValue>> {
        if let Some((_, raw)) = self.0.iter().find(|(key, _)| key == name) {
            return Some(raw.clone());
        }
        name.match_indices('.').find_map(|(dot, _)| {
            let (_, raw) = self.0.iter().find(|(key, _)| *key == name[..dot])?;
            Self::read(raw.get())?.descend(&name[dot + 1..])
        })
    }
}

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                let mut places = HashMap::new();
                while let Some((key, raw)) = map.next_entry::<String, Box<RawValue>>()? {
                    if let Some(at) = places.get(&key) {
                        members[*at] = (key, raw);
                    } else {
                        places.insert(key.clone(), members.len());
                        members.push((key, raw));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

fn value(raw: &str) -> Option<Value> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok().map(Value::Text),
        b'n' => None,
        _ => Some(Value::Json(raw.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Record {
        Record::Object(text.to_owned(), Members::read(text).unwrap())
    }

    #[test]
    fn looks_into_objects_without_losing_digits() {
        let record = object(r#"{"a":{"b.c":1.10,"d":null},"x.y":"z","n":12345678901234567890123,"a2":true}"#);
        let json = |text: &str| Some(Value::Json(text.into()));
        assert_eq!(record.get("a.b.c"), json("1.10"));
        assert_eq!(record.get("x.y"), Some(Value::Text("z".into())));
        assert_eq!(record.get("n"), json("12345678901234567890123"));
        assert_eq!((record.get("a.d"), record.get("q")), (None, None));
        let rest: Vec<String> = record.rest(&["a.b.c", "n"]).into_iter().map(|(key, _)| key).collect();
        assert_eq!(rest, ["x.y", "a2"]);
    }

    #[test]
    fn an_empty_field_of_a_row_is_absent() {
        let header = Arc::new(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]);
        let record = Record::Row(header, csv::StringRecord::from(vec!["1", "", "x"]));
        assert_eq!(record.get("a"), Some(Value::Text("1".into())));
        assert_eq!((record.get("b"), record.get("z")), (None, None));
        assert_eq!(record.rest(&["a"]), [("c".to_owned(), Value::Text("x".into()))]);
    }
}
