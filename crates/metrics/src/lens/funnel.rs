//! How far does a person get through the steps of a funnel, and how long does each step take?
//!
//! Loose: a step is reached by the first event of it after the one that reached the step before, so only these events are
//! kept. Strict: the furthest that the person got in one go, nothing else done in between; of several goes that got
//! as far, the first one tells the times. Goes that were no further than one before them are let go of, so that however
//! much a person does, what is kept of it stays far below the bound on marks.

use std::iter::repeat_n;
use std::sync::Arc;

use ethnum::I256;
use journey::{Happening, Path, Selector, StepOrder, names};

use super::{Mark, Sights, Sign, Told, add};
use crate::histogram::bucket_of;
use crate::plan::Sieve;

/// The number of the first step.
pub const FIRST_STEP: usize = 1;

/// Steps made ready.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    sieves: Vec<Sieve>,
    order: StepOrder,
}

impl Steps {
    pub(super) fn new(steps: &[Selector], order: StepOrder, paths: &mut Vec<Path>) -> Self {
        Self { sieves: steps.iter().map(|step| Sieve::new(step, paths)).collect(), order }
    }

    /// The tag has a bit for each step that the event is one of; strictly, 0 for whatever else the person did.
    pub(super) fn sign(&self, event: &Happening) -> Option<Sign> {
        let mut tag = 0;
        for (bit, sieve) in self.sieves.iter().enumerate() {
            tag |= u16::from(sieve.takes(event)) << bit;
        }
        let counts = tag != 0 || (self.order == StepOrder::Strict && names::is_by_person(&event.name));
        counts.then(|| (tag, Arc::from(""), 0))
    }

    pub(super) fn is_news(&self, marks: &[Mark], (tag, ..): &Sign) -> bool {
        match self.order {
            StepOrder::Loose => marks.len() < self.sieves.len() && tag & (1 << marks.len()) != 0,
            StepOrder::Strict => *tag != 0 || marks.last().is_some_and(|last| last.tag != 0),
        }
    }

    /// Lets go of marks that no answer will need, whatever comes after them.
    pub(super) fn prune(&self, marks: &mut Vec<Mark>) {
        if self.order == StepOrder::Strict {
            prune(self.sieves.len(), marks);
        }
    }
}

/// The key of the persons who reached step `step`, counted from [`FIRST_STEP`].
#[must_use]
pub fn reach_key(step: usize) -> Arc<str> {
    format!("r{step}").into()
}

/// Times in so many neighbouring buckets stand under one key, in a slot each: an answer adds up the days' slots in one go,
/// and looks up fewer keys.
const BUCKETS_OF_KEY: usize = 32;

/// The key and the slot of the persons who took a time in bucket `bucket` (of microseconds) to step `step` from the one before,
/// to the first one from the exposure. `None` for a bucket below 0: no time is negative.
#[must_use]
pub fn time_place(step: usize, bucket: i16) -> Option<(Arc<str>, usize)> {
    let bucket = usize::try_from(bucket).ok()?;
    Some((format!("t{step} {}", bucket / BUCKETS_OF_KEY).into(), bucket % BUCKETS_OF_KEY))
}

/// The buckets of the times to step `step` that anyone took, ascending, and how many persons took them.
#[must_use]
pub fn times(sights: &Sights, step: usize) -> Vec<(i16, i64)> {
    let prefix = format!("t{step} ");
    let mut times = Vec::new();
    for (key, sums) in sights.sums.range(Arc::from(&*prefix)..) {
        let Some(chunk) = key.strip_prefix(&prefix) else { break };
        let Some(first) = chunk.parse().ok().and_then(|chunk: usize| chunk.checked_mul(BUCKETS_OF_KEY)) else {
            continue;
        };
        let count = |(slot, persons): (usize, I256)| {
            Some((i16::try_from(first + slot).ok()?, i64::try_from(persons).unwrap_or(i64::MAX)))
        };
        times.extend(sums.iter().filter_map(count));
    }
    // Keys are in the order of their letters.
    times.sort_unstable();
    times
}

