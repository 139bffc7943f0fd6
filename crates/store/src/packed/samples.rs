//! What a dictionary is made of: the JSON of some events of many subjects.

use serde_json::Value;

use super::anonymous::anonymous;
use super::dictionary::{Dictionary, Packer, Unpacker};

/// So many events suffice.
const ENOUGH: usize = 2_000;
/// Or so many bytes of them, where they are large.
const BYTES: usize = 2 << 20;
/// The most events of one batch: others differ more.
const OF_A_BATCH: usize = 400;
/// One of so many is kept apart, to tell what a dictionary saves of events that it was not made of.
const APART: usize = 4;

/// The most bytes of a dictionary.
const SIZE: usize = 16 << 10;
/// A dictionary that saves less is none, in thousandths.
const WORTH: i16 = 700;

/// Events that a dictionary is to be made of.
#[derive(Debug, Default)]
pub(super) struct Samples {
    /// Subjects and their JSON.
    texts: Vec<(Box<str>, String)>,
    bytes: usize,
}

/// A dictionary that was made.
#[derive(Debug)]
pub(crate) struct Trained {
    pub(crate) body: Vec<u8>,
    /// The thousandths of their bytes that other events take with it.
    pub(crate) share: i16,
}

/// One event: its place by chance, its subject, and how to get its JSON.
pub(super) struct Sample<'a, T> {
    pub(super) chance: u64,
    pub(super) subject: &'a str,
    pub(super) text: T,
}

impl Samples {
    /// Takes some of the events of a batch, by chance.
    pub(super) fn take<'a, T>(&mut self, events: impl ExactSizeIterator<Item = Sample<'a, T>>)
    where
        T: FnOnce() -> Option<String>,
    {
        let every = events.len().div_ceil(OF_A_BATCH).max(1) as u64;
        for Sample { subject, text, .. } in events.filter(|event| event.chance % every == 0) {
            if self.are_enough() {
                return;
            }
            if let Some(text) = text() {
                self.bytes += text.len();
                self.texts.push((subject.into(), text));
            }
        }
    }

    pub(super) fn are_enough(&self) -> bool {
        self.texts.len() >= ENOUGH || self.bytes >= BYTES
    }

    /// The dictionary of these samples; `None` where they have too little in common, or save little more than with the one `before`.
    /// Takes some tenths of a second.
    pub(super) fn train(self, before: Option<&Dictionary>) -> Option<Trained> {
        let (mut own, mut apart) = (Vec::new(), Vec::new());
        for (at, (subject, text)) in self.texts.into_iter().enumerate() {
            if at % APART == 0 {
                apart.push(text);
            } else {
                own.push((subject, serde_json::from_str::<Value>(&text).ok()?));
            }
        }
        own.sort_by(|(a, _), (b, _)| a.cmp(b));
        let texts: Vec<String> = anonymous(&own).iter().map(Value::to_string).collect();
        let body = zstd::dict::from_samples(&texts, SIZE).ok()?;
        let made = saved(&Dictionary::new(&body)?, &apart)?;
        let enough = match before {
            None => WORTH,
            Some(before) => i16::try_from(i32::from(saved(before, &apart)?) * 9 / 10).ok()?,
        };
        (made <= enough).then_some(Trained { body, share: made })
    }
}

/// The thousandths of their bytes that these texts take; `None` where one does not come back as it was.
fn saved(dictionary: &Dictionary, texts: &[String]) -> Option<i16> {
    let (mut packer, mut unpacker) = (Packer::new(dictionary)?, Unpacker::default());
    for text in texts {
        if let Some(packed) = packer.pack(text)
            && unpacker.unpack(dictionary, &packed) != Ok(text)
        {
            return None;
        }
    }
    share(packer.bytes)
}

/// Thousandths of the bytes before that are left after, at least one; `None`: there were none before.
pub(super) fn share((before, after): (usize, usize)) -> Option<i16> {
    let share = (after * 1_000).checked_div(before)?;
    i16::try_from(share.clamp(1, 1_000)).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use super::*;

    /// The JSON of an event, as a shop sends it.
    pub(in crate::packed) fn text(at: usize) -> String {
        let mixed = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            r#"{{"properties":{{"brand":"{}","campaign":"spring-newsletter","locale":"de-DE","price":{}.5,"session_id":"{mixed:016x}","url":"https://shop.example.com/{}/{}?utm_medium=cpc"}}}}"#,
            ["Northpeak", "Ridgeline"][at % 2],
            mixed % 300,
            ["boots", "tents", "rainwear"][at % 3],
            mixed % 40_000,
        )
    }

    fn samples(subjects: usize, text: impl Fn(usize) -> String) -> Samples {
        let mut samples = Samples::default();
        for batch in 0.. {
            let places = batch * 300..batch * 300 + 300;
            let all: Vec<(usize, String)> = places.map(|at| (at, format!("u:{}", at % subjects))).collect();
            let text = &text;
            samples.take(all.iter().map(|(at, subject)| Sample {
                chance: *at as u64,
                subject,
                text: move || Some(text(*at)),
            }));
            if samples.are_enough() {
                return samples;
            }
        }
        unreachable!("there is no end of batches")
    }

    pub(in crate::packed) static TRAINED: LazyLock<Trained> = LazyLock::new(|| samples(500, text).train(None).unwrap());

    fn holds(body: &[u8], word: &str) -> bool {
        body.windows(word.len()).any(|window| window == word.as_bytes())
    }

    #[test]
    fn a_dictionary_holds_what_many_have_and_nothing_of_one() {
        assert!(TRAINED.share < 450, "{}", TRAINED.share);
        assert!(holds(&TRAINED.body, "spring-newsletter") && holds(&TRAINED.body, "https://shop.example.com/"));
        for at in 0..ENOUGH {
            let text = text(at);
            let session = &text[text.find("session_id").unwrap() + 13..][..16];
            assert!(!holds(&TRAINED.body, session), "{session} is one subject's");
        }
    }

    #[test]
    fn what_a_few_say_often_makes_no_dictionary() {
        assert!(samples(19, text).train(None).is_none());
    }

    #[test]
    fn another_one_is_made_only_where_it_saves_more() {
        let before = Dictionary::new(&TRAINED.body).unwrap();
        assert!(samples(500, text).train(Some(&before)).is_none());
        let other = |at: usize| {
            text(at)
                .replace("shop.example.com", "www.another.example")
                .replace("spring-newsletter", "retargeting-of-carts")
                .replace("session_id", "identifier_of_visit")
        };
        let trained = samples(500, other).train(Some(&before)).unwrap();
        assert!(holds(&trained.body, "another.example"));
    }

    #[test]
    fn there_is_no_dictionary_of_nothing() {
        assert!(Samples::default().train(None).is_none());
        // Characters that all come as often: nothing but their number is to be known of them.
        let noise = |at: usize| {
            let mixed = |by: u64| (at as u64 * 100 + by).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()[0];
            let characters: String = (0..100).map(|by| char::from(b'#' + mixed(by) % 57)).collect();
            format!(r#"{{"s":"{characters}"}}"#)
        };
        assert!(samples(500, noise).train(None).is_none());
    }

    #[test]
    fn samples_are_bounded_however_large_events_are() {
        let mut samples = Samples::default();
        let large = || Some("x".repeat(BYTES / 2));
        samples.take((0..400_u32).map(|chance| Sample { chance: chance.into(), subject: "u:1", text: large }));
        assert_eq!(samples.texts.len(), 2);
    }
}
