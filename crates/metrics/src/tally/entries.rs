//! What does a person enter into a tally? Sums of each day, and the details that metrics keep beside them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ethnum::I256;
use journey::{Day, Definition, MetricKind, UNIT};

use super::detail::{Bucket, BucketKey, Detail, SightKey};
use super::lives::lives;
use super::spans::{customers, spans};
use super::{CUSTOMERS, Count, Direction, LENSES, SPANS, Slots, Sums};
use crate::contribution::{Assignment, Trace};
use crate::histogram::bucket_of;
use crate::lens::{Told, Walk, tell};
use crate::moments::{Layout, State, micro_days};

/// What an assigned person enters on each day.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) days: Vec<(Day, Sums)>,
    /// Details that have rows of their own, by dimension, metric and day.
    pub(super) apart: BTreeMap<(i16, usize, Day), Detail>,
}

impl Entries {
    pub(super) fn of(definition: &Definition, assignment: &Assignment) -> Self {
        let mut entries = Self::default();
        entries.on(assignment.day).counts[Count::Persons as usize] = 1;
        if let Some(day) = assignment.matured {
            entries.on(day).counts[Count::Matured as usize] = 1;
        }
        if let Some(day) = assignment.crossed {
            entries.on(day).counts[Count::Crossovers as usize] = 1;
        }
        entries.count_foreign(assignment, Direction::Add);
        let mut slots = OfMetric::default();
        for (metric, (trace, offset)) in assignment.traces.iter().zip(offsets(definition)).enumerate() {
            entries.enter(definition, metric, assignment, (trace, 0), &mut slots, Direction::Add);
            entries.take(&mut slots, offset);
        }
        for (at, walk) in assignment.walks.iter().enumerate() {
            entries.enter_walk(definition, at, assignment.day, walk, 1);
        }
        entries.moving()
    }

    /// What `after` enters beyond `before`, both at the same place.
    pub(super) fn difference(definition: &Definition, before: &Assignment, after: &Assignment) -> Self {
        let mut entries = Self::default();
        if before.foreign != after.foreign {
            entries.count_foreign(before, Direction::Remove);
            entries.count_foreign(after, Direction::Add);
        }
        let mut slots = OfMetric::default();
        let traces = before.traces.iter().zip(&after.traces).zip(offsets(definition)).enumerate();
        for (metric, ((old, new), offset)) in traces.filter(|(_, ((old, new), _))| old != new) {
            // What both enter on the days before they part cancels out.
            let same = same_steps(old, new);
            entries.enter(definition, metric, before, (old, same), &mut slots, Direction::Remove);
            entries.enter(definition, metric, after, (new, same), &mut slots, Direction::Add);
            entries.take(&mut slots, offset);
        }
        for (at, (old, new)) in before.walks.iter().zip(&after.walks).enumerate().filter(|(_, (old, new))| old != new) {
            entries.enter_walk(definition, at, before.day, old, -1);
            entries.enter_walk(definition, at, after.day, new, 1);
        }
        entries.moving()
    }

    /// Without days on which nothing is entered.
    fn moving(mut self) -> Self {
        for (_, sums) in &mut self.days {
            sums.detail.take_if(|detail| detail.is_empty());
        }
        self.days.retain(|(_, sums)| !sums.is_zero());
        self.apart.retain(|_, detail| !detail.is_empty());
        self
    }

    fn count_foreign(&mut self, assignment: &Assignment, direction: Direction) {
        let sign = if direction == Direction::Add { 1 } else { -1 };
        for (day, events) in &assignment.foreign {
            self.on(*day).counts[Count::Foreign as usize] += sign * i64::from(*events);
        }
    }

    /// Takes over the sums of one metric, whose slots begin at `offset`, behind those of the metrics before it.
    fn take(&mut self, slots: &mut OfMetric, offset: usize) {
        for (day, live, matured) in slots.days.drain(..) {
            let sums = self.on(day);
            live.into_iter().enumerate().for_each(|(slot, sum)| sums.live.push(offset + slot, sum));
            matured.into_iter().enumerate().for_each(|(slot, sum)| sums.matured.push(offset + slot, sum));
        }
    }

