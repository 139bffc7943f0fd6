//! Which touches came before a person's conversions, and what does every model of attribution make of them?
//!
//! Every touch is kept, also one like the one before, because models count them. A refund takes away from the value of the
//! order before it; what is in a foreign currency converts without a value.

use std::collections::BTreeMap;
use std::sync::Arc;

use ethnum::I256;
use journey::{Happening, Path, Selector, Touch, names};

use super::{MAX_MARKS, Mark, Sign, Told, label};
use crate::attribution::{Heuristic, Moment, Place, Rules, Step, Sum, tell as tell_steps};
use crate::plan::{Sieve, Source};

const TOUCH: u16 = 0;
const CONVERSION: u16 = 1;
const CORRECTION: u16 = 2;
/// Between the labels of a key: labels hold no control characters.
const SEPARATOR: char = '\u{1f}';

/// Touches and conversions made ready.
#[derive(Debug, Clone)]
pub(super) struct Credits {
    /// `None`: the event's name.
    by: Option<Source>,
    conversion: Sieve,
}

impl Credits {
    pub(super) fn new(by: &Touch, conversion: &Selector, paths: &mut Vec<Path>) -> Self {
        let by = match by {
            Touch::Event => None,
            Touch::Path(path) => Some(Source::of(path, paths)),
        };
        Self { by, conversion: Sieve::new(conversion, paths) }
    }

    pub(super) fn sign(&self, event: &Happening) -> Option<Sign> {
        let units = |value: i128| if event.foreign { 0 } else { i64::try_from(value).unwrap_or(0) };
        if self.conversion.takes(event) {
            return Some((CONVERSION, "".into(), units(self.conversion.value(event).unwrap_or(0))));
        }
        if let Some(value) = self.conversion.value(event) {
            // A correction by nothing takes no place among the marks.
            let value = units(value);
            return (value != 0).then(|| (CORRECTION, "".into(), value));
        }
        if !names::is_touchpoint(&event.name) {
            return None;
        }
        let text = match self.by {
            None => event.name.clone(),
            Some(source) => source.value(event)?,
        };
        Some((TOUCH, label(&text), 0))
    }
}

/// What a key of an attribution counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CreditKey {
    /// Per person the conversions and their value, with squares and cubes: see [`TOTALS`].
    All,
    /// Persons who left as many marks as are kept, so that what they did later is left out.
    Full,
    /// What nobody was touched before: see [`SLOTS_PER_MODEL`].
    Untouched,
    /// What a label is credited with, by each heuristic in order: see [`SLOTS_PER_MODEL`].
    Label(Arc<str>),
    /// Moves from one place straight to another, and the value of the conversions that they came to.
    Move(Place<Arc<str>>, Place<Arc<str>>),
    /// Conversions of journeys that met exactly these labels, and their value.
    Set(Vec<Arc<str>>),
}

/// The slots of [`CreditKey::All`]: sum, sum of squares and sum of cubes of the conversions of a person, in units of 1e-6, and the
/// same of their value.
pub const TOTALS: usize = 6;

/// The slots of a label by one heuristic: of its credit of a person in conversions, in units of 1e-6, the sum, the sum of squares,
/// and the sum of products with all conversions of the person; and the same of their value.
pub const SLOTS_PER_MODEL: usize = 6;

impl CreditKey {
    fn text(&self) -> Arc<str> {
        let joined = |prefix: char, labels: &[Arc<str>]| {
            let mut text = String::from(prefix);
            for (at, label) in labels.iter().enumerate() {
                if at > 0 {
                    text.push(SEPARATOR);
                }
                text.push_str(label);
            }
            text
        };
        match self {
            Self::All => "a".into(),
            Self::Full => "f".into(),
            Self::Untouched => "u".into(),
            Self::Label(label) => format!("l{label}").into(),
            Self::Move(from, to) => format!("m{}{SEPARATOR}{}", place_text(from), place_text(to)).into(),
            Self::Set(labels) => joined('j', labels).into(),
        }
    }
}

