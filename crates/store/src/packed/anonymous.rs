//! What of the samples may stand in a dictionary, which outlives the events that it was made of.
//!
//! A value stays where so many subjects have it at the same place. Of others stays their longest beginning, up to the end of a word or
//! of what parts words, that so many subjects have there, and their longest end that so many have together with it; what is between is
//! made up, of the same shape. Members that only few subjects have are left out. In the end each value is given to another sample, place by
//! place, so that no two of them stand together because they did so in one event.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, RandomState};

use metrics::random::Random;
use serde_json::{Map, Value};

/// So many subjects.
pub(super) const SUBJECTS: u32 = 20;

/// The samples, each of a subject, as they may stand in a dictionary. `samples` are sorted by subject.
pub(super) fn anonymous(samples: &[(Box<str>, Value)]) -> Vec<Value> {
    let mut common = Common::default();
    for look in [Common::see, Common::see_ends] {
        let mut subject = 0;
        for (at, (own, value)) in samples.iter().enumerate() {
            // All samples of a subject count as its first one.
            if samples[subject].0 != *own {
                subject = at;
            }
            each(value, "", &mut |place, value| look(&mut common, place, value, subject));
        }
    }
    let mut strange = Strange::default();
    let mut values: HashMap<String, Vec<Value>> = HashMap::new();
    for (_, value) in samples {
        each(value, "", &mut |place, value| {
            if common.has(&(Kind::Place, place)) {
                values.entry(place.to_owned()).or_default().push(common.kept(place, value, &mut strange));
            }
        });
    }
    for values in values.values_mut() {
        for at in (1..values.len()).rev() {
            values.swap(at, strange.below(at + 1));
        }
    }
    samples.iter().filter_map(|(_, value)| dealt(value, "", &mut values)).collect()
}

/// Calls for every value that is no object and no list, with the place where it stands.
fn each(value: &Value, place: &str, call: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| each(value, &below(place, key), call)),
        Value::Array(items) => items.iter().for_each(|item| each(item, &below(place, "*"), call)),
        value => call(place, value),
    }
}

fn below(place: &str, key: &str) -> String {
    // No key holds a control character.
    format!("{place}\u{1f}{key}")
}

/// The same with the values that were dealt to its places, without what has none left.
fn dealt(value: &Value, place: &str, values: &mut HashMap<String, Vec<Value>>) -> Option<Value> {
    match value {
        Value::Object(members) => {
            let members: Map<String, Value> = members
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), dealt(value, &below(place, key), values)?)))
                .collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(|item| dealt(item, &below(place, "*"), values)).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        _ => values.get_mut(place)?.pop(),
    }
}

/// What is counted.
#[derive(Debug, Hash)]
enum Kind {
    Place,
    Whole,
    Beginning,
    /// The end of a value with a common beginning.
    End,
}

/// How many subjects have something; only hashes of it are kept.
#[derive(Default)]
struct Common {
    random: RandomState,
    /// The subjects that were seen with it, and the last of them.
    seen: HashMap<u64, (u32, usize)>,
}

impl Common {
    fn count(&mut self, what: &impl Hash, subject: usize) {
        let (subjects, last) = self.seen.entry(self.random.hash_one(what)).or_insert((0, usize::MAX));
        if *last != subject {
            (*subjects, *last) = (*subjects + 1, subject);
        }
    }

    fn has(&self, what: &impl Hash) -> bool {
        self.seen.get(&self.random.hash_one(what)).is_some_and(|(subjects, _)| *subjects >= SUBJECTS)
    }

    fn see(&mut self, place: &str, value: &Value, subject: usize) {
        self.count(&(Kind::Place, place), subject);
        self.count(&(Kind::Whole, place, value.to_string()), subject);
        if let Value::String(text) = value {
            for end in boundaries(text) {
                self.count(&(Kind::Beginning, place, &text[..end]), subject);
            }
        }
    }

    /// Once all beginnings are counted.
    fn see_ends(&mut self, place: &str, value: &Value, subject: usize) {
        if let Value::String(text) = value {
            let ends = boundaries(text);
            let end = self.beginning(place, text, &ends);
            for begin in ends.into_iter().filter(|begin| *begin >= end) {
                self.count(&(Kind::End, place, &text[..end], &text[begin..]), subject);
            }
        }
    }

    /// Where the longest beginning of a text ends that is common.
    fn beginning(&self, place: &str, text: &str, ends: &[usize]) -> usize {
        let is_common = |end: &&usize| self.has(&(Kind::Beginning, place, &text[..**end]));
        ends.iter().rev().find(is_common).copied().unwrap_or(0)
    }

    /// What stays of a value.
    fn kept(&self, place: &str, value: &Value, strange: &mut Strange) -> Value {
        if self.has(&(Kind::Whole, place, value.to_string())) {
            return value.clone();
        }
        match value {
            Value::String(text) => {
                let ends = boundaries(text);
                let end = self.beginning(place, text, &ends);
                let is_common =
                    |begin: &&usize| **begin >= end && self.has(&(Kind::End, place, &text[..end], &text[**begin..]));
                let begin = ends.iter().find(is_common).copied().unwrap_or(text.len());
                let middle: String = text[end..begin].chars().map(|character| strange.like(character)).collect();
                Value::String(format!("{}{middle}{}", &text[..end], &text[begin..]))
            }
            Value::Number(number) => {
                let text: String = number.to_string().chars().map(|digit| strange.like(digit)).collect();
                serde_json::from_str(&text).unwrap_or(Value::Null)
            }
            _ => Value::Null,
        }
    }
}

