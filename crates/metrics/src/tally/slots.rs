//! Slots: the sums of a row's metrics, one after the other. Of the hundred slots of a dozen metrics one event moves a
//! handful, so only the sums that are not 0 are held, and of nearly all of them 128 bits hold all there is.

use std::cmp::Ordering;
use std::ops::Range;

use ethnum::I256;

/// The sums that are not 0, by slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slots {
    /// Ascending.
    entries: Vec<Entry>,
    /// The sums that 128 bits do not hold, in the order of their slots.
    wide: Box<[I256]>,
}

/// A slot whose sum is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Entry {
    slot: u16,
    /// Whether the sum stands among the wide ones, at the place `low`.
    is_wide: bool,
    /// The sum in two halves: in one piece it would ask for a place that begins at a multiple of 16 bytes.
    low: u64,
    high: i64,
}

impl Entry {
    fn narrow(slot: u16, sum: i128) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the two halves are the number")]
        let (low, high) = (sum as u64, (sum >> 64) as i64);
        Self { slot, is_wide: false, low, high }
    }

    /// The sum of an entry that is not wide.
    fn sum(self) -> i128 {
        i128::from(self.high) << 64 | i128::from(self.low)
    }
}

/// Whether sums come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Add,
    Subtract,
}

impl Way {
    fn narrow(self, sum: i128, part: i128) -> Option<i128> {
        match self {
            Self::Add => sum.checked_add(part),
            Self::Subtract => sum.checked_sub(part),
        }
    }

    fn wide(self, sum: I256, part: I256) -> I256 {
        match self {
            Self::Add => sum + part,
            Self::Subtract => sum - part,
        }
    }
}

