//! Which items was a person shown, what did they do afterwards, and did they come back to what they were shown?
//!
//! An event that shows items names one of them: an exposure to the experiment inside its dates, or whatever the lens names.
//! Showing is all that such an event does; it converts nobody and accepts nothing. A person stands with the *first* item that
//! they were shown, so that persons with different items are different persons, and their conversions and values are those
//! that follow it (all of the window, where it was shown at the instant of the exposure). Beside that, each item that a person was ever shown is kept with whether it was accepted later: by an
//! event, after the showing, about a product of the item's name.
//!
//! An item may come with the probability with which it was drawn. Kept is its inverse, `v`, in millionths, so that whatever
//! is weighted by it adds up in integers. And an exposure may name the item that it *would* have shown: of these only one at
//! the very instant of the first exposure is looked at, because later ones can be a consequence of the arm.

use std::sync::Arc;

use ethnum::I256;
use journey::{Definition, Happening, Items, Path};

use super::{Mark, Sign, Told, add, label};
use crate::moments::MAX_VALUE;
use crate::plan::{Sieve, Source};
use crate::tally::Slots;

/// The first part of the label is an item that is shown.
const SHOWN: u16 = 1;
/// The last part of the label is an item that would have been shown.
const WOULD: u16 = 2;
/// A conversion.
const CONVERTED: u16 = 4;
/// The value counts.
const VALUED: u16 = 8;
/// A value in another currency, which is left out.
const FOREIGN: u16 = 16;
/// The parts of the label are products that are accepted.
const ACCEPTED: u16 = 32;

/// Between the parts of a label: labels hold no control characters.
const SEPARATOR: char = '\u{1f}';

/// The largest probability, and the smallest whose inverse is kept.
const PROBABILITIES: std::ops::RangeInclusive<f64> = 1e-6..=1.0;

/// Showings made ready.
#[derive(Debug, Clone)]
pub(super) struct Showings {
    definition: Arc<Definition>,
    by: Source,
    shown: Option<Sieve>,
    conversion: Sieve,
    product: Vec<Source>,
    accepted: Vec<Sieve>,
    weight: Source,
    would_have: Source,
}

impl Showings {
    pub(super) fn new(definition: &Arc<Definition>, items: &Items, paths: &mut Vec<Path>) -> Self {
        Self {
            definition: Arc::clone(definition),
            by: Source::of(&items.by, paths),
            shown: items.shown.as_ref().map(|shown| Sieve::new(shown, paths)),
            conversion: Sieve::new(&items.conversion, paths),
            product: items.product.iter().map(|path| Source::of(path, paths)).collect(),
            accepted: items.accepted.iter().map(|selector| Sieve::new(selector, paths)).collect(),
            weight: Source::of(&items.weight, paths),
            would_have: Source::of(&items.would_have, paths),
        }
    }

    pub(super) fn sign(&self, event: &Happening) -> Option<Sign> {
        let exposes = self.exposes(event);
        let shows = self.shown.as_ref().map_or(exposes, |shown| shown.takes(event));
        if shows || exposes {
            let item = if shows { self.by.value(event) } else { None };
            let would = if exposes { self.would_have.value(event) } else { None };
            return self.showing(event, item.as_deref(), would.as_deref());
        }
        let takes = self.conversion.takes(event);
        let (mut tag, mut units) = (if takes { CONVERTED } else { 0 }, 0);
        if let Some(value) = self.conversion.value(event).filter(|value| *value != 0) {
            if event.foreign {
                tag |= FOREIGN;
            } else {
                tag |= VALUED;
                units = i64::try_from(value).unwrap_or(0);
            }
        }
        let mut products: Vec<Arc<str>> = Vec::new();
        if self.accepted.iter().any(|sieve| sieve.takes(event)) {
            for product in self.product.iter().flat_map(|source| source.values(event)) {
                let product = label(&product);
                if !products.contains(&product) {
                    products.push(product);
                }
            }
        }
        if !products.is_empty() {
            tag |= ACCEPTED;
        }
        (tag != 0).then(|| (tag, products.join(&SEPARATOR.to_string()).into(), units))
    }

    /// Whether the event is an exposure to the experiment that counts.
    fn exposes(&self, event: &Happening) -> bool {
        let experiment = &self.definition.experiment;
        event.exposure.as_ref().is_some_and(|exposure| {
            exposure.experiment == experiment.key
                && experiment.arm(exposure.arm.as_str()).is_some()
                && experiment.is_inside(event.at)
        })
    }

