//! Reading records: rows of a table or lines of JSON, one at a time and never more of one than a bound.

use std::cell::RefCell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::Context as _;

use super::batch::Refusal;
use super::record::{Members, Record};
use super::source::{Ahead, Tap};

/// The longest record, in bytes; the service takes far less in one event.
pub(crate) const MAX_RECORD: usize = 4 << 20;

/// The digest of nothing (FNV-1a, 64 bits).
pub(crate) const DIGEST_START: u64 = 0xcbf2_9ce4_8422_2325;

/// Goes on with a digest. It tells changed files from unchanged ones; nothing rests on its being hard to forge.
pub(crate) fn digest(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A record and where it stands.
#[derive(Debug)]
pub(crate) struct Found {
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
    /// The digest of its content.
    pub(crate) digest: u64,
    /// What it holds, or why it holds nothing.
    pub(crate) record: Result<Record, Refusal>,
}

/// A source of records.
pub(crate) enum Records<R> {
    /// Rows.
    Table(Box<Table<R>>),
    /// Lines of JSON.
    Lines(Lines<R>),
}

impl<R: BufRead> Records<R> {
    /// The next record.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Found>> {
        match self {
            Self::Table(table) => table.next(),
            Self::Lines(lines) => Ok(lines.next()?),
        }
    }
}

/// The rows of a CSV table.
pub(crate) struct Table<R> {
    reader: csv::Reader<Tap<R>>,
    ahead: Rc<RefCell<Ahead>>,
    header: Arc<Vec<String>>,
    row: csv::ByteRecord,
}

impl<R: Read> Table<R> {
    /// A table; its first row names the columns, unless `columns` does.
    pub(crate) fn new(source: R, delimiter: u8, columns: Option<Vec<String>>) -> anyhow::Result<Self> {
        let (tap, ahead) = Tap::new(source, MAX_RECORD);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(columns.is_none())
            .flexible(true)
            .from_reader(tap);
        let header = match columns {
            Some(columns) => columns,
            None => reader
                .headers()
                .context("cannot read the row that names the columns")?
                .iter()
                .map(|name| name.trim().to_owned())
                .collect(),
        };
        anyhow::ensure!(!header.is_empty(), "there is nothing in it: the first row of a table names its columns");
        if let Some((at, twice)) = header.iter().enumerate().find(|(at, name)| header[..*at].contains(name)) {
            anyhow::bail!(
                "two columns are called {twice:?} (the second is column {}): name them apart, or use --columns",
                at + 1
            );
        }
        ahead.borrow_mut().ended(reader.position().byte());
        Ok(Self { reader, ahead, header: Arc::new(header), row: csv::ByteRecord::new() })
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    fn next(&mut self) -> anyhow::Result<Option<Found>> {
        if !self
            .reader
            .read_byte_record(&mut self.row)
            .with_context(|| format!("after line {}", self.reader.position().line()))?
        {
            return Ok(None);
        }
        // The parser's position is before the line ends that precede the row.
        let start = self.row.position();
        let line = start.map_or(0, |start| start.line() + self.ahead.borrow().line_ends(start.byte()));
        self.ahead.borrow_mut().ended(self.reader.position().byte());
        let digest = self.row.iter().fold(DIGEST_START, |state, field| digest(digest(state, field), &[0xff]));
        let refuse = |code: &str, message: String| Refusal {
            line,
            code: code.into(),
            pointer: String::new(),
            message,
            event: None,
        };
        let record = if self.row.len() == self.header.len() {
            csv::StringRecord::from_byte_record(self.row.clone())
                .map(|row| Record::Row(Arc::clone(&self.header), row))
                .map_err(|error| refuse("not_utf8", error.to_string()))
        } else {
            let message = format!("has {} fields where {} columns are named", self.row.len(), self.header.len());
            Err(refuse("wrong_field_count", message))
        };
        Ok(Some(Found { line, digest, record }))
    }
}

/// Lines of JSON, each an object.
pub(crate) struct Lines<R> {
    source: R,
    line: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The lines of a text.
    pub(crate) fn new(source: R) -> Self {
        Self { source, line: 0, buffer: Vec::new() }
    }

