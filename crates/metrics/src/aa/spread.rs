//! How are the values of the persons who are dealt to an arm distributed?

use std::ops::Range;

use journey::Definition;

use super::gathering::Valued;
use crate::moments::Moments;
use crate::reading::spread::{self, Buckets};
use crate::tally::detail::Bucket;

/// What persons enter into the buckets of one metric; nothing where it does not look at them.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    /// The buckets that anybody enters, in their order.
    buckets: Vec<i16>,
    /// Person, the place of the bucket, and what is added to it; day by day.
    items: Vec<(u32, u16, Bucket)>,
}

/// What the persons of an arm amount to, by the place of the bucket.
pub(super) type Dealt = Vec<Bucket>;

impl Values {
    pub(super) fn of(entered: Vec<Valued>) -> Self {
        let mut buckets: Vec<i16> = entered.iter().map(|(_, _, bucket, _)| *bucket).collect();
        buckets.sort_unstable();
        buckets.dedup();
        let place = |bucket: i16| buckets.binary_search(&bucket).ok().and_then(|at| u16::try_from(at).ok());
        let items = entered.into_iter().filter_map(|(_, person, bucket, sums)| Some((person, place(bucket)?, sums)));
        let items = items.collect();
        Self { buckets, items }
    }

    /// Arms that nobody was dealt to.
    pub(super) fn nobody(&self, arms: usize) -> Vec<Dealt> {
        vec![vec![Bucket::default(); self.buckets.len()]; arms]
    }

    /// Adds some items to the arms of their persons.
    pub(super) fn deal(&self, items: Range<usize>, of_person: &[u8], dealt: &mut [Dealt]) {
        for (person, place, sums) in &self.items[items] {
            dealt[usize::from(of_person[*person as usize])][usize::from(*place)].add(sums, 1);
        }
    }

    /// Adds to the sums of the arms what their buckets say, as a reading does: the distribution behind a quantile, and what is cut
    /// at the percentile of all arms together.
    pub(super) fn refine(&self, alone: &Definition, dealt: &[Dealt], arms: &mut [Moments]) {
        if self.buckets.is_empty() {
            return;
        }
        let arm = |dealt: &Dealt| {
            let filled = self.buckets.iter().zip(dealt).filter(|(_, sums)| **sums != Bucket::default());
            Buckets(filled.map(|(bucket, sums)| (*bucket, *sums)).collect())
        };
        let all: Vec<Buckets> = dealt.iter().map(arm).collect();
        let cap = spread::cap_of(alone, 0, &all);
        for (moments, buckets) in arms.iter_mut().zip(&all) {
            spread::refine(alone, 0, buckets, cap, moments);
        }
    }
}