    #[expect(clippy::cast_possible_truncation, reason = "the inverse of a probability is at most 1e12 millionths")]
    fn showing(&self, event: &Happening, item: Option<&str>, would: Option<&str>) -> Option<Sign> {
        let inverse = || {
            let probability: f64 = self.weight.value(event)?.trim().parse().ok()?;
            PROBABILITIES.contains(&probability).then(|| (1e6 / probability).round() as i64)
        };
        let (mut tag, mut value) = (0, 0);
        let mut parts: Vec<Arc<str>> = Vec::new();
        if let Some(item) = item {
            (tag, value) = (SHOWN, inverse().unwrap_or(0));
            parts.push(label(item));
        }
        if let Some(would) = would {
            tag |= WOULD;
            parts.push(label(would));
        }
        (tag != 0).then(|| (tag, parts.join(&SEPARATOR.to_string()).into(), value))
    }
}

impl Mark {
    /// The item that is shown.
    fn item(&self) -> Option<&str> {
        (self.tag & SHOWN != 0).then(|| self.label.split(SEPARATOR).next()).flatten()
    }

    /// The item that would have been shown.
    fn would_have(&self) -> Option<&str> {
        (self.tag & WOULD != 0).then(|| self.label.rsplit(SEPARATOR).next()).flatten()
    }

    fn accepts(&self, item: &str) -> bool {
        self.tag & ACCEPTED != 0 && self.label.split(SEPARATOR).any(|product| product == item)
    }
}

/// What of a sign is new: items that were not shown before, the first one that would have been, products that were shown and
/// not accepted yet, conversions, and values.
pub(super) fn news(marks: &[Mark], (mut tag, label, value): Sign) -> Option<Sign> {
    let was_shown = |item: &str| marks.iter().any(|mark| mark.item() == Some(item));
    if tag & (SHOWN | WOULD) != 0 {
        let mut parts: Vec<&str> = label.split(SEPARATOR).collect();
        if tag & WOULD != 0 && marks.iter().any(|mark| mark.tag & WOULD != 0) {
            tag &= !WOULD;
            parts.pop();
        }
        if tag & SHOWN != 0 && was_shown(parts[0]) {
            tag &= !SHOWN;
            parts.remove(0);
        }
        let value = if tag & SHOWN == 0 { 0 } else { value };
        return (tag != 0).then(|| (tag, parts.join(&SEPARATOR.to_string()).into(), value));
    }
    let mut kept: Vec<&str> = Vec::new();
    if tag & ACCEPTED != 0 {
        let is_new = |product: &&str| was_shown(product) && !marks.iter().any(|mark| mark.accepts(product));
        kept.extend(label.split(SEPARATOR).filter(is_new));
    }
    if kept.is_empty() {
        tag &= !ACCEPTED;
    }
    if tag & (CONVERTED | VALUED | FOREIGN) == CONVERTED {
        // Whoever converted since the first showing has converted.
        let from = marks.iter().position(|mark| mark.tag & SHOWN != 0).unwrap_or(0);
        if marks[from..].iter().any(|mark| mark.tag & CONVERTED != 0) {
            tag &= !CONVERTED;
        }
    }
    (tag != 0).then(|| (tag, kept.join(&SEPARATOR.to_string()).into(), value))
}

/// Lets conversions of one day go into one mark, where nothing lies between them.
pub(super) fn joins(last: &mut Mark, mark: &Mark) -> bool {
    let alike = last.tag == mark.tag && last.day == mark.day && mark.tag & (CONVERTED | VALUED) == mark.tag;
    let sum = last.value.checked_add(mark.value).filter(|_| alike);
    sum.map(|sum| last.value = sum).is_some()
}

/// What a key counts. The sums of the first three stand in the order of [`ItemSlot`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemKey {
    /// Persons whose first item it was, shown at the instant of the exposure.
    AtExposure(Arc<str>),
    /// Persons whose first item it was, shown later.
    Later(Arc<str>),
    /// Persons whom the exposure would have shown it.
    WouldHave(Arc<str>),
    /// Persons who were ever shown it, and of these those who accepted it later.
    Ever(Arc<str>),
}