    fn next(&mut self) -> io::Result<Option<Found>> {
        loop {
            self.buffer.clear();
            let mut count = self.source.by_ref().take(MAX_RECORD as u64).read_until(b'\n', &mut self.buffer)?;
            if count == 0 {
                return Ok(None);
            }
            self.line += 1;
            let (line, mut state) = (self.line, digest(DIGEST_START, self.buffer.trim_ascii_end()));
            let refuse = |code: &str, message: String| Refusal {
                line,
                code: code.into(),
                pointer: String::new(),
                message,
                event: None,
            };
            let mut too_long = false;
            while count == MAX_RECORD && !self.buffer.ends_with(b"\n") {
                too_long = true;
                self.buffer.clear();
                count = self.source.by_ref().take(MAX_RECORD as u64).read_until(b'\n', &mut self.buffer)?;
                state = digest(state, self.buffer.trim_ascii_end());
            }
            if too_long {
                let record = Err(refuse("line_too_long", format!("is longer than {MAX_RECORD} bytes")));
                return Ok(Some(Found { line, digest: state, record }));
            }
            let start = if line == 1 {
                self.buffer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.buffer)
            } else {
                &self.buffer
            };
            let bytes = start.trim_ascii();
            if bytes.is_empty() {
                continue;
            }
            let record = match std::str::from_utf8(bytes) {
                Err(error) => Err(refuse("not_utf8", format!("is no UTF-8 text: {error}"))),
                Ok(text) => match serde_json::from_str::<Members>(text) {
                    Ok(members) => Ok(Record::Object(text.to_owned(), members)),
                    Err(error) if error.is_data() => Err(refuse("not_an_object", "is no JSON object".into())),
                    Err(error) => Err(refuse("malformed_json", format!("is no JSON: {error}"))),
                },
            };
            return Ok(Some(Found { line, digest: state, record }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(mut records: Records<&[u8]>) -> Vec<(u64, String)> {
        let mut found = Vec::new();
        while let Some(next) = records.next().unwrap() {
            found.push((next.line, next.record.map_or_else(|refusal| refusal.code, |_| "ok".into())));
        }
        found
    }

    fn owned(found: &[(u64, &str)]) -> Vec<(u64, String)> {
        found.iter().map(|(line, code)| (*line, (*code).to_owned())).collect()
    }

    #[test]
    fn rows_keep_the_line_on_which_they_begin() {
        let text = b"\xef\xbb\xbfa,b\r\n1,\"x\ny\"\n2\n\n3,\xff\n4,z\n";
        let table = Table::new(&text[..], b',', None).unwrap();
        assert_eq!(table.header(), ["a", "b"]);
        let expected = owned(&[(2, "ok"), (4, "wrong_field_count"), (6, "not_utf8"), (7, "ok")]);
        assert_eq!(codes(Records::Table(Box::new(table))), expected);
    }

    #[test]
    fn a_quote_that_is_never_closed_ends_the_import() {
        let text = [b"a\n\"".to_vec(), vec![b'x'; 2 * MAX_RECORD]].concat();
        let mut table = Table::new(&text[..], b',', None).unwrap();
        assert!(format!("{:#}", table.next().unwrap_err()).contains("never closed"));
    }

    #[test]
    fn columns_may_be_named_from_outside_and_must_differ() {
        let table = Table::new(&b"1,2\n"[..], b',', Some(vec!["a".into(), "b".into()])).unwrap();
        assert_eq!(codes(Records::Table(Box::new(table))), owned(&[(1, "ok")]));
        assert!(Table::new(&b"a,a\n"[..], b',', None).err().unwrap().to_string().contains("two columns"));
        assert!(Table::new(&b""[..], b',', None).is_err());
    }

    #[test]
    fn lines_are_refused_alone() {
        let text = b"\xef\xbb\xbf{\"a\":1}\n\n{\"a\":\n[1]\n{\"a\":\"\xff\"}\n{}";
        let expected = owned(&[(1, "ok"), (3, "malformed_json"), (4, "not_an_object"), (5, "not_utf8"), (6, "ok")]);
        assert_eq!(codes(Records::Lines(Lines::new(&text[..]))), expected);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let text = [vec![b'x'; MAX_RECORD * 2 + 1], b"\n{}\n".to_vec()].concat();
        assert_eq!(codes(Records::Lines(Lines::new(&text[..]))), owned(&[(1, "line_too_long"), (2, "ok")]));
        let exact = [vec![b' '; MAX_RECORD - 3], b"{}\n{}".to_vec()].concat();
        assert_eq!(codes(Records::Lines(Lines::new(&exact[..]))), owned(&[(1, "ok"), (2, "ok")]));
    }

    #[test]
    fn digests_tell_contents_apart() {
        let digest_of = |text: &'static [u8]| {
            Table::new(text, b',', Some(vec!["a".into(), "b".into()])).unwrap().next().unwrap().unwrap().digest
        };
        assert_ne!(digest_of(b"ab,c\n"), digest_of(b"a,bc\n"));
        assert_eq!(digest_of(b"ab,c\n"), digest_of(b"ab,c\r\n"));
    }
}