impl Slots {
    /// Whether every sum is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes that it has beside itself.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + size_of_val(&*self.wide)
    }

    /// How many slots there are up to the last one whose sum is not 0.
    pub(super) fn len(&self) -> usize {
        self.entries.last().map_or(0, |entry| usize::from(entry.slot) + 1)
    }

    /// The slots whose sums are not 0, ascending, and these.
    pub fn iter(&self) -> impl Iterator<Item = (usize, I256)> {
        self.entries.iter().map(|entry| (usize::from(entry.slot), self.sum_of(*entry)))
    }

    /// The same of the slots in `range`.
    pub(crate) fn within(&self, range: Range<usize>) -> impl Iterator<Item = (usize, I256)> {
        let from = self.entries.partition_point(|entry| usize::from(entry.slot) < range.start);
        let slots = self.entries[from..].iter().take_while(move |entry| usize::from(entry.slot) < range.end);
        slots.map(|entry| (usize::from(entry.slot), self.sum_of(*entry)))
    }

    fn sum_of(&self, entry: Entry) -> I256 {
        if entry.is_wide {
            // The place was counted when the sum was put there.
            usize::try_from(entry.low).ok().and_then(|at| self.wide.get(at)).copied().unwrap_or(I256::ZERO)
        } else {
            I256::from(entry.sum())
        }
    }

    /// Puts a sum behind all others; a 0 is left out. Whoever calls this comes with ascending slots.
    pub(super) fn push(&mut self, slot: usize, sum: I256) {
        debug_assert!(self.len() <= slot, "slots come in ascending order");
        if sum == I256::ZERO {
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "fifty metrics have fewer than a thousand slots")]
        let slot = slot as u16;
        if let Ok(sum) = i128::try_from(sum) {
            self.entries.push(Entry::narrow(slot, sum));
        } else {
            self.entries.push(Entry { slot, is_wide: true, low: self.wide.len() as u64, high: 0 });
            let mut wide = std::mem::take(&mut self.wide).into_vec();
            wide.push(sum);
            self.wide = wide.into();
        }
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.change(other, Way::Add);
    }

    /// Takes `other` away.
    pub fn subtract(&mut self, other: &Self) {
        self.change(other, Way::Subtract);
    }

    fn change(&mut self, other: &Self, way: Way) {
        let is_narrow = self.wide.is_empty() && other.wide.is_empty();
        let taken = if is_narrow { self.change_narrow(&other.entries, way) } else { 0 };
        if taken == other.entries.len() {
            return;
        }
        let old = std::mem::take(self);
        let (mut own, mut parts) = (old.iter().peekable(), other.iter().skip(taken).peekable());
        loop {
            let order = match (own.peek(), parts.peek()) {
                (Some((a, _)), Some((b, _))) => a.cmp(b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let sum = if order == Ordering::Greater { None } else { own.next() };
            let part = if order == Ordering::Less { None } else { parts.next() };
            if let Some(slot) = sum.or(part).map(|(slot, _)| slot) {
                let of = |found: Option<(usize, I256)>| found.map_or(I256::ZERO, |(_, sum)| sum);
                self.push(slot, way.wide(of(sum), of(part)));
            }
        }
    }

    /// Takes parts in as long as 128 bits hold their sums, and says how many.
    fn change_narrow(&mut self, parts: &[Entry], way: Way) -> usize {
        let (mut at, mut missing, mut zeros, mut taken) = (0, 0, false, 0);
        for part in parts {
            while self.entries.get(at).is_some_and(|own| own.slot < part.slot) {
                at += 1;
            }
            let own = self.entries.get_mut(at).filter(|own| own.slot == part.slot);
            let Some(sum) = way.narrow(own.as_ref().map_or(0, |own| own.sum()), part.sum()) else { break };
            match own {
                Some(own) => {
                    *own = Entry::narrow(part.slot, sum);
                    zeros |= sum == 0;
                }
                None => missing += 1,
            }
            taken += 1;
        }
        if missing > 0 {
            self.insert_missing(&parts[..taken], missing, way);
        }
        if zeros {
            self.entries.retain(|entry| entry.sum() != 0);
        }
        taken
    }

    /// Inserts the slots that only `parts` have, from the back, so that each sum moves once.
    fn insert_missing(&mut self, parts: &[Entry], missing: usize, way: Way) {
        let mut from = self.entries.len();
        let mut to = from + missing;
        self.entries.resize(to, Entry::default());
        for part in parts.iter().rev() {
            while from > 0 && self.entries[from - 1].slot > part.slot {
                from -= 1;
                to -= 1;
                self.entries[to] = self.entries[from];
            }
            if from == 0 || self.entries[from - 1].slot < part.slot {
                to -= 1;
                self.entries[to] = Entry::narrow(part.slot, way.narrow(0, part.sum()).unwrap_or(0));
            }
        }
    }
}

impl FromIterator<I256> for Slots {
    fn from_iter<T: IntoIterator<Item = I256>>(sums: T) -> Self {
        let mut slots = Self::default();
        for (slot, sum) in sums.into_iter().enumerate() {
            slots.push(slot, sum);
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sums that 128 bits hold, just about hold, and do not hold; sums of two of them stay within 256 bits.
    fn sum() -> impl Strategy<Value = I256> {
        prop_oneof![
            3 => Just(I256::ZERO),
            3 => (-2i8..3).prop_map(I256::from),
            1 => any::<i128>().prop_map(I256::from),
            1 => prop_oneof![Just(i128::MAX), Just(i128::MIN)].prop_map(I256::from),
            1 => (any::<i64>(), any::<i128>()).prop_map(|(high, low)| I256::from_words(high.into(), low)),
        ]
    }

    fn dense() -> impl Strategy<Value = Vec<I256>> {
        prop::collection::vec(sum(), 0..12)
    }

    fn slots(dense: &[I256]) -> Slots {
        dense.iter().copied().collect()
    }

    proptest! {
        #[test]
        fn sparse_sums_are_dense_sums(a in dense(), b in dense(), from in 0usize..12, to in 0usize..14) {
            let at = |sums: &[I256], slot: usize| sums.get(slot).copied().unwrap_or(I256::ZERO);
            let both = |sign: i8| -> Vec<I256> {
                (0..a.len().max(b.len())).map(|slot| at(&a, slot) + I256::from(sign) * at(&b, slot)).collect()
            };
            let (mut sum, mut difference) = (slots(&a), slots(&a));
            sum.add(&slots(&b));
            difference.subtract(&slots(&b));
            prop_assert_eq!(&sum, &slots(&both(1)));
            prop_assert_eq!(&difference, &slots(&both(-1)));
            difference.add(&slots(&b));
            prop_assert_eq!(&difference, &slots(&a));
            // What comes out is what went in.
            let filled = |range: Range<usize>| -> Vec<(usize, I256)> {
                range.map(|slot| (slot, at(&a, slot))).filter(|(_, sum)| *sum != I256::ZERO).collect()
            };
            prop_assert_eq!(difference.iter().collect::<Vec<_>>(), filled(0..a.len()));
            prop_assert_eq!(difference.within(from..to).collect::<Vec<_>>(), filled(from..to));
            prop_assert_eq!(difference.entries.len(), filled(0..a.len()).len());
        }
    }

    #[test]
    fn an_entry_is_half_as_long_as_its_sum_in_256_bits() {
        assert_eq!(size_of::<Entry>(), 24);
        assert_eq!(size_of::<(u16, I256)>(), 48);
    }
}
