//! Undoing a content encoding while it arrives, never holding more than the limit.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use zstd::stream::raw::{self, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::DParameter;

/// A zstd frame may ask its reader for a window of up to 2 GiB. 8 MiB is what every usual level needs.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Encoding {
    /// The encoding that a `Content-Encoding` names; `None`: one that is not known here, or several.
    pub(crate) fn from_header(value: Option<&[u8]>) -> Option<Self> {
        let text = value.map_or(Some("identity"), |bytes| std::str::from_utf8(bytes).ok())?;
        match text.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Some(Self::Identity),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Why a body cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// It is larger than the limit.
    TooLarge,
    /// It is not in that encoding, or ends too early.
    Corrupt,
}

/// Takes a body piece by piece.
pub(crate) enum Decoder {
    /// As it is.
    Identity(Capped),
    /// RFC 1952, also of several members.
    Gzip {
        /// The decoder.
        decoder: Box<MultiGzDecoder<Capped>>,
        /// Whether anything came; no bytes at all are an empty body.
        begun: bool,
    },
    /// RFC 8878, also of several frames.
    Zstd {
        /// The decoder.
        decoder: raw::Decoder<'static>,
        /// What came out.
        out: Capped,
        /// Whether the last frame is complete.
        complete: bool,
    },
}

/// A buffer that refuses to grow beyond its limit.
#[derive(Debug, Default)]
pub(crate) struct Capped {
    bytes: Vec<u8>,
    limit: usize,
    overflowed: bool,
}

impl Write for Capped {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + piece.len() > self.limit {
            self.overflowed = true;
            return Err(io::Error::other("larger than the limit"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Capped {
    fn fault(&self) -> Undecodable {
        if self.overflowed { Undecodable::TooLarge } else { Undecodable::Corrupt }
    }
}

impl Decoder {
    /// A decoder whose output is at most `limit` bytes.
    pub(crate) fn new(encoding: Encoding, limit: usize) -> io::Result<Self> {
        let out = Capped { limit, ..Capped::default() };
        Ok(match encoding {
            Encoding::Identity => Self::Identity(out),
            Encoding::Gzip => Self::Gzip { decoder: Box::new(MultiGzDecoder::new(out)), begun: false },
            Encoding::Zstd => {
                let mut decoder = raw::Decoder::new()?;
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
                Self::Zstd { decoder, out, complete: true }
            }
        })
    }

    /// Takes the next piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), Undecodable> {
        match self {
            Self::Identity(out) => out.write_all(piece).map_err(|_| Undecodable::TooLarge),
            Self::Gzip { decoder, begun } => {
                *begun |= !piece.is_empty();
                decoder.write_all(piece).map_err(|_| decoder.get_ref().fault())
            }
            Self::Zstd { decoder, out, complete } => {
                let mut input = InBuffer::around(piece);
                let mut chunk = vec![0; 32 << 10];
                loop {
                    let mut output = OutBuffer::around(&mut chunk[..]);
                    let more = decoder.run(&mut input, &mut output).map_err(|_| Undecodable::Corrupt)?;
                    let written = output.pos();
                    if !piece.is_empty() {
                        *complete = more == 0;
                    }
                    out.write_all(&chunk[..written]).map_err(|_| Undecodable::TooLarge)?;
                    // A full chunk may have more behind it even when all input is read.
                    if input.pos() == piece.len() && (written < chunk.len() || *complete) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// How many bytes are held.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Identity(out) | Self::Zstd { out, .. } => out.bytes.len(),
            Self::Gzip { decoder, .. } => decoder.get_ref().bytes.len(),
        }
    }

    /// The whole body.
    pub(crate) fn finish(self) -> Result<Vec<u8>, Undecodable> {
        match self {
            Self::Gzip { begun: false, .. } => Ok(Vec::new()),
            Self::Gzip { mut decoder, .. } => {
                decoder.try_finish().map_err(|_| decoder.get_ref().fault())?;
                Ok(std::mem::take(&mut decoder.get_mut().bytes))
            }
            Self::Zstd { complete: false, .. } => Err(Undecodable::Corrupt),
            Self::Identity(out) | Self::Zstd { out, .. } => Ok(out.bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 3).unwrap()
    }

    fn decode(encoding: Encoding, bytes: &[u8], limit: usize, step: usize) -> Result<Vec<u8>, Undecodable> {
        let mut decoder = Decoder::new(encoding, limit).unwrap();
        for piece in bytes.chunks(step.max(1)) {
            decoder.push(piece)?;
            assert!(decoder.len() <= limit);
        }
        decoder.finish()
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let zeros = vec![b' '; 50 << 20];
        for (encoding, bomb) in [(Encoding::Gzip, gzip(&zeros)), (Encoding::Zstd, zstd(&zeros))] {
            assert!(bomb.len() < 100 << 10);
            assert_eq!(decode(encoding, &bomb, 4 << 20, 1 << 20), Err(Undecodable::TooLarge));
        }
    }

    #[test]
    fn a_cut_or_foreign_body_is_corrupt() {
        for (encoding, whole) in [(Encoding::Gzip, gzip(b"one\ntwo\n")), (Encoding::Zstd, zstd(b"one\ntwo\n"))] {
            for end in 1..whole.len() {
                assert_eq!(decode(encoding, &whole[..end], 100, 7), Err(Undecodable::Corrupt), "{encoding:?} {end}");
            }
            assert_eq!(decode(encoding, b"{\"a\":1} no such encoding", 100, 7), Err(Undecodable::Corrupt));
            assert_eq!(decode(encoding, b"", 100, 7), Ok(Vec::new()));
        }
    }

    #[test]
    fn encodings_are_named() {
        assert_eq!(Encoding::from_header(None), Some(Encoding::Identity));
        assert_eq!(Encoding::from_header(Some(b" GZIP ")), Some(Encoding::Gzip));
        assert_eq!(Encoding::from_header(Some(b"br")), None);
        assert_eq!(Encoding::from_header(Some(b"gzip, gzip")), None);
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2_000), 1..4), step in 1usize..500) {
            let whole = parts.concat();
            let gzipped: Vec<u8> = parts.iter().flat_map(|part| gzip(part)).collect();
            let zstded: Vec<u8> = parts.iter().flat_map(|part| zstd(part)).collect();
            for (encoding, bytes) in [(Encoding::Gzip, gzipped), (Encoding::Zstd, zstded), (Encoding::Identity, whole.clone())] {
                let decoded = decode(encoding, &bytes, whole.len(), step);
                prop_assert_eq!(decoded.as_ref(), Ok(&whole));
                if !whole.is_empty() {
                    prop_assert_eq!(decode(encoding, &bytes, whole.len() - 1, step), Err(Undecodable::TooLarge));
                }
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), step in 1usize..50) {
            let _ = decode(Encoding::Gzip, &bytes, 1_000, step);
            let _ = decode(Encoding::Zstd, &bytes, 1_000, step);
        }
    }
}