pub(super) fn tell(steps: usize, order: StepOrder, marks: &[Mark], told: &mut Told) {
    let reached = match order {
        StepOrder::Loose => marks,
        StepOrder::Strict => furthest(steps, marks),
    };
    let mut before = 0;
    for (step, mark) in (FIRST_STEP..).zip(reached) {
        add(told, reach_key(step), [1]);
        let place = bucket_of(i128::from(mark.micros - before)).and_then(|bucket| time_place(step, bucket));
        if let Some((key, slot)) = place {
            add(told, key, repeat_n(0, slot).chain([1]));
        }
        before = mark.micros;
    }
}

/// The first of the longest goes.
fn furthest(steps: usize, marks: &[Mark]) -> &[Mark] {
    let mut best: &[Mark] = &[];
    for from in 0..marks.len() {
        let reached = go(steps, &marks[from..]);
        if reached.len() > best.len() {
            best = reached;
        }
    }
    best
}

/// As many of the first marks as are the steps in order.
fn go(steps: usize, marks: &[Mark]) -> &[Mark] {
    let is_step = |(step, mark): &(usize, &Mark)| mark.tag & (1 << step) != 0;
    &marks[..(0..steps).zip(marks).take_while(is_step).count()]
}

/// Keeps the goes that were longer than all before them, since each was the furthest for a while, and those that the next
/// mark may prolong; a mark of nothing stands where something between two of them is gone, so that they don't become one.
fn prune(steps: usize, marks: &mut Vec<Mark>) {
    let mut kept = Vec::with_capacity(marks.len());
    let (mut next, mut longest) = (0, 0);
    for from in 0..marks.len() {
        let length = go(steps, &marks[from..]).len();
        let is_open = from + length == marks.len() && length < steps;
        if !is_open && length <= longest {
            continue;
        }
        if from > next && !kept.is_empty() {
            kept.push(Mark { tag: 0, ..marks[next].clone() });
        }
        let end = next.max(from + length);
        kept.extend_from_slice(&marks[next.max(from)..end]);
        (next, longest) = (end, longest.max(length));
        if longest == steps {
            break;
        }
    }
    if let Some(ending) = marks.get(next)
        && !kept.is_empty()
    {
        kept.push(Mark { tag: 0, ..ending.clone() });
    }
    *marks = kept;
}

#[cfg(test)]
mod tests {
    use journey::{Day, EventId, Instant, Lens, Pattern};
    use proptest::prelude::*;

    use super::super::{Glass, Kind, MAX_MARKS, Walk};
    use super::*;

    fn marks(tags: &[u16]) -> Vec<Mark> {
        let mark = |(at, tag): (i64, &u16)| Mark {
            micros: at * 10,
            day: Day::from_number(0),
            tag: *tag,
            label: "".into(),
            value: 0,
        };
        (1..).zip(tags).map(mark).collect()
    }

    fn reached(told: &Told) -> Vec<usize> {
        (FIRST_STEP..9).filter(|step| told.contains_key(&reach_key(*step))).collect()
    }

    #[test]
    fn strictly_nothing_lies_between_and_the_first_of_the_longest_goes_counts() {
        let told = |tags: &[u16]| {
            let mut told = Told::new();
            tell(3, StepOrder::Strict, &marks(tags), &mut told);
            told
        };
        assert_eq!(reached(&told(&[])), [0; 0]);
        assert_eq!(reached(&told(&[1, 0, 2])), [1]);
        assert_eq!(reached(&told(&[1, 1, 2, 4])), [1, 2, 3]);
        assert_eq!(reached(&told(&[2, 4])), [0; 0]);
        // An event that is of several steps is one of them at a time.
        assert_eq!(reached(&told(&[3])), [1]);
        assert_eq!(reached(&told(&[3, 3])), [1, 2]);
        let twice = told(&[1, 0, 1, 2, 0, 1, 2]);
        assert_eq!(reached(&twice), [1, 2]);
        let (sums, bucket) = (twice, bucket_of(30).unwrap());
        assert_eq!(times(&Sights { persons: 1, sums }, 1), [(bucket, 1)]);
    }

