//! One event as it is kept: a few bytes in one piece, since there may be a hundred thousand.

use std::sync::Arc;

use journey::{Amount, Channel, Currency, Instant};

/// An event as it was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recorded<'a> {
    pub subject: &'a str,
    pub at: Instant,
    pub name: &'a str,
    pub channel: Option<Channel>,
    pub stage: Option<&'a str>,
    pub value: Option<Amount>,
    pub currency: Option<Currency>,
    /// Experiment and arm.
    pub exposure: Option<(&'a str, &'a str)>,
    /// Its JSON.
    pub data: Data<'a>,
}

/// The JSON of an event as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data<'a> {
    /// There is none.
    None,
    /// As it is.
    Plain(&'a str),
    /// Packed with the dictionary of this id.
    Packed(i32, &'a [u8]),
    /// It was not kept, and stands in the database.
    Elsewhere,
}

/// The bytes of a [`Recorded`]: the time, the value where there is one, the texts with their lengths, what the JSON is, and the JSON.
#[derive(Debug, Clone)]
pub(crate) struct Kept(Arc<[u8]>);

const NONE: u8 = 0;
const PLAIN: u8 = 1;
const PACKED: u8 = 2;
const ELSEWHERE: u8 = 3;

impl Kept {
    /// How many bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// `None`: a text is too long, which those of events are not.
    pub(super) fn of(event: &Recorded<'_>) -> Option<Self> {
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(&event.at.micros().to_le_bytes());
        out.push(u8::from(event.value.is_some()));
        if let Some(value) = event.value {
            out.extend_from_slice(&value.units().to_le_bytes());
        }
        let (experiment, arm) = event.exposure.unzip();
        let channel = event.channel.map(Channel::word);
        let currency = event.currency.map(Currency::code);
        for text in [Some(event.subject), Some(event.name), channel, event.stage, currency, experiment, arm] {
            put(&mut out, text)?;
        }
        match event.data {
            Data::None => out.push(NONE),
            Data::Plain(text) => {
                out.push(PLAIN);
                out.extend_from_slice(text.as_bytes());
            }
            Data::Packed(with, packed) => {
                out.push(PACKED);
                out.extend_from_slice(&with.to_le_bytes());
                out.extend_from_slice(packed);
            }
            Data::Elsewhere => out.push(ELSEWHERE),
        }
        Some(Self(out.into()))
    }

    /// The experiment that it exposes to, if any.
    pub(super) fn experiment(&self) -> Option<&str> {
        let from = &mut &*self.0;
        let _at = from.split_off(..8)?;
        if *from.split_off_first()? != 0 {
            let _value = from.split_off(..8)?;
        }
        // Subject, name, channel, stage and currency stand before it.
        for _ in 0..5 {
            let _text = bytes(from)?;
        }
        std::str::from_utf8(bytes(from)??).ok()
    }

    /// The event; `None`: the bytes are none, which no caller brings about.
    pub(crate) fn read(&self) -> Option<Recorded<'_>> {
        let from = &mut &*self.0;
        let at = Instant::from_micros(i64::from_le_bytes(*from.split_off(..8)?.first_chunk()?));
        let value = match from.split_off_first()? {
            0 => None,
            _ => Amount::from_units(i64::from_le_bytes(*from.split_off(..8)?.first_chunk()?)),
        };
        let (subject, name) = (text(from)??, text(from)??);
        let channel = text(from)?.and_then(Channel::from_word);
        let stage = text(from)?;
        let currency = text(from)?.and_then(|code| Currency::parse(code, "").ok());
        let exposure = text(from)?.zip(text(from)?);
        let data = match *from.split_off_first()? {
            NONE => Data::None,
            PLAIN => Data::Plain(std::str::from_utf8(from).ok()?),
            PACKED => Data::Packed(i32::from_le_bytes(*from.split_off(..4)?.first_chunk()?), from),
            _ => Data::Elsewhere,
        };
        Some(Recorded { subject, at, name, channel, stage, value, currency, exposure, data })
    }
}

/// A text behind its length; there is none where the length is that of no text.
fn put(out: &mut Vec<u8>, text: Option<&str>) -> Option<()> {
    let len = match text {
        Some(text) => u16::try_from(text.len()).ok().filter(|len| *len != u16::MAX)?,
        None => u16::MAX,
    };
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(text.unwrap_or_default().as_bytes());
    Some(())
}

#[expect(clippy::option_option, reason = "the outer one says whether the bytes can be read, the inner one is read")]
fn bytes<'a>(from: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    let len = u16::from_le_bytes(*from.split_off(..2)?.first_chunk()?);
    if len == u16::MAX { Some(None) } else { from.split_off(..usize::from(len)).map(Some) }
}

#[expect(clippy::option_option, reason = "as above")]
fn text<'a>(from: &mut &'a [u8]) -> Option<Option<&'a str>> {
    match bytes(from)? {
        Some(text) => std::str::from_utf8(text).ok().map(Some),
        None => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl<'a> Recorded<'a> {
        /// A page that was viewed, and nothing else.
        pub(in crate::recent) fn page(subject: &'a str) -> Self {
            Self {
                subject,
                at: Instant::from_micros(0),
                name: "Page Viewed",
                channel: None,
                stage: None,
                value: None,
                currency: None,
                exposure: None,
                data: Data::None,
            }
        }
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let text = "x".repeat(usize::from(u16::MAX));
        assert!(Kept::of(&Recorded::page(&text)).is_none());
        assert_eq!(Kept::of(&Recorded::page(&text[1..])).unwrap().read(), Some(Recorded::page(&text[1..])));
    }

    proptest! {
        #[test]
        fn what_is_kept_is_read(
            (subject, name, stage) in (".{0,9}", "\\PC{1,9}", proptest::option::of(".{0,300}")),
            (at, value) in (any::<i64>(), proptest::option::of(-Amount::MAX_UNITS..=Amount::MAX_UNITS)),
            (has_channel, has_currency) in any::<(bool, bool)>(),
            exposure in proptest::option::of((".{1,9}", ".{1,9}")),
            (kind, json, with) in (0..4, ".{0,99}", any::<i32>()),
        ) {
            let event = Recorded {
                subject: &subject,
                at: Instant::from_micros(at),
                name: &name,
                channel: has_channel.then_some(Channel::Email),
                stage: stage.as_deref(),
                value: value.and_then(Amount::from_units),
                currency: has_currency.then(|| Currency::parse("CHF", "").unwrap()),
                exposure: exposure.as_ref().map(|(experiment, arm)| (&**experiment, &**arm)),
                data: match kind {
                    0 => Data::None,
                    1 => Data::Plain(&json),
                    2 => Data::Packed(with, json.as_bytes()),
                    _ => Data::Elsewhere,
                },
            };
            let kept = Kept::of(&event).unwrap();
            prop_assert_eq!(kept.read(), Some(event));
            prop_assert_eq!(kept.experiment(), event.exposure.map(|(experiment, _)| experiment));
        }
    }
}
