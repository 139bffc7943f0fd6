//! What a dictionary is made of: the JSON of some events, without what only few subjects have.

use std::collections::HashMap;

use super::dictionary::{Dictionary, Packer, Unpacker};

/// So many events suffice.
const ENOUGH: usize = 2_000;
/// Or so many bytes of them, where they are large.
const BYTES: usize = 2 << 20;
/// The least that say what events have in common.
const LEAST: usize = 200;
/// The most events of one batch: others differ more.
const OF_A_BATCH: usize = 400;

/// A word stands in the dictionary where so many subjects have it. What fewer have could tell of one of them, long after its events
/// are gone.
const SUBJECTS: u32 = 20;

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
    /// The thousandths of their bytes that the samples take with it.
    pub(crate) share: i16,
}

impl Samples {
    /// Takes some of the events of a batch, evenly.
    pub(super) fn take<'a>(
        &mut self,
        events: impl ExactSizeIterator<Item = (&'a str, impl FnOnce() -> Option<String>)>,
    ) {
        let every = events.len().div_ceil(OF_A_BATCH).max(1);
        for (subject, text) in events.step_by(every) {
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
        self.texts.len() >= ENOUGH || self.bytes >= BYTES && self.texts.len() >= LEAST
    }

    /// The dictionary of these samples; `None` where they have too little in common. Takes a tenth of a second.
    pub(super) fn train(mut self) -> Option<Trained> {
        self.texts.sort_unstable();
        let common = self.common();
        let mut strange = Strange::default();
        let texts: Vec<String> = self.texts.iter().map(|(_, text)| strange.replace(text, &common)).collect();
        let body = zstd::dict::from_samples(&texts, SIZE).ok()?;
        let dictionary = Dictionary::new(1, &body);
        let (mut packer, mut unpacker) = (Packer::new(&dictionary)?, Unpacker::default());
        for (_, text) in &self.texts {
            if let Some(packed) = packer.pack(text)
                && unpacker.unpack(&dictionary, &packed) != Ok(text)
            {
                return None;
            }
        }
        let share = share(packer.bytes)?;
        (share <= WORTH).then_some(Trained { body, share })
    }

    /// The words that many subjects have; the texts are sorted by subject.
    fn common(&self) -> HashMap<&str, u32> {
        // How many subjects have the word, and the last of them.
        let mut seen: HashMap<&str, (u32, &str)> = HashMap::new();
        for (subject, text) in &self.texts {
            for word in words(text) {
                let (subjects, last) = seen.entry(word).or_insert((0, ""));
                if *last != &**subject {
                    (*subjects, *last) = (*subjects + 1, subject);
                }
            }
        }
        let common = seen.into_iter().filter(|(_, (subjects, _))| *subjects >= SUBJECTS);
        common.map(|(word, (subjects, _))| (word, subjects)).collect()
    }
}

/// Thousandths of the bytes before that are left after, at least one; `None`: there were none before.
pub(super) fn share((before, after): (usize, usize)) -> Option<i16> {
    let share = (after * 1_000).checked_div(before)?;
    i16::try_from(share.clamp(1, 1_000)).ok()
}

/// The runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Makes up what takes the place of words that few subjects have: of the same shape, so that the dictionary knows how often
/// which kind of character comes.
#[derive(Debug, Default)]
struct Strange(u64);

impl Strange {
    /// The text with those words alone that are `common`.
    fn replace(&mut self, text: &str, common: &HashMap<&str, u32>) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(begin) = rest.find(char::is_alphanumeric) {
            replaced.push_str(&rest[..begin]);
            let word = words(&rest[begin..]).next().unwrap_or_default();
            if common.contains_key(word) {
                replaced.push_str(word);
            } else {
                replaced.extend(word.chars().map(|character| self.like(character)));
            }
            rest = &rest[begin + word.len()..];
        }
        replaced.push_str(rest);
        replaced
    }

