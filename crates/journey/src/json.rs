//! The free part of an event: a JSON object that Postgres can hold and queries can trust.

use std::fmt::Write;

use crate::invalid::Invalid;

/// The deepest nesting of properties that is kept: the object itself is level 1.
pub const MAX_DEPTH: usize = 16;

/// A finite JSON number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// A whole number above `i64::MAX`.
    Large(u64),
    /// Any other number; finite.
    Float(f64),
}

/// A JSON value. Objects are sorted by key and hold each key once (the last of the text wins),
/// so that equal values have equal texts.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object; make it with [`Json::object`].
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An empty object.
    pub const EMPTY: Self = Self::Object(Vec::new());

    /// An object of these members, sorted, the last of equal keys kept.
    #[must_use]
    pub fn object(mut members: Vec<(String, Self)>) -> Self {
        members.reverse();
        members.sort_by(|a, b| a.0.cmp(&b.0));
        members.dedup_by(|later, kept| later.0 == kept.0);
        Self::Object(members)
    }

    /// The member `key` of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.binary_search_by(|(name, _)| name.as_str().cmp(key)).ok().map(|at| &members[at].1)
            }
            _ => None,
        }
    }

    /// The text, where it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, number or boolean as plain text; null, arrays and objects have none.
    #[must_use]
    pub fn scalar(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_text()),
            Self::Bool(flag) => Some(flag.to_string()),
            Self::Null | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// Whether this is an object without members.
    #[must_use]
    pub fn is_empty_object(&self) -> bool {
        matches!(self, Self::Object(members) if members.is_empty())
    }

    /// Checks that this is an object nested at most [`MAX_DEPTH`] deep whose texts hold no NUL.
    pub fn check_object(&self, pointer: &str) -> Result<(), Invalid> {
        if !matches!(self, Self::Object(_)) {
            return Err(Invalid::new("not_an_object", pointer, "is not a JSON object: send {\"name\": value, ..}"));
        }
        self.check(pointer, 1)
    }

    fn check(&self, pointer: &str, depth: usize) -> Result<(), Invalid> {
        let too_deep = || {
            let detail = format!("is nested more than {MAX_DEPTH} levels deep: flatten it");
            Err(Invalid::new("too_deep", pointer, detail))
        };
        let nul = |pointer: String| {
            Invalid::new("control_character", pointer, "holds the character U+0000, which can't be stored: remove it")
        };
        match self {
            Self::Text(text) if text.contains('\0') => Err(nul(pointer.to_owned())),
            Self::List(items) => {
                if depth > MAX_DEPTH {
                    return too_deep();
                }
                items.iter().enumerate().try_for_each(|(at, item)| item.check(&format!("{pointer}/{at}"), depth + 1))
            }
            Self::Object(members) => {
                if depth > MAX_DEPTH {
                    return too_deep();
                }
                members.iter().try_for_each(|(key, value)| {
                    if key.contains('\0') {
                        return Err(nul(format!("{pointer}/{}", key.escape_debug())));
                    }
                    // The pointer is only built for values that can be at fault.
                    match value {
                        Self::Text(text) if !text.contains('\0') => Ok(()),
                        Self::Null | Self::Bool(_) | Self::Number(_) => Ok(()),
                        _ => {
                            value.check(&format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), depth + 1)
                        }
                    }
                })
            }
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => Ok(()),
        }
    }

    /// Appends the JSON text.
    pub fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::Number(number) => number.write(out),
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
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

impl Number {
    /// The number as decimal text.
    #[must_use]
    pub fn to_text(self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(self, out: &mut String) {
        // Writing to a String can't fail.
        let _ = match self {
            Self::Int(int) => write!(out, "{int}"),
            Self::Large(int) => write!(out, "{int}"),
            Self::Float(float) => write!(out, "{float}"),
        };
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    // What needs an escape is one byte, so what lies between is copied as it is.
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_objects_have_equal_texts() {
        let text = |value: &Json| {
            let mut out = String::new();
            value.write(&mut out);
            out
        };
        let int = |n| Json::Number(Number::Int(n));
        let a = Json::object(vec![("b".into(), int(1)), ("a".into(), int(2)), ("b".into(), int(3))]);
        let b = Json::object(vec![("a".into(), int(2)), ("b".into(), int(3))]);
        assert_eq!(text(&a), r#"{"a":2,"b":3}"#);
        assert_eq!(a, b);
        assert_eq!(text(&Json::Text("a\"\n\u{1}".into())), r#""a\"\n\u0001""#);
        assert_eq!(text(&Json::Text("\\ä\"ö\"".into())), r#""\\ä\"ö\"""#);
    }

    #[test]
    fn depth_and_nul_are_refused_where_they_stand() {
        let nest = |levels: usize| (1..levels).fold(Json::EMPTY, |inner, _| Json::object(vec![("x".into(), inner)]));
        assert!(nest(16).check_object("/properties").is_ok());
        assert_eq!(nest(17).check_object("/properties").unwrap_err().code, "too_deep");
        let nul = Json::object(vec![("note".into(), Json::Text("a\0".into()))]);
        let refusal = nul.check_object("/properties").unwrap_err();
        assert_eq!((refusal.code, refusal.pointer.as_str()), ("control_character", "/properties/note"));
        assert_eq!(Json::Null.check_object("/properties").unwrap_err().code, "not_an_object");
    }
}