    /// A go of every length, what ended each, and the newest mark.
    fn most_kept(steps: usize) -> usize {
        steps * (steps + 1) / 2 + steps + 1
    }

    #[test]
    fn of_the_most_steps_no_more_is_kept_than_a_go_of_every_length() {
        let steps = Lens::MAX_STEPS;
        let go = |length: usize| (0..length).map(|step| 1 << step).chain([0]);
        let tags: Vec<u16> = (1..steps).flat_map(go).chain((0..steps).map(|step| 1 << step)).chain([1; 3]).collect();
        let (mut kept, mut most) = (Vec::new(), 0);
        for mark in marks(&tags) {
            prune(steps, &mut kept);
            kept.push(mark);
            most = most.max(kept.len());
        }
        assert_eq!(furthest(steps, &kept).len(), steps);
        assert!((steps * (steps + 1) / 2..=most_kept(steps)).contains(&most), "{most}");
    }

    fn glass() -> Glass {
        let step = |name| Selector { event: Pattern::parse(name, "").unwrap(), filters: Vec::new() };
        let steps = [step("Product Viewed"), step("Product Added")];
        Glass { window_micros: None, kind: Kind::Funnel(Steps::new(&steps, StepOrder::Strict, &mut Vec::new())) }
    }

    fn event(name: &str) -> Happening {
        Happening {
            at: Instant::from_micros(0),
            id: EventId::from_bytes([0; 16]),
            name: name.into(),
            channel: None,
            stage: None,
            value: None,
            foreign: false,
            exposure: None,
            facts: Vec::new(),
        }
    }

    #[test]
    fn nobody_does_too_much_for_a_strict_funnel() {
        let glass = glass();
        let mut walk = Walk { matured: None, through: -1, dropped: 0, marks: Vec::new() };
        let names = ["Product Viewed", "Product Searched"].repeat(MAX_MARKS);
        for (micros, name) in (0..).zip(names.into_iter().chain(["Product Viewed", "Product Added"])) {
            walk.go_on(&glass, &event(name), micros, || Day::from_number(0));
        }
        assert_eq!(walk.dropped, 0);
        let mut told = Told::new();
        tell(2, StepOrder::Strict, &walk.marks, &mut told);
        assert_eq!(reached(&told), [1, 2]);
        // An older program left something out: the journey is folded whole.
        assert!(!walk.is_late(&glass, &event("Product Viewed"), 1_000_000));
        walk.dropped = 1;
        assert!(walk.is_late(&glass, &event("Product Viewed"), 1_000_000));
    }

    proptest! {
        #[test]
        fn what_is_pruned_was_not_needed(
            steps in 2usize..=4,
            tags in prop::collection::vec(prop_oneof![0u16..16, 0u16..3], 0..60),
        ) {
            let all = marks(&tags);
            let mut kept = Vec::new();
            for (number, mark) in (1..).zip(&all) {
                prune(steps, &mut kept);
                kept.push(mark.clone());
                prop_assert!(kept.len() <= most_kept(steps));
                // As of any instant before, too.
                for until in 0..=number {
                    let before = kept.partition_point(|mark| mark.micros <= until * 10);
                    let until = usize::try_from(until).unwrap();
                    prop_assert_eq!(furthest(steps, &kept[..before]), furthest(steps, &all[..until]));
                }
            }
        }
    }

    #[test]
    fn times_are_told_apart_and_stand_in_order() {
        let buckets = [0, 1, 31, 32, 33, 319, 320, 2000];
        let mut told = Told::new();
        for (persons, bucket) in (1..).zip(buckets) {
            for step in [1, 11] {
                let (key, slot) = time_place(step, bucket).unwrap();
                add(&mut told, key, repeat_n(0, slot).chain([persons]));
            }
        }
        let sights = Sights { persons: 9, sums: told };
        let expected: Vec<(i16, i64)> = buckets.into_iter().zip(1..).collect();
        assert_eq!(times(&sights, 1), expected);
        assert_eq!(times(&sights, 11), expected);
        assert_eq!(times(&sights, 2), []);
        assert_eq!(time_place(1, -1), None);
    }
}