    /// Enters one metric: its sums into `sums`, which are taken over afterwards. What is entered on the days of the first `same`
    /// steps is left out.
    fn enter(
        &mut self,
        definition: &Definition,
        at: usize,
        assignment: &Assignment,
        (trace, same): (&Trace, usize),
        sums: &mut OfMetric,
        direction: Direction,
    ) {
        let metric = &definition.metrics[at];
        let layout = Layout::of(&metric.kind);
        let slots = layout.slots().len();
        // A person counts once at most where it is whether they count.
        let cap = if metric.kind.is_binary() { Some(1) } else { metric.cap.map(|cap| i128::from(cap.units())) };
        let add = direction == Direction::Add;
        let mut before = vec![I256::ZERO; slots];
        let mut after = Vec::with_capacity(slots);
        let states = states(&metric.kind, assignment, trace, cap);
        let known = same.checked_sub(1).and_then(|last| trace.steps.get(last));
        let moving = known.map_or(0, |step| states.partition_point(|(day, _)| *day <= step.day));
        if let Some((_, state)) = moving.checked_sub(1).and_then(|last| states.get(last)) {
            state.moments(layout, &mut before);
        }
        for (day, state) in &states[moving..] {
            state.moments(layout, &mut after);
            let (live, _) = sums.on(*day);
            live.resize(slots, I256::ZERO);
            for ((sum, new), old) in live.iter_mut().zip(&after).zip(&before) {
                let moved = *new - *old;
                *sum += if add { moved } else { -moved };
            }
            std::mem::swap(&mut before, &mut after);
        }
        if let Some(day) = trace.matured {
            // The last state is the one with the window closed.
            let (_, matured) = sums.on(day);
            matured.resize(slots, I256::ZERO);
            for (sum, value) in matured.iter_mut().zip(&before) {
                *sum += if add { *value } else { -*value };
            }
        }
        let sign = if add { 1 } else { -1 };
        if metric.kind.is_quantile() || metric.keeps.percentile_cap.is_some() {
            self.enter_buckets(at, metric.kind.is_quantile(), trace, &states, sign);
        }
        if let (Some(_), Ok(metric)) = (metric.kind.inactive_days(), u16::try_from(at)) {
            for (day, key, life, way) in lives(metric, assignment, trace, &states) {
                self.on(day).detail.get_or_insert_default().add_life(key, &life, sign * way);
            }
        }
        if metric.keeps.curve {
            for (day, key, persons) in spans(&metric.kind, assignment, trace, definition.curve_days(at)) {
                self.apart.entry((SPANS, at, day)).or_default().add_span(key, sign * persons);
            }
        }
        if metric.keeps.customers {
            for (day, key, customers, way) in customers(trace) {
                self.apart.entry((CUSTOMERS, at, day)).or_default().add_customers(key, &customers, sign * way);
            }
        }
    }

    /// Enters the buckets that a person's value is in, day by day.
    fn enter_buckets(&mut self, at: usize, is_quantile: bool, trace: &Trace, states: &[(Day, State)], sign: i64) {
        let Ok(metric) = u16::try_from(at) else { return };
        let mut change = |day: Day, matured: bool, (bucket, sums): (i16, Bucket), sign: i64| {
            let detail = self.on(day).detail.get_or_insert_default();
            detail.add_bucket(BucketKey { metric, matured, bucket }, &sums, sign);
        };
        let mut before = None;
        for (day, state) in states {
            let after = bucket(state, is_quantile);
            if after != before {
                if let Some(before) = before {
                    change(*day, false, before, -sign);
                }
                if let Some(after) = after {
                    change(*day, false, after, sign);
                }
                before = after;
            }
        }
        if let (Some(day), Some(last)) = (trace.matured, before) {
            change(day, true, last, sign);
        }
    }

    /// Enters what a person's marks in a lens amount to, day by day, and that the person is there.
    fn enter_walk(&mut self, definition: &Definition, at: usize, exposed: Day, walk: &Walk, sign: i64) {
        let (Some(lens), Ok(number)) = (definition.experiment.lenses.get(at), i16::try_from(at)) else { return };
        let mut change = |day: Day, matured: bool, key: &Arc<str>, sums: &Slots, sign: i64| {
            let detail = self.apart.entry((LENSES - number, at, day)).or_default();
            detail.add_sight(&SightKey { matured, key: key.clone() }, sums, sign);
        };
        let (nothing, person): (Arc<str>, Slots) = ("".into(), [I256::ONE].into_iter().collect());
        change(exposed, false, &nothing, &person, sign);
        let mut before = Told::new();
        let mut from = 0;
        while let Some(first) = walk.marks.get(from) {
            from += walk.marks[from..].iter().take_while(|mark| mark.day == first.day).count();
            let after = tell(lens, &walk.marks[..from]);
            for (key, sums) in before.iter().filter(|(key, sums)| after.get(*key) != Some(sums)) {
                change(first.day, false, key, sums, -sign);
            }
            for (key, sums) in after.iter().filter(|(key, sums)| before.get(*key) != Some(sums)) {
                change(first.day, false, key, sums, sign);
            }
            before = after;
        }
        if let Some(day) = walk.matured {
            change(day, true, &nothing, &person, sign);
            for (key, sums) in &before {
                change(day, true, key, sums, sign);
            }
        }
    }