/// The sums of a key over persons: `c` is 1 for whoever converted, `y` their value in units, `v` the inverse of the
/// probability with which the item was drawn, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ItemSlot {
    /// Persons.
    Persons = 0,
    /// Σc
    Converted,
    /// Persons whose value is beyond [`MAX_VALUE`]; their value is in no sum.
    LeftOut,
    /// Σy
    Y,
    /// Σy²
    Yy,
    /// Σy³
    Yyy,
    /// Persons with values in another currency, which are left out.
    Foreign,
    /// Persons, not left out, whose item came with a probability; the sums that follow are over them.
    Weighed,
    /// Σv
    V,
    /// Σv²
    Vv,
    /// Σvc
    Vc,
    /// Σv²c
    Vvc,
    /// Σvy
    Vy,
    /// Σvy²
    Vyy,
    /// Σv²y
    Vvy,
    /// Σv²y²
    Vvyy,
}

impl ItemKey {
    fn text(&self) -> Arc<str> {
        let (kind, item) = match self {
            Self::AtExposure(item) => ('i', item),
            Self::Later(item) => ('l', item),
            Self::WouldHave(item) => ('w', item),
            Self::Ever(item) => ('e', item),
        };
        format!("{kind}{item}").into()
    }
}

/// What a key counts; `None` where it is none.
#[must_use]
pub fn item_key_of(key: &str) -> Option<ItemKey> {
    let mut rest = key.chars();
    let kind = rest.next()?;
    let item = Arc::from(rest.as_str());
    match kind {
        'i' => Some(ItemKey::AtExposure(item)),
        'l' => Some(ItemKey::Later(item)),
        'w' => Some(ItemKey::WouldHave(item)),
        'e' => Some(ItemKey::Ever(item)),
        _ => None,
    }
}

/// Whether a key counts persons by what their exposure showed, or would have shown.
#[must_use]
pub fn is_at_exposure(key: &str) -> bool {
    matches!(item_key_of(key), Some(ItemKey::AtExposure(_) | ItemKey::WouldHave(_)))
}

/// What a person did.
struct Outcome {
    converted: bool,
    y: i128,
    foreign: bool,
}

impl Outcome {
    fn of(marks: &[Mark]) -> Self {
        let mut outcome = Self { converted: false, y: 0, foreign: false };
        for mark in marks {
            outcome.converted |= mark.tag & CONVERTED != 0;
            outcome.foreign |= mark.tag & FOREIGN != 0;
            if mark.tag & VALUED != 0 {
                outcome.y += i128::from(mark.value);
            }
        }
        outcome
    }

    /// The sums of one person, in the order of [`ItemSlot`].
    fn sums(&self, inverse: i64) -> Slots {
        let one = |flag: bool| I256::from(i64::from(flag));
        let left_out = self.y.abs() > MAX_VALUE;
        let y = if left_out { I256::ZERO } else { I256::from(self.y) };
        let v = if left_out { I256::ZERO } else { I256::from(inverse) };
        let c = one(self.converted);
        let weighed = one(v > I256::ZERO);
        [I256::ONE, c, one(left_out), y, y * y, y * y * y, one(self.foreign), weighed]
            .into_iter()
            .chain([v, v * v, v * c, v * v * c, v * y, v * y * y, v * v * y, v * v * y * y])
            .collect()
    }
}

pub(super) fn tell(marks: &[Mark], told: &mut Told) {
    let mut enter = |key: &ItemKey, sums: Slots| told.entry(key.text()).or_default().add(&sums);
    if let Some((at, item)) = marks.iter().enumerate().find_map(|(at, mark)| Some((at, mark.item()?))) {
        let (first, item) = (&marks[at], Arc::from(item));
        if first.micros == 0 {
            // The instant of the exposure counts as a whole.
            enter(&ItemKey::AtExposure(item), Outcome::of(marks).sums(first.value));
        } else {
            enter(&ItemKey::Later(item), Outcome::of(&marks[at + 1..]).sums(first.value));
        }
    }
    let mut at_exposure = marks.iter().take_while(|mark| mark.micros == 0);
    if let Some(item) = at_exposure.find_map(Mark::would_have) {
        enter(&ItemKey::WouldHave(item.into()), Outcome::of(marks).sums(0));
    }
    for item in marks.iter().filter_map(Mark::item) {
        let accepted = marks.iter().any(|mark| mark.accepts(item));
        add(told, ItemKey::Ever(item.into()).text(), [1, i128::from(accepted)]);
    }
}
