//! How are the persons' values distributed? Counts and sums per logarithmic bucket of at most 1 %.
//!
//! A histogram is a tally: adding persons and taking them away in any order leaves the same integers. A bucket holds
//! how many persons have a value in it, the sum of those values and the sum of their squares, so that totals are
//! exact, and so are the sums of values that are *cut* at the edge of a bucket, wherever that edge is: moving a cap
//! reads no event again.
//!
//! The edges are whole units of 1e-6 that do not depend on the data: 1, 2, 3, .. and from 200 on each larger than the
//! one before by a hundredth of it, rounded down ([`edge`]). A bucket reaches from an edge, inclusive, to the next,
//! exclusive; the one of index 0 holds the value 0 alone, and negative values have the mirrored buckets with negative
//! indices.

mod cap;

use std::collections::BTreeMap;

use ethnum::I256;

use crate::moments::MAX_VALUE;
pub use cap::{Caps, CutSums};

/// How many edges it takes to go beyond [`MAX_VALUE`].
const EDGES: usize = 3_860;

static TABLE: [i128; EDGES] = {
    let mut table = [1i128; EDGES];
    let mut index = 1;
    while index < EDGES {
        let before = table[index - 1];
        table[index] = before + if before < 200 { 1 } else { before / 100 };
        index += 1;
    }
    assert!(table[EDGES - 1] > MAX_VALUE && table[EDGES - 2] <= MAX_VALUE, "the table ends just beyond the values");
    table
};

/// The lower edge, in units, of the bucket of positive values with this index, 1 or more; that of index `k + 1` is its
/// upper edge. `None` beyond the last.
#[must_use]
pub fn edge(index: i16) -> Option<i128> {
    TABLE.get(usize::try_from(index).ok()?.checked_sub(1)?).copied()
}

/// The bucket that a value, in units, falls into; `None` beyond [`MAX_VALUE`] in magnitude.
#[must_use]
pub fn bucket_of(value: i128) -> Option<i16> {
    if value.abs() > MAX_VALUE {
        return None;
    }
    let index = i16::try_from(TABLE.partition_point(|edge| *edge <= value.abs())).ok()?;
    Some(if value < 0 { -index } else { index })
}

/// The closed bounds of a bucket's values: the two edges, in order; for index 0 twice 0. `None` where no such bucket
/// exists.
#[must_use]
pub fn bounds(index: i16) -> Option<(i128, i128)> {
    let magnitude = index.checked_abs()?;
    if magnitude == 0 {
        return Some((0, 0));
    }
    let (low, high) = (edge(magnitude)?, edge(magnitude + 1)?);
    Some(if index > 0 { (low, high) } else { (-high, -low) })
}

/// What a bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Persons.
    pub n: i64,
    /// Sum of their values, in units.
    pub y: I256,
    /// Sum of their squares, in units of 1e-12.
    pub yy: I256,
}

impl Bucket {
    /// Nobody.
    pub const EMPTY: Self = Self { n: 0, y: I256::ZERO, yy: I256::ZERO };

    /// The only value that the persons of the bucket can have, if all have the same: `n yy = y^2` (Cauchy and Schwarz).
    #[must_use]
    pub fn single_value(&self) -> Option<i128> {
        let n = I256::from(self.n);
        // Values below 1e18 and fewer than 1e19 persons keep both products inside 256 bits.
        (self.n > 0 && n.checked_mul(self.yy)? == self.y.checked_mul(self.y)?).then(|| (self.y / n).as_i128())
    }
}

/// Persons by the bucket of their value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    buckets: BTreeMap<i16, Bucket>,
}

impl Histogram {
    /// Adds a person's value, in units. False, and nothing added, where it is beyond [`MAX_VALUE`]: such a person is
    /// left out of a metric and counted.
    pub fn add(&mut self, value: i128) -> bool {
        self.change(value, 1)
    }

    /// Takes a person's value away.
    pub fn take_away(&mut self, value: i128) -> bool {
        self.change(value, -1)
    }

    fn change(&mut self, value: i128, sign: i64) -> bool {
        let Some(index) = bucket_of(value) else { return false };
        let (wide, signed) = (I256::from(value), I256::from(sign));
        self.add_bucket(index, Bucket { n: sign, y: wide * signed, yy: wide * wide * signed });
        true
    }

    /// Adds what a bucket holds, as it is stored; whatever sums to nothing leaves no trace.
    pub fn add_bucket(&mut self, index: i16, bucket: Bucket) {
        let sum = self.buckets.entry(index).or_insert(Bucket::EMPTY);
        sum.n += bucket.n;
        sum.y += bucket.y;
        sum.yy += bucket.yy;
        if *sum == Bucket::EMPTY {
            self.buckets.remove(&index);
        }
    }

    /// Adds another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (index, bucket) in &other.buckets {
            self.add_bucket(*index, *bucket);
        }
    }

    /// The buckets that hold somebody, in the order of their values.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i16, Bucket)> {
        self.buckets.iter().map(|(index, bucket)| (*index, *bucket))
    }

    /// Persons, sum and sum of squares over all buckets.
    #[must_use]
    pub fn total(&self) -> Bucket {
        self.buckets.values().fold(Bucket::EMPTY, |sum, bucket| Bucket {
            n: sum.n + bucket.n,
            y: sum.y + bucket.y,
            yy: sum.yy + bucket.yy,
        })
    }

    /// Whether persons can have these sums: no negative counts, only buckets that exist, and in each a mean inside its
    /// bounds.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        self.buckets.iter().all(|(index, bucket)| {
            let n = I256::from(bucket.n);
            bucket.n > 0
                && bounds(*index)
                    .is_some_and(|(low, high)| n * I256::from(low) <= bucket.y && bucket.y <= n * I256::from(high))
        })
    }

    /// The bucket that holds the person of this rank (1 is the smallest value), with the rank inside the bucket;
    /// `None` where there is no such person.
    #[must_use]
    pub fn at_rank(&self, rank: u64) -> Option<(i16, Bucket, u64)> {
        let mut left = rank.checked_sub(1)?;
        for (index, bucket) in self.iter() {
            let n = u64::try_from(bucket.n).ok()?;
            if left < n {
                return Some((index, bucket, left + 1));
            }
            left -= n;
        }
        None
    }
}

impl FromIterator<i128> for Histogram {
    /// Values beyond [`MAX_VALUE`] are left out.
    fn from_iter<I: IntoIterator<Item = i128>>(values: I) -> Self {
        let mut histogram = Self::default();
        for value in values {
            histogram.add(value);
        }
        histogram
    }
}

#[cfg(test)]
mod tests;
