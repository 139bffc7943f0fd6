//! Inputs: a file or the standard input, gzipped or not, with the bytes counted that were read of it.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use flate2::bufread::MultiGzDecoder;

/// The first bytes of a gzip stream.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// The most bytes that are looked at to guess a format.
const PEEK: usize = 64 * 1024;

/// An opened input.
pub(crate) struct Input {
    /// The text, decompressed.
    pub(crate) text: BufReader<Box<dyn Read + Send>>,
    /// The bytes read so far, as they are stored.
    pub(crate) read: Arc<AtomicU64>,
    /// The bytes of the file, where it is one.
    pub(crate) size: Option<u64>,
}

/// Opens a file, or the standard input for `-`.
pub(crate) fn open(path: &Path) -> anyhow::Result<Input> {
    let read = Arc::new(AtomicU64::new(0));
    let (raw, size): (Box<dyn Read + Send>, _) = if path == Path::new("-") {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let meta = file.metadata().with_context(|| format!("cannot read {}", path.display()))?;
        anyhow::ensure!(!meta.is_dir(), "{} is a directory: name a file, or - for the standard input", path.display());
        (Box::new(file), meta.is_file().then_some(meta.len()))
    };
    let mut raw = BufReader::with_capacity(PEEK, Counted { inner: raw, read: Arc::clone(&read) });
    let gzipped = raw.fill_buf().with_context(|| format!("cannot read {}", path.display()))?.starts_with(GZIP);
    let text: Box<dyn Read + Send> = if gzipped { Box::new(MultiGzDecoder::new(raw)) } else { Box::new(raw) };
    Ok(Input { text: BufReader::with_capacity(PEEK, text), read, size })
}

impl Input {
    /// The first bytes, which stay there to be read.
    pub(crate) fn peek(&mut self) -> io::Result<&[u8]> {
        self.text.fill_buf()
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Hands on what a table's parser reads ahead, remembers it until the parser is past it, and ends a row that does not
/// end: a quote that is never closed would make one row of the rest of the file.
pub(crate) struct Tap<R> {
    inner: R,
    ahead: Rc<RefCell<Ahead>>,
}

/// What a parser has read, from a little before where it stands.
#[derive(Debug)]
pub(crate) struct Ahead {
    bytes: Vec<u8>,
    /// Where the first of the bytes stands in the text.
    base: u64,
    /// The bytes that the row may still take.
    left: usize,
    most: usize,
}

impl<R: Read> Tap<R> {
    /// Allows a row about `most` bytes.
    pub(crate) fn new(inner: R, most: usize) -> (Self, Rc<RefCell<Ahead>>) {
        let ahead = Rc::new(RefCell::new(Ahead { bytes: Vec::new(), base: 0, left: most, most }));
        (Self { inner, ahead: Rc::clone(&ahead) }, ahead)
    }
}

impl Ahead {
    /// A row has ended before `at`: the next may take as much again.
    pub(crate) fn ended(&mut self, at: u64) {
        self.left = self.most;
        let behind = self.index(at);
        // Seldom enough that moving the rest costs little.
        if behind >= PEEK {
            self.bytes.drain(..behind);
            self.base += behind as u64;
        }
    }

    /// How many lines end between `at` and the first byte of a row.
    pub(crate) fn line_ends(&self, at: u64) -> u64 {
        let rest = self.bytes.get(self.index(at)..).unwrap_or_default();
        rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count() as u64
    }

    fn index(&self, at: u64) -> usize {
        usize::try_from(at.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.bytes.len())
    }
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ahead = self.ahead.borrow_mut();
        if ahead.left == 0 {
            return Err(io::Error::other("a row does not end: is there a quote that is never closed?"));
        }
        let most = buffer.len().min(ahead.left);
        let count = self.inner.read(&mut buffer[..most])?;
        ahead.left -= count;
        ahead.bytes.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_an_end_is_an_error_and_not_a_full_memory() {
        let (mut reader, ahead) = Tap::new(io::repeat(b'x'), 10);
        let mut buffer = [0; 8];
        assert_eq!(reader.read(&mut buffer).unwrap(), 8);
        assert_eq!(reader.read(&mut buffer).unwrap(), 2);
        assert!(reader.read(&mut buffer).is_err());
        ahead.borrow_mut().ended(10);
        assert_eq!(reader.read(&mut buffer).unwrap(), 8);
    }

    #[test]
    fn what_was_read_is_forgotten_once_it_is_behind() {
        let text = [vec![b'x'; 2 * PEEK], b"\r\n\n\ny".to_vec()].concat();
        let (mut reader, ahead) = Tap::new(&*text, usize::MAX);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        let at = 2 * PEEK as u64;
        assert_eq!(ahead.borrow().line_ends(at), 3);
        ahead.borrow_mut().ended(at);
        assert_eq!((ahead.borrow().bytes.len(), ahead.borrow().line_ends(at)), (5, 3));
    }
}