/// The places of a text between words and what parts them, its beginning and its end: those of the first and the last words.
fn boundaries(text: &str) -> Vec<usize> {
    const MOST: usize = 24;
    let mut ends = vec![0];
    let mut before = None;
    for (at, character) in text.char_indices() {
        let is_word = character.is_alphanumeric();
        if before.is_some_and(|before| before != is_word) {
            ends.push(at);
        }
        before = Some(is_word);
    }
    ends.push(text.len());
    if ends.len() > MOST {
        ends.drain(MOST / 2..ends.len() - MOST / 2);
    }
    ends
}

/// Makes characters up: of the same kind, so that the dictionary knows how often which kind comes.
#[derive(Debug)]
struct Strange(Random);

impl Default for Strange {
    fn default() -> Self {
        Self(Random::new(0))
    }
}

impl Strange {
    /// A number below `most`.
    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.0.bits() % most as u64).unwrap_or(0)
    }

    fn like(&mut self, character: char) -> char {
        let of: &[u8] = match character {
            '0' => b"0",
            '1'..='9' => b"123456789",
            'a'..='f' => b"abcdef",
            'A'..='F' => b"ABCDEF",
            'g'..='z' => b"ghijklmnopqrstuvwxyz",
            'G'..='Z' => b"GHIJKLMNOPQRSTUVWXYZ",
            other if other.is_ascii() => return other,
            _ => b"x",
        };
        char::from(of[self.below(of.len())])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Events of so many subjects, one each.
    fn of(subjects: usize, event: impl Fn(usize) -> Value) -> Vec<(Box<str>, Value)> {
        let mut samples: Vec<_> = (0..subjects).map(|at| (format!("u:{at}").into(), event(at))).collect();
        samples.sort_by(|(a, _): &(Box<str>, Value), (b, _)| a.cmp(b));
        samples
    }

    #[test]
    fn what_tells_one_from_others_is_made_up() {
        let (first, last) = (["anna", "peter", "maria"], ["schmidt", "meyer", "huber"]);
        let person = |at: usize| {
            let plan = if at.is_multiple_of(2) { "free" } else { "paid" };
            json!({
                "mail": format!("{}.{}{at}@mail.example", first[at % 3], last[at / 3 % 3]),
                "ip": format!("192.168.{}.{}", at % 250, at * 7 % 250),
                "born": format!("19{:02}-{:02}-{:02}", at * 11 % 90 + 10, at % 12 + 1, at % 28 + 1),
                "plan": plan,
                "age": 18 + at * 31 % 997,
                "\u{1f600}": "\u{1f600}".repeat(at % 50),
            })
        };
        let samples = of(400, person);
        let texts: Vec<String> = anonymous(&samples).iter().map(Value::to_string).collect();
        let all = texts.concat();
        assert_eq!(texts.len(), 400);
        assert!(all.contains("@mail.example") && all.contains("192.168.") && all.contains("\"plan\":\"free\""));
        let mut found = 0;
        for (_, event) in &samples {
            for field in ["mail", "ip"] {
                let value = event[field].as_str().unwrap();
                found += usize::from(all.contains(&format!("\"{value}\"")));
            }
        }
        // Made-up ones are somebody's by chance: there are few digits in an address.
        assert!(found < 40, "{found} of 800");
        assert!(texts.iter().zip(&samples).all(|(text, (_, event))| text != &event.to_string()));
    }

    #[test]
    fn values_of_one_event_do_not_stay_together() {
        // Two values, each of half of all, which always come together.
        let samples =
            of(400, |at| if at.is_multiple_of(2) { json!({"a": "x", "b": "x"}) } else { json!({"a": "y", "b": "y"}) });
        let apart = anonymous(&samples).iter().filter(|event| event["a"] != event["b"]).count();
        assert!((150..250).contains(&apart), "{apart} of 400");
    }

    #[test]
    fn what_few_subjects_have_is_not_common_however_often_they_say_it() {
        let few = SUBJECTS as usize - 1;
        let mut samples: Vec<(Box<str>, Value)> = Vec::new();
        for at in 0..few * 50 {
            samples.push((format!("u:{:02}", at % few).into(), json!({"word": "rare", "s": "often"})));
        }
        samples.sort_by(|(a, _), (b, _)| a.cmp(b));
        assert!(anonymous(&samples).is_empty());
        samples.push(("u:99".into(), json!({"word": "rare"})));
        let texts: Vec<Value> = anonymous(&samples);
        assert_eq!((texts.len(), &texts[0]), (few * 50 + 1, &json!({"word": "rare"})));
    }

    #[test]
    fn what_is_made_up_has_the_same_shape() {
        let made: Vec<char> = "Q07-9fé{".chars().map(|character| Strange::default().like(character)).collect();
        assert!(made[0].is_ascii_uppercase() && made[1] == '0' && made[2].is_ascii_digit() && made[3] == '-');
        assert!(made[4].is_ascii_digit() && ('a'..='f').contains(&made[5]) && made[6] == 'x' && made[7] == '{');
        let long = "a-".repeat(100);
        assert!(boundaries(&long).len() <= 24 && boundaries("") == [0, 0]);
    }
}