    fn on(&mut self, day: Day) -> &mut Sums {
        let known = self.days.iter().position(|(d, _)| *d == day);
        let at = known.unwrap_or_else(|| {
            self.days.push((day, Sums::default()));
            self.days.len() - 1
        });
        &mut self.days[at].1
    }
}

/// The bucket of a person's value, with what they add to it; `None` for persons who are left out. A quantile has no use for
/// cubes and covariates.
fn bucket(state: &State, is_quantile: bool) -> Option<(i16, Bucket)> {
    let bucket = bucket_of(state.y)?;
    let y = I256::from(state.y);
    let plain = Bucket { n: 1, y, yy: y * y, ..Bucket::default() };
    let x = I256::from(state.x);
    Some((bucket, if is_quantile { plain } else { Bucket { yyy: y * y * y, x, xy: x * y, ..plain } }))
}

/// The sums that one metric enters on each day: its live slots and its matured ones.
#[derive(Default)]
struct OfMetric {
    days: Vec<(Day, Vec<I256>, Vec<I256>)>,
}

impl OfMetric {
    fn on(&mut self, day: Day) -> (&mut Vec<I256>, &mut Vec<I256>) {
        let known = self.days.iter().position(|(d, ..)| *d == day);
        let at = known.unwrap_or_else(|| {
            self.days.push((day, Vec::new(), Vec::new()));
            self.days.len() - 1
        });
        let (_, live, matured) = &mut self.days[at];
        (live, matured)
    }
}

/// How many steps two traces begin with alike, so that they enter the same on the days of these.
fn same_steps(old: &Trace, new: &Trace) -> usize {
    if (old.matured, old.window_units, old.x, old.u) != (new.matured, new.window_units, new.x, new.u) {
        return 0;
    }
    old.steps.iter().zip(&new.steps).take_while(|(old, new)| old == new).count()
}

/// Where the slots of each metric begin.
fn offsets(definition: &Definition) -> impl Iterator<Item = usize> {
    definition.metrics.iter().scan(0, |next, metric| {
        let offset = *next;
        *next += Layout::of(&metric.kind).slots().len();
        Some(offset)
    })
}

/// What the person amounts to on each day on which that changes, days ascending.
fn states(kind: &MetricKind, assignment: &Assignment, trace: &Trace, cap: Option<i128>) -> Vec<(Day, State)> {
    let observed = kind.per_days().is_some();
    let mut days: Vec<Day> = trace.steps.iter().map(|step| step.day).collect();
    days.push(assignment.day);
    if observed {
        days.extend(trace.matured);
    }
    days.sort_unstable();
    days.dedup();
    let mut steps = trace.steps.iter().peekable();
    let (mut y, mut d, mut orders) = (0i128, 0i128, 0i64);
    days.into_iter()
        .map(|day| {
            while let Some(step) = steps.next_if(|step| step.day <= day) {
                if kind.is_of_latest() {
                    // One answer takes the place of another; on a rating a person counts who answered.
                    let counts = matches!(kind, MetricKind::Rating { .. });
                    (y, d) = (step.y, if counts { i128::from(UNIT) } else { 0 });
                    continue;
                }
                y += step.y;
                d += step.d;
                orders += step.orders;
            }
            let y = match kind {
                MetricKind::Repeat { at_least, .. } => i128::from(y >= i128::from(*at_least)),
                _ => y,
            };
            let mut state = State { y: cap.map_or(y, |cap| y.min(cap)), d, orders, x: trace.x, u: trace.u, open: None };
            if observed {
                let closed = trace.matured.filter(|matured| *matured <= day);
                match closed {
                    Some(_) => state.d = i128::from(trace.window_units),
                    None => state.open = Some(micro_days(assignment.at)),
                }
            }
            (day, state)
        })
        .collect()
}