    fn like(&mut self, character: char) -> char {
        let of: &[u8] = match character {
            '0'..='9' => b"0123456789",
            'a'..='f' => b"abcdef",
            'A'..='F' => b"ABCDEF",
            'g'..='z' => b"ghijklmnopqrstuvwxyz",
            'G'..='Z' => b"GHIJKLMNOPQRSTUVWXYZ",
            _ => b"x",
        };
        // SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let at = usize::try_from(mixed % of.len() as u64).unwrap_or(0);
        char::from(of[at])
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use super::*;

    /// The JSON of an event, as a shop sends it.
    pub(in crate::packed) fn text(at: usize) -> String {
        let (place, at) = (at, at as u64);
        let mixed = at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!(
            r#"{{"properties":{{"url":"https://shop.example.com/{}/{}?utm_medium=cpc","session_id":"{mixed:016x}","brand":"{}","price":{}.5,"locale":"de-DE","campaign":"spring-newsletter"}}}}"#,
            ["boots", "tents", "rainwear"][place % 3],
            mixed % 40_000,
            ["Northpeak", "Ridgeline"][place % 2],
            mixed % 300,
        )
    }

    fn samples(subjects: u64) -> Samples {
        let mut samples = Samples::default();
        let keys: Vec<String> = (0..ENOUGH as u64).map(|at| format!("u:{}", at % subjects)).collect();
        for (batch, keys) in keys.chunks(OF_A_BATCH).enumerate() {
            let first = batch * OF_A_BATCH;
            samples.take(
                keys.iter()
                    .zip(first..)
                    .map(|(key, at)| (key.as_str(), move || Some(text(at))))
                    .collect::<Vec<_>>()
                    .into_iter(),
            );
        }
        assert!(samples.are_enough());
        samples
    }

    pub(in crate::packed) static TRAINED: LazyLock<Trained> = LazyLock::new(|| samples(500).train().unwrap());

    fn holds(body: &[u8], word: &str) -> bool {
        body.windows(word.len()).any(|window| window == word.as_bytes())
    }

    #[test]
    fn a_dictionary_holds_what_many_have_and_nothing_of_one() {
        let trained = &*TRAINED;
        assert!(trained.share < 450, "{}", trained.share);
        assert!(holds(&trained.body, "spring-newsletter") && holds(&trained.body, "https://shop.example.com/"));
        for at in 0..ENOUGH {
            let text = text(at);
            let session = words(&text).find(|word| word.len() == 16 && *word != "newsletter").unwrap();
            assert!(!holds(&trained.body, session), "{session} is one subject's");
        }
    }

    #[test]
    fn what_a_few_say_often_is_not_common() {
        let mut few = samples(u64::from(SUBJECTS) - 1);
        few.texts.sort_unstable();
        assert!(few.common().is_empty());
        let trained = few.train();
        assert!(!trained.is_some_and(|trained| holds(&trained.body, "newsletter")));
    }

    #[test]
    fn words_are_replaced_by_others_of_their_shape() {
        let common = HashMap::from([("url", 20), ("shop", 20)]);
        let text = r#"{"url":"shop/Q7-9fé"}"#;
        let replaced = Strange::default().replace(text, &common);
        assert_ne!(replaced, text);
        let (head, tail) = replaced.split_once("shop/").unwrap();
        assert_eq!(head, r#"{"url":""#);
        let shape: Vec<char> = tail.chars().collect();
        assert!(shape[0].is_ascii_uppercase() && shape[1].is_ascii_digit() && shape[2] == '-');
        assert!(shape[3].is_ascii_digit() && ('a'..='f').contains(&shape[4]) && shape[5] == 'x');
    }

    #[test]
    fn there_is_no_dictionary_of_nothing() {
        assert!(Samples::default().train().is_none());
        let mut noise = Samples::default();
        let mut strange = Strange::default();
        for at in 0..LEAST {
            let any = || ['a', 'g', 'A', 'G', '0'].map(|like| strange.like(like)).into_iter().collect::<String>();
            let text: String = std::iter::repeat_with(any).take(40).collect();
            noise.take([("u:1", || Some(format!("{at}{text}")))].into_iter());
        }
        assert!(noise.train().is_none());
    }
}
