//! Cutting a body into the texts of its events, without reading them.
//!
//! The cut looks at brackets and strings alone. So an event with a syntax error inside balanced brackets stays
//! one slice that is refused alone, and only a body whose brackets or strings do not close is refused whole.

use std::ops::Range;

/// How a body holds its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `[{..},{..}]`
    Array,
    /// `{"events":[{..},{..}]}`
    Wrapped,
    /// `{..}`
    Single,
    /// One event a line.
    Lines,
}

impl Shape {
    /// The pointer into the body of `pointer`, which leads into the event at `index`. Lines have none of their own: they
    /// are counted like the elements of an array.
    pub(crate) fn pointer(self, index: usize, pointer: &str) -> String {
        match self {
            Self::Array | Self::Lines => format!("/{index}{pointer}"),
            Self::Wrapped => format!("/events/{index}{pointer}"),
            Self::Single => pointer.to_owned(),
        }
    }
}

/// A body, cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split {
    /// How the body holds its events.
    pub(crate) shape: Shape,
    /// Where each event stands in the body.
    pub(crate) elements: Vec<Range<usize>>,
}

/// A member of an object: its key with escapes resolved, and where its value stands in the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// The key.
    pub(crate) key: String,
    /// The value, white space around it left out.
    pub(crate) value: Range<usize>,
}

/// Why a body cannot be cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is nothing in it.
    Empty,
    /// A bracket or a string does not close, or a bracket closes that was not opened.
    Unbalanced {
        /// The element of the array, where it lies in one.
        index: Option<usize>,
        /// The byte at which it shows.
        offset: usize,
        /// What shows there.
        what: &'static str,
    },
    /// It begins with something else than `[` or `{`.
    NotABatch {
        /// The byte at which it begins.
        offset: usize,
    },
    /// Something follows the end of the value.
    Trailing {
        /// The byte at which it stands.
        offset: usize,
    },
    /// More events than are taken in one request.
    TooMany,
    /// The object around the events has another member.
    UnknownMember(String),
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Cuts a body of events. `lines` says that the media type is NDJSON.
pub(crate) fn split(body: &[u8], lines: bool, most: usize) -> Result<Split, Fault> {
    let start = begin(body)?;
    if lines {
        return split_lines(body, start, most);
    }
    match body[start] {
        b'[' => {
            let (elements, end) = array(body, start, most)?;
            only_space_after(body, end)?;
            Ok(Split { shape: Shape::Array, elements })
        }
        b'{' => {
            let end = value_end(body, start).map_err(|broken| broken.at(None))?;
            let next = skip_space(body, end);
            if next < body.len() {
                // Several objects, each ending on its own line, are NDJSON whatever the media type says.
                return if body[next] == b'{' && body[end..next].contains(&b'\n') {
                    split_lines(body, start, most)
                } else {
                    Err(Fault::Trailing { offset: next })
                };
            }
            let Some(members) = members(body, start..end) else {
                return Ok(Split { shape: Shape::Single, elements: std::iter::once(start..end).collect() });
            };
            let Some(events) = members.iter().rfind(|member| member.key == "events") else {
                return Ok(Split { shape: Shape::Single, elements: std::iter::once(start..end).collect() });
            };
            if body[events.value.start] != b'[' {
                return Err(Fault::NotABatch { offset: events.value.start });
            }
            if let Some(other) = members.iter().find(|member| member.key != "events") {
                return Err(Fault::UnknownMember(other.key.clone()));
            }
            let (elements, _) = array(body, events.value.start, most)?;
            Ok(Split { shape: Shape::Wrapped, elements })
        }
        _ => Err(Fault::NotABatch { offset: start }),
    }
}

/// The members of the one object that makes up the body, in the order of the text.
pub(crate) fn object(body: &[u8]) -> Result<Vec<Member>, Fault> {
    let start = begin(body)?;
    if body[start] != b'{' {
        return Err(Fault::NotABatch { offset: start });
    }
    let end = value_end(body, start).map_err(|broken| broken.at(None))?;
    only_space_after(body, end)?;
    members(body, start..end).ok_or(Fault::Unbalanced {
        index: None,
        offset: start,
        what: "the members of this object are not \"key\": value, separated by commas",
    })
}

/// Where the elements of the array that begins at `start` stand, and the byte after its closing bracket.
pub(crate) fn array(body: &[u8], start: usize, most: usize) -> Result<(Vec<Range<usize>>, usize), Fault> {
    let mut elements = Vec::new();
    let mut at = skip_space(body, start + 1);
    if body.get(at) == Some(&b']') {
        return Ok((elements, at + 1));
    }
    loop {
        if elements.len() == most {
            return Err(Fault::TooMany);
        }
        let end = element_end(body, at).map_err(|broken| broken.at(Some(elements.len())))?;
        match body[end] {
            b',' => {
                elements.push(trimmed(body, at..end));
                at = skip_space(body, end + 1);
            }
            b']' => {
                elements.push(trimmed(body, at..end));
                return Ok((elements, end + 1));
            }
            _ => return Err(Broken { offset: end, what: "} closes what [ opened" }.at(Some(elements.len()))),
        }
    }
}