fn place_text(place: &Place<Arc<str>>) -> String {
    match place {
        Place::Start => "s".to_owned(),
        Place::Touch(label) => format!("t{label}"),
        Place::Converted => "c".to_owned(),
        Place::Lost => "x".to_owned(),
    }
}

fn place_of(text: &str) -> Option<Place<Arc<str>>> {
    match (text.split_at_checked(1)?, text) {
        (("t", label), _) => Some(Place::Touch(label.into())),
        (_, "s") => Some(Place::Start),
        (_, "c") => Some(Place::Converted),
        (_, "x") => Some(Place::Lost),
        _ => None,
    }
}

/// What a key counts; `None` where it is none.
#[must_use]
pub fn credit_key_of(key: &str) -> Option<CreditKey> {
    let (kind, rest) = key.split_at_checked(1)?;
    match kind {
        "a" => Some(CreditKey::All),
        "f" => Some(CreditKey::Full),
        "u" => Some(CreditKey::Untouched),
        "l" => Some(CreditKey::Label(rest.into())),
        "m" => {
            let (from, to) = rest.split_once(SEPARATOR)?;
            Some(CreditKey::Move(place_of(from)?, place_of(to)?))
        }
        "j" => Some(CreditKey::Set(rest.split(SEPARATOR).map(Arc::from).collect())),
        _ => None,
    }
}

pub(super) fn tell(rules: &Rules, marks: &[Mark], told: &mut Told) {
    let moments: Vec<Moment> = marks
        .iter()
        .map(|mark| {
            let step = match mark.tag {
                CONVERSION => Step::Conversion(mark.value),
                CORRECTION => Step::Correction(mark.value),
                _ => Step::Touch(mark.label.clone()),
            };
            Moment { at: mark.micros, step }
        })
        .collect();
    let credits = tell_steps(&moments, rules);
    if marks.len() >= MAX_MARKS {
        put(told, &CreditKey::Full, [I256::ONE]);
    }
    let unit = i128::from(journey::UNIT);
    let count = credits.all.count * unit;
    let all = Sum { count, value: credits.all.value };
    let powers = |y: i128| {
        let y = I256::from(y);
        [y, y * y, y * y * y]
    };
    put(told, &CreditKey::All, powers(all.count).into_iter().chain(powers(all.value)));
    let untouched = Sum { count: credits.untouched.count * unit, value: credits.untouched.value };
    put(told, &CreditKey::Untouched, products(untouched, all));
    for (label, by_model) in &credits.credits {
        let slots = by_model.iter().flat_map(|credit| products(*credit, all));
        put(told, &CreditKey::Label(label.clone()), slots);
    }
    for ((from, to), sum) in credits.moves {
        put(told, &CreditKey::Move(from, to), [I256::from(sum.count), I256::from(sum.value)]);
    }
    for (set, sum) in credits.sets {
        put(told, &CreditKey::Set(set), [I256::from(sum.count), I256::from(sum.value)]);
    }
}

/// A credit with its square and its product with all that there is to credit.
fn products(credit: Sum, all: Sum) -> [I256; SLOTS_PER_MODEL] {
    let of = |credit: i128, all: i128| {
        let (credit, all) = (I256::from(credit), I256::from(all));
        [credit, credit * credit, credit * all]
    };
    let ([c, cc, cn], [v, vv, vn]) = (of(credit.count, all.count), of(credit.value, all.value));
    [c, cc, cn, v, vv, vn]
}

/// Adds sums under a key, where there is one that is not zero.
fn put(told: &mut Told, key: &CreditKey, sums: impl IntoIterator<Item = I256>) {
    let sums: Vec<I256> = sums.into_iter().collect();
    if sums.iter().any(|sum| *sum != I256::ZERO) {
        told.entry(key.text()).or_default().add(&sums.into_iter().collect());
    }
}

/// From where straight to where.
pub type Way = (Place<Arc<str>>, Place<Arc<str>>);

