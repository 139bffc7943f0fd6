//! One dictionary: packs the JSON of events, and unpacks it.

use std::fmt;

use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{self, DCtx, get_error_name, get_frame_content_size};

/// How hard is tried: higher levels save 5 % more and take several times as long.
const LEVEL: i32 = 1;

/// The largest JSON that is packed: what events may be at most, and by far.
const LARGEST: usize = 64 << 20;

/// A dictionary of a tenant, ready for use.
pub(crate) struct Dictionary {
    id: i32,
    encoder: EncoderDictionary<'static>,
    decoder: DecoderDictionary<'static>,
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Dictionary {
    /// The dictionary of this body; `None` where it is none.
    pub(super) fn new(body: &[u8]) -> Option<Self> {
        let encoder = EncoderDictionary::try_copy(body, LEVEL).ok()?;
        let decoder = DecoderDictionary::try_copy(body).ok()?;
        let [a, b, c, d, ..] = *Sha256::digest(body).as_array::<32>()?;
        Some(Self { id: i32::from_be_bytes([a, b, c, d]), encoder, decoder })
    }

    /// What tells it apart: it follows from the body.
    pub(crate) fn id(&self) -> i32 {
        self.id
    }
}

/// Packs the JSON of a batch.
pub(crate) struct Packer<'a> {
    compressor: Compressor<'a>,
    /// Room for one text, used again.
    room: Vec<u8>,
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
        Some(Self { compressor, room: Vec::new(), bytes: (0, 0) })
    }

    /// The packed text; `None` where that is not shorter.
    pub(crate) fn pack(&mut self, text: &str) -> Option<Vec<u8>> {
        if text.len() > LARGEST {
            return None;
        }
        self.room.clear();
        self.room.reserve(zstd_safe::compress_bound(text.len()));
        let packed = self.compressor.compress_to_buffer(text.as_bytes(), &mut self.room);
        let packed = packed.is_ok_and(|length| length < text.len()).then(|| self.room.as_slice().to_vec());
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
        let size = get_frame_content_size(packed).ok().flatten().and_then(|size| usize::try_from(size).ok());
        let size = size.filter(|size| *size <= LARGEST).ok_or("it does not say how long it is")?;
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
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::packed::samples::tests::{TRAINED, text};

    static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| Dictionary::new(&TRAINED.body).unwrap());

    /// The JSON of an event with something else put somewhere.
    fn like_an_event() -> impl Strategy<Value = String> {
        (0_usize..5_000, ".{0,60}", any::<prop::sample::Index>()).prop_map(|(at, more, place)| {
            let characters: Vec<char> = text(at).chars().collect();
            let (head, tail) = characters.split_at(place.index(characters.len()));
            head.iter().chain(&more.chars().collect::<Vec<_>>()).chain(tail).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked_as_it_was(texts in prop::collection::vec(like_an_event(), 1..20)) {
            let (mut packer, mut unpacker) = (Packer::new(&DICTIONARY).unwrap(), Unpacker::default());
            for text in &texts {
                let packed = packer.pack(text).expect("it is shorter");
                prop_assert!(packed.len() < text.len());
                prop_assert_eq!(unpacker.unpack(&DICTIONARY, &packed), Ok(text.as_str()));
            }
            prop_assert!(packer.bytes.1 < packer.bytes.0);
        }

        #[test]
        fn what_is_not_shorter_is_left_as_it_is(text in "[!-~]{0,9}") {
            let packed = Packer::new(&DICTIONARY).unwrap().pack(&text);
            prop_assert!(packed.is_none_or(|packed| packed.len() < text.len()));
        }

        #[test]
        fn frames_that_were_damaged_do_no_harm(
            at in 0_usize..5_000, place: prop::sample::Index, bit in 0_u8..8, cut: prop::sample::Index,
        ) {
            let text = text(at);
            let packed = Packer::new(&DICTIONARY).unwrap().pack(&text).unwrap();
            let mut unpacker = Unpacker::default();
            let cut = &packed[..cut.index(packed.len())];
            prop_assert!(unpacker.unpack(&DICTIONARY, cut).is_err());
            let mut flipped = packed.clone();
            flipped[place.index(packed.len())] ^= 1 << bit;
            // What it says by chance is no panic, and takes no memory beyond the limit.
            let _ = unpacker.unpack(&DICTIONARY, &flipped);
            prop_assert!(unpacker.text.capacity() <= LARGEST);
            prop_assert_eq!(unpacker.unpack(&DICTIONARY, &packed), Ok(text.as_str()));
        }
    }

    #[test]
    fn dictionaries_are_told_apart_by_their_bodies() {
        let other = Dictionary::new(b"nothing that anything else was ever packed with").unwrap();
        assert_ne!(DICTIONARY.id(), other.id());
        assert_eq!(DICTIONARY.id(), Dictionary::new(&TRAINED.body).unwrap().id());
        // The magic number of a dictionary, and nothing that belongs behind it.
        assert!(Dictionary::new(&[0x37, 0xa4, 0x30, 0xec, 1, 2, 3, 4, 5, 6, 7, 8]).is_none());
    }
}
