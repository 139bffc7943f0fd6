//! One dictionary: packs the JSON of events, and unpacks it.

use std::fmt;

use zstd::bulk::Compressor;
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{DCtx, get_error_name, get_frame_content_size};

/// How hard is tried: higher levels save 5 % more and take several times as long.
const LEVEL: i32 = 1;

/// The largest JSON that is unpacked: what an event may be at most, and by far.
const LARGEST: u64 = 64 << 20;

/// A dictionary of a tenant, ready for use.
pub(crate) struct Dictionary {
    number: i16,
    encoder: EncoderDictionary<'static>,
    decoder: DecoderDictionary<'static>,
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Dictionary {
    pub(super) fn new(number: i16, body: &[u8]) -> Self {
        Self { number, encoder: EncoderDictionary::copy(body, LEVEL), decoder: DecoderDictionary::copy(body) }
    }

    /// Its number among those of the tenant.
    pub(crate) fn number(&self) -> i16 {
        self.number
    }
}

/// Packs the JSON of a batch.
pub(crate) struct Packer<'a> {
    compressor: Compressor<'a>,
    /// The bytes of what was packed, before and after.
    pub(crate) bytes: (usize, usize),
}

impl<'a> Packer<'a> {
    /// `None` where there is no memory for it.
    pub(crate) fn new(dictionary: &'a Dictionary) -> Option<Self> {
        let mut compressor = Compressor::with_prepared_dictionary(&dictionary.encoder).ok()?;
        // The row says which dictionary it is, and Postgres has checksums of its own.
        compressor.include_dictid(false).ok()?;
        compressor.include_checksum(false).ok()?;
        Some(Self { compressor, bytes: (0, 0) })
    }

    /// The packed text; `None` where that is not shorter.
    pub(crate) fn pack(&mut self, text: &str) -> Option<Vec<u8>> {
        let packed = self.compressor.compress(text.as_bytes()).ok();
        let packed = packed.filter(|packed| packed.len() < text.len());
        self.bytes.0 += text.len();
        self.bytes.1 += packed.as_ref().map_or(text.len(), Vec::len);
        packed
    }
}

/// Unpacks, one after the other, in memory that is used again.
pub(crate) struct Unpacker {
    context: DCtx<'static>,
    text: Vec<u8>,
}

impl Default for Unpacker {
    fn default() -> Self {
        Self { context: DCtx::create(), text: Vec::new() }
    }
}

impl Unpacker {
    /// The text that was packed with this dictionary, or why there is none.
    pub(crate) fn unpack(&mut self, dictionary: &Dictionary, packed: &[u8]) -> Result<&str, String> {
        let size = get_frame_content_size(packed).ok().flatten().filter(|size| *size <= LARGEST);
        let size = size.and_then(|size| usize::try_from(size).ok()).ok_or("it does not say how long it is")?;
        self.text.clear();
        self.text.reserve(size);
        self.context
            .decompress_using_ddict(&mut self.text, packed, dictionary.decoder.as_ddict())
            .map_err(|code| get_error_name(code).to_owned())?;
        str::from_utf8(&self.text).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::packed::samples::tests::TRAINED;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked_as_it_was(texts in prop::collection::vec(".{0,400}", 1..20)) {
            let dictionary = Dictionary::new(3, &TRAINED.body);
            let mut packer = Packer::new(&dictionary).unwrap();
            let mut unpacker = Unpacker::default();
            for text in &texts {
                if let Some(packed) = packer.pack(text) {
                    prop_assert!(packed.len() < text.len());
                    prop_assert_eq!(unpacker.unpack(&dictionary, &packed), Ok(text.as_str()));
                }
            }
        }

        #[test]
        fn what_was_never_packed_has_a_reason(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let dictionary = Dictionary::new(1, &TRAINED.body);
            let mut unpacker = Unpacker::default();
            // No panic, and no memory beyond the limit; random bytes are a frame of Zstandard once in four thousand million.
            prop_assert!(unpacker.unpack(&dictionary, &bytes).is_err());
        }
    }

    #[test]
    fn a_frame_of_another_dictionary_has_a_reason_too() {
        let one = Dictionary::new(1, &TRAINED.body);
        let other = Dictionary::new(2, b"nothing that anything else was ever packed with");
        let text = crate::packed::samples::tests::text(17);
        let packed = Packer::new(&one).unwrap().pack(&text).unwrap();
        assert!(packed.len() * 3 < text.len(), "{} of {}", packed.len(), text.len());
        assert_ne!(Unpacker::default().unpack(&other, &packed).ok(), Some(text.as_str()));
    }
}