/// The first byte that is no white space.
fn begin(body: &[u8]) -> Result<usize, Fault> {
    let start = skip_space(body, if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 });
    if start == body.len() { Err(Fault::Empty) } else { Ok(start) }
}

/// Lines need no balance: whatever is wrong with one stays in it.
fn split_lines(body: &[u8], start: usize, most: usize) -> Result<Split, Fault> {
    let mut elements = Vec::new();
    let mut at = start;
    while at < body.len() {
        let end = body[at..].iter().position(|byte| *byte == b'\n').map_or(body.len(), |length| at + length);
        let line = trimmed(body, at..end);
        if !line.is_empty() {
            if elements.len() == most {
                return Err(Fault::TooMany);
            }
            elements.push(line);
        }
        at = end + 1;
    }
    Ok(Split { shape: Shape::Lines, elements })
}

/// The members of the object at `range`; `None` where it is not written as members.
fn members(body: &[u8], range: Range<usize>) -> Option<Vec<Member>> {
    let mut members = Vec::new();
    let mut at = skip_space(body, range.start + 1);
    if at + 1 == range.end {
        return Some(members);
    }
    loop {
        if body.get(at) != Some(&b'"') {
            return None;
        }
        let key_end = string_end(body, at).ok()?;
        let key = serde_json::from_slice::<String>(&body[at..key_end]).ok()?;
        at = skip_space(body, key_end);
        if body.get(at) != Some(&b':') {
            return None;
        }
        at = skip_space(body, at + 1);
        let end = element_end(body, at).ok()?;
        let value = trimmed(body, at..end);
        if value.is_empty() {
            return None;
        }
        members.push(Member { key, value });
        match body[end] {
            b',' => at = skip_space(body, end + 1),
            b'}' if end + 1 == range.end => return Some(members),
            _ => return None,
        }
    }
}

/// Where brackets or strings do not fit.
struct Broken {
    offset: usize,
    what: &'static str,
}

impl Broken {
    fn at(self, index: Option<usize>) -> Fault {
        Fault::Unbalanced { index, offset: self.offset, what: self.what }
    }
}

/// The byte after the bracketed value that begins at `start`.
fn value_end(body: &[u8], start: usize) -> Result<usize, Broken> {
    let mut open = Vec::new();
    let mut at = start;
    loop {
        at = step(body, at, &mut open)?;
        if open.is_empty() {
            return Ok(at);
        }
    }
}

/// The byte of the comma or closing bracket that ends the element which begins at `start`.
fn element_end(body: &[u8], start: usize) -> Result<usize, Broken> {
    let mut open = Vec::new();
    let mut at = start;
    loop {
        if open.is_empty() && matches!(body.get(at), Some(b',' | b']' | b'}')) {
            return Ok(at);
        }
        at = step(body, at, &mut open)?;
    }
}

/// Goes over one byte or one string, and keeps the brackets that are open.
fn step(body: &[u8], at: usize, open: &mut Vec<u8>) -> Result<usize, Broken> {
    match body.get(at) {
        None => Err(Broken { offset: at, what: "the body ends before the closing bracket" }),
        Some(b'"') => string_end(body, at),
        Some(bracket @ (b'[' | b'{')) => {
            open.push(*bracket);
            Ok(at + 1)
        }
        Some(b']') if open.pop() != Some(b'[') => Err(Broken { offset: at, what: "] closes what { opened" }),
        Some(b'}') if open.pop() != Some(b'{') => Err(Broken { offset: at, what: "} closes what [ opened" }),
        Some(_) => Ok(at + 1),
    }
}

/// The byte after the string that begins at `start`.
fn string_end(body: &[u8], start: usize) -> Result<usize, Broken> {
    let mut at = start + 1;
    loop {
        match body.get(at) {
            None => return Err(Broken { offset: start, what: "the string that begins here does not close" }),
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn skip_space(body: &[u8], from: usize) -> usize {
    body.iter().skip(from).position(|byte| !is_space(*byte)).map_or(body.len().max(from), |length| from + length)
}

fn trimmed(body: &[u8], range: Range<usize>) -> Range<usize> {
    let text = &body[range.clone()];
    let before = text.iter().take_while(|byte| is_space(**byte)).count();
    let after = text[before..].iter().rev().take_while(|byte| is_space(**byte)).count();
    range.start + before..range.end - after
}

fn only_space_after(body: &[u8], end: usize) -> Result<(), Fault> {
    let next = skip_space(body, end);
    if next < body.len() { Err(Fault::Trailing { offset: next }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
