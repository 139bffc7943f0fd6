//! JSON text into [`journey::Json`], with the place where it broke.

use std::fmt;

use journey::{Json, Number};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// Why a text is no JSON value that can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// `malformed_json`, `number_out_of_range` or `too_deep`.
    pub(crate) code: &'static str,
    /// The byte of the text at which reading stopped.
    pub(crate) offset: usize,
    /// What was found there, without the place.
    pub(crate) reason: String,
}

/// Reads one JSON value that makes up the whole of `text`. Of equal keys in an object the last one wins.
pub(crate) fn parse(text: &[u8]) -> Result<Json, Malformed> {
    serde_json::from_slice::<Value>(text).map(|value| value.0).map_err(|error| {
        let full = error.to_string();
        let reason = full.split(" at line ").next().unwrap_or(&full).to_owned();
        let code = if reason.starts_with("number out of range") {
            "number_out_of_range"
        } else if reason.starts_with("recursion limit") {
            "too_deep"
        } else {
            "malformed_json"
        };
        Malformed { code, offset: offset_of(text, error.line(), error.column()), reason }
    })
}

/// The byte at a line (counted from 1) and a column in bytes (counted from 1; 0 is the line break before).
fn offset_of(text: &[u8], line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match text[start..].iter().position(|byte| *byte == b'\n') {
            Some(at) => start += at + 1,
            None => break,
        }
    }
    (start + column.saturating_sub(1)).min(text.len())
}

/// The line and the column, both counted from 1, of a byte of the text.
pub(crate) fn line_and_column(text: &[u8], offset: usize) -> (usize, usize) {
    let before = &text[..offset.min(text.len())];
    let line = before.split(|byte| *byte == b'\n').count();
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    (line, before.len() - start + 1)
}

/// What kind of value it is, for messages.
pub(crate) fn kind_of(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::Text(_) => "a text",
        Json::List(_) => "an array",
        Json::Object(_) => "an object",
    }
}

/// `journey` knows no serde, so the conversion lives in this wrapper.
struct Value(Json);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Json, E> {
        Ok(Json::Number(Number::Int(int)))
    }

    fn visit_u64<E>(self, int: u64) -> Result<Json, E> {
        Ok(Json::Number(i64::try_from(int).map_or(Number::Large(int), Number::Int)))
    }

    fn visit_f64<E: serde::de::Error>(self, float: f64) -> Result<Json, E> {
        if float.is_finite() { Ok(Json::Number(Number::Float(float))) } else { Err(E::custom("number out of range")) }
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(Value(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some((key, Value(value))) = entries.next_entry::<String, Value>()? {
            members.push((key, value));
        }
        Ok(Json::object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &Json) -> String {
        let mut out = String::new();
        json.write(&mut out);
        out
    }

    #[test]
    fn keeps_numbers_and_lets_the_last_of_equal_keys_win() {
        let source =
            br#"{"b":18446744073709551615,"a":59.90,"a":-1,"c":[null,true,"x",123456789012345678901234567890]}"#;
        assert_eq!(
            text(&parse(source).unwrap()),
            r#"{"a":-1,"b":18446744073709551615,"c":[null,true,"x",123456789012345680000000000000]}"#
        );
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (source, code, offset) in [
            (r#"{"a":NaN}"#, "malformed_json", 5),
            (r#"{"a":1e400}"#, "number_out_of_range", 9),
            ("{\"a\":\n \"\\ud800\"}", "malformed_json", 14),
            (r#"{"a" 1}"#, "malformed_json", 5),
            (r#"{"a":1} x"#, "malformed_json", 8),
            ("", "malformed_json", 0),
        ] {
            let fault = parse(source.as_bytes()).unwrap_err();
            assert_eq!(fault.code, code, "{source}: {}", fault.reason);
            assert_eq!(fault.offset, offset, "{source}: {}", fault.reason);
        }
        assert_eq!(parse("[".repeat(500).as_bytes()).unwrap_err().code, "too_deep");
        assert_eq!(parse(b"\"\xff\"").unwrap_err().code, "malformed_json");
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        assert_eq!(line_and_column(b"ab\ncd", 0), (1, 1));
        assert_eq!(line_and_column(b"ab\ncd", 4), (2, 2));
        assert_eq!(line_and_column(b"ab\n", 3), (2, 1));
    }
}