/// The sums of an attribution by what they count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreditSums {
    /// See [`CreditKey::All`].
    pub all: [I256; TOTALS],
    /// See [`CreditKey::Full`].
    pub full: I256,
    /// See [`CreditKey::Untouched`].
    pub untouched: [I256; SLOTS_PER_MODEL],
    /// Per label and heuristic, see [`CreditKey::Label`].
    pub labels: BTreeMap<Arc<str>, [[I256; SLOTS_PER_MODEL]; Heuristic::ALL.len()]>,
    /// See [`CreditKey::Move`].
    pub moves: BTreeMap<Way, [I256; 2]>,
    /// See [`CreditKey::Set`].
    pub sets: BTreeMap<Vec<Arc<str>>, [I256; 2]>,
}

impl CreditSums {
    /// Sorts the sums of a lens.
    #[must_use]
    pub fn of(sights: &super::Sights) -> Self {
        let mut sorted = Self::default();
        for (key, slots) in &sights.sums {
            let Some(key) = credit_key_of(key) else { continue };
            let mut filled: Vec<I256> = Vec::new();
            for (at, sum) in slots.iter() {
                filled.resize(at, I256::ZERO);
                filled.push(sum);
            }
            let get = |at: usize| filled.get(at).copied().unwrap_or(I256::ZERO);
            match key {
                CreditKey::All => sorted.all = std::array::from_fn(get),
                CreditKey::Full => sorted.full = get(0),
                CreditKey::Untouched => sorted.untouched = std::array::from_fn(get),
                CreditKey::Label(label) => {
                    let of = |model: usize| std::array::from_fn(|slot| get(model * SLOTS_PER_MODEL + slot));
                    sorted.labels.insert(label, std::array::from_fn(of));
                }
                CreditKey::Move(from, to) => {
                    sorted.moves.insert((from, to), std::array::from_fn(get));
                }
                CreditKey::Set(labels) => {
                    sorted.sets.insert(labels, std::array::from_fn(get));
                }
            }
        }
        sorted
    }
}

#[cfg(test)]
mod tests {
    use journey::{Amount, EventId, Instant, Pattern};

    use super::*;

    #[test]
    fn a_correction_by_nothing_is_none() {
        let conversion = Selector { event: Pattern::parse("Order Completed", "").unwrap(), filters: Vec::new() };
        let credits = Credits::new(&Touch::Event, &conversion, &mut Vec::new());
        let sign = |value: Option<i64>, foreign| {
            let value = value.and_then(Amount::from_units);
            let (at, id) = (Instant::from_micros(0), EventId::from_bytes([0; 16]));
            let (name, facts) = ("Order Refunded".into(), Vec::new());
            let event = Happening { at, id, name, channel: None, stage: None, value, foreign, exposure: None, facts };
            credits.sign(&event).map(|(tag, ..)| tag)
        };
        assert_eq!(sign(Some(5), false), Some(CORRECTION));
        assert_eq!(sign(Some(5), true), None);
        assert_eq!(sign(Some(0), false), None);
        assert_eq!(sign(None, false), None);
    }

    #[test]
    fn keys_are_read_as_they_were_written() {
        let label = |text: &str| Place::Touch(Arc::from(text));
        for key in [
            CreditKey::All,
            CreditKey::Full,
            CreditKey::Untouched,
            CreditKey::Label("e-mail, spring".into()),
            CreditKey::Move(Place::Start, label("s")),
            CreditKey::Move(label(""), label("t x")),
            CreditKey::Move(label("c"), Place::Converted),
            CreditKey::Move(label("ä"), Place::Lost),
            CreditKey::Set(vec!["a".into(), "b c".into()]),
        ] {
            assert_eq!(credit_key_of(&key.text()), Some(key));
        }
        for key in ["", "z", "ms", "mq\u{1f}c"] {
            assert_eq!(credit_key_of(key), None, "{key:?}");
        }
    }
}
