//! Batches: events on their way, and what became of them.

use std::io::Write as _;
use std::ops::Range;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The most events of a batch; the service takes 5 000.
pub(crate) const MAX_EVENTS: usize = 2_000;

/// The most bytes of a batch; the service takes 4 MiB.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// A line that was refused.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Refusal {
    /// The line on which the record begins, from 1.
    pub(crate) line: u64,
    /// A stable word for programs.
    pub(crate) code: String,
    /// JSON pointer into the event.
    pub(crate) pointer: String,
    /// What is wrong and what to do about it.
    pub(crate) message: String,
    /// The event as it was sent, where it came that far.
    pub(crate) event: Option<Box<serde_json::value::RawValue>>,
}

/// How far into the input a batch reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// The records read.
    pub(crate) records: u64,
    /// The bytes of the file read, as they are stored.
    pub(crate) bytes: u64,
    /// The digest of everything read.
    pub(crate) digest: u64,
}

/// Events that are sent together, in the order of the input.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The events, with commas between them.
    text: Vec<u8>,
    /// Where each event stands in the text.
    places: Vec<Range<usize>>,
    /// The line of each event.
    lines: Vec<u64>,
    /// Lines that did not become events.
    pub(crate) refused: Vec<Refusal>,
    /// The end of the batch.
    pub(crate) end: Mark,
}

/// What stands around the events of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// A JSON array.
    Array,
    /// The body of Segment's batch call.
    Segment,
}

impl Batch {
    /// Adds an event.
    pub(crate) fn push(&mut self, event: &[u8], line: u64) {
        if !self.text.is_empty() {
            self.text.push(b',');
        }
        let start = self.text.len();
        self.text.extend_from_slice(event);
        self.places.push(start..self.text.len());
        self.lines.push(line);
    }

    /// Whether there is room for `more` bytes.
    pub(crate) fn has_room(&self, more: usize) -> bool {
        self.places.len() + self.refused.len() < MAX_EVENTS
            && (self.text.is_empty() || self.text.len() + more < MAX_BYTES)
    }

    /// The number of events.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The line of an event, by its index.
    pub(crate) fn line(&self, index: usize) -> u64 {
        self.lines.get(index).copied().unwrap_or_default()
    }

    /// An event as it is sent, by its index.
    pub(crate) fn event(&self, index: usize) -> Option<Box<serde_json::value::RawValue>> {
        let text = std::str::from_utf8(self.text.get(self.places.get(index)?.clone())?).ok()?;
        serde_json::value::RawValue::from_string(text.to_owned()).ok()
    }

    /// The body of a request with some of the events, gzipped where it `is_packed`.
    pub(crate) fn body(&self, events: Range<usize>, envelope: Envelope, is_packed: bool) -> std::io::Result<Vec<u8>> {
        let text = match (self.places.get(events.start), self.places.get(events.end.wrapping_sub(1))) {
            (Some(first), Some(last)) => &self.text[first.start..last.end],
            _ => &[],
        };
        let (open, close): (&[u8], &[u8]) = match envelope {
            Envelope::Array => (b"[", b"]"),
            Envelope::Segment => (b"{\"batch\":[", b"]}"),
        };
        if !is_packed {
            return Ok([open, text, close].concat());
        }
        let mut out = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
        out.write_all(open)?;
        out.write_all(text)?;
        out.write_all(close)?;
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn a_part_of_a_batch_is_a_body_of_its_own() {
        let mut batch = Batch::default();
        for (line, event) in [(1, "{\"a\":1}"), (4, "{\"b\":2}"), (5, "{\"c\":3}")] {
            batch.push(event.as_bytes(), line);
        }
        let body = |range, envelope| {
            let mut text = String::new();
            let packed = batch.body(Range::clone(&range), envelope, true).unwrap();
            flate2::read::GzDecoder::new(&*packed).read_to_string(&mut text).unwrap();
            assert_eq!(batch.body(range, envelope, false).unwrap(), text.as_bytes());
            text
        };
        assert_eq!(body(0..3, Envelope::Array), r#"[{"a":1},{"b":2},{"c":3}]"#);
        assert_eq!(body(1..2, Envelope::Segment), r#"{"batch":[{"b":2}]}"#);
        assert_eq!((batch.len(), batch.line(1), batch.event(2).unwrap().get()), (3, 4, r#"{"c":3}"#));
    }
}
