//! Slots: the sums of a row's metrics, one after the other. Of the hundred slots of a dozen metrics one event moves a
//! handful, so only the sums that are not 0 are held.

use std::ops::Range;

use ethnum::I256;

/// The sums that are not 0, by slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slots(Vec<(u16, I256)>);

impl Slots {
    /// Whether every sum is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// How many sums are not 0.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.0.len()
    }

    /// How many slots there are up to the last one whose sum is not 0.
    pub(super) fn len(&self) -> usize {
        self.0.last().map_or(0, |(slot, _)| usize::from(*slot) + 1)
    }

    /// The slots whose sums are not 0, ascending, and these.
    pub fn iter(&self) -> impl Iterator<Item = (usize, I256)> {
        self.0.iter().map(|(slot, sum)| (usize::from(*slot), *sum))
    }

    /// The same of the slots in `range`.
    pub(crate) fn within(&self, range: Range<usize>) -> impl Iterator<Item = (usize, I256)> {
        let from = self.0.partition_point(|(slot, _)| usize::from(*slot) < range.start);
        let slots = self.0[from..].iter().take_while(move |(slot, _)| usize::from(*slot) < range.end);
        slots.map(|(slot, sum)| (usize::from(*slot), *sum))
    }

    /// Puts a sum behind all others; a 0 is left out. Whoever calls this comes with ascending slots.
    pub(super) fn push(&mut self, slot: usize, sum: I256) {
        debug_assert!(self.len() <= slot, "slots come in ascending order");
        if sum != I256::ZERO {
            #[expect(clippy::cast_possible_truncation, reason = "fifty metrics have fewer than a thousand slots")]
            self.0.push((slot as u16, sum));
        }
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.change(other, |sum, part| *sum += part);
    }

    /// Takes `other` away.
    pub fn subtract(&mut self, other: &Self) {
        self.change(other, |sum, part| *sum -= part);
    }

    fn change(&mut self, other: &Self, change: impl Fn(&mut I256, I256)) {
        let (mut at, mut zeros, mut missing) = (0, false, 0);
        for (slot, part) in &other.0 {
            while self.0.get(at).is_some_and(|(own, _)| own < slot) {
                at += 1;
            }
            match self.0.get_mut(at) {
                Some((own, sum)) if own == slot => {
                    change(sum, *part);
                    zeros |= *sum == I256::ZERO;
                }
                _ => missing += 1,
            }
        }
        if missing > 0 {
            self.insert_missing(other, missing, change);
        }
        if zeros {
            self.0.retain(|(_, sum)| *sum != I256::ZERO);
        }
    }

    /// Inserts the slots that only `other` has, from the back, so that each sum moves once.
    fn insert_missing(&mut self, other: &Self, missing: usize, change: impl Fn(&mut I256, I256)) {
        let mut from = self.0.len();
        let mut to = from + missing;
        self.0.resize(to, (0, I256::ZERO));
        for (slot, part) in other.0.iter().rev() {
            while from > 0 && self.0[from - 1].0 > *slot {
                from -= 1;
                to -= 1;
                self.0[to] = self.0[from];
            }
            if from == 0 || self.0[from - 1].0 < *slot {
                let mut sum = I256::ZERO;
                change(&mut sum, *part);
                to -= 1;
                self.0[to] = (*slot, sum);
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

    fn dense() -> impl Strategy<Value = Vec<i8>> {
        prop::collection::vec(prop_oneof![2 => Just(0), 1 => -2i8..3], 0..12)
    }

    fn slots(dense: &[i8]) -> Slots {
        dense.iter().map(|sum| I256::from(*sum)).collect()
    }

    proptest! {
        #[test]
        fn sparse_sums_are_dense_sums(a in dense(), b in dense()) {
            let at = |sums: &[i8], slot| sums.get(slot).copied().unwrap_or(0);
            let both = |sign: i8| -> Vec<i8> {
                (0..a.len().max(b.len())).map(|slot| at(&a, slot) + sign * at(&b, slot)).collect()
            };
            let (mut sum, mut difference) = (slots(&a), slots(&a));
            sum.add(&slots(&b));
            difference.subtract(&slots(&b));
            prop_assert_eq!(&sum, &slots(&both(1)));
            prop_assert_eq!(&difference, &slots(&both(-1)));
            difference.add(&slots(&b));
            prop_assert_eq!(difference, slots(&a));
        }
    }
}
