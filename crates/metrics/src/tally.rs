//! Tallies: the sums of contributions, per arm, day and dimension value.
//!
//! The entries of the days up to D add up to what the persons amount to as of D. So one table of daily rows answers
//! "now", "as of D" and the timeline, and time passing is a read.

mod codec;

use std::collections::HashMap;
use std::sync::Arc;

use ethnum::I256;
use journey::{Day, Definition, MetricKind};

use crate::contribution::{Assignment, Contribution, Trace};
use crate::moments::{Layout, State, micro_days};

/// The plain counts of a tally row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Count {
    /// Persons exposed.
    Persons,
    /// Persons whose experiment window closed.
    Matured,
    /// Persons who crossed over.
    Crossovers,
    /// Exposures outside the experiment's dates.
    Outside,
    /// Exposures to an arm that the experiment does not have.
    UnknownArm,
    /// Events in a foreign currency that money metrics left out.
    Foreign,
}

/// How many [`Count`]s a row has.
pub const COUNTS: usize = 6;

/// The key of a row within its definition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// 0 for everyone, `i + 1` for the `i`-th dimension.
    pub dimension: i16,
    /// The dimension value; empty for everyone and where it is unknown.
    pub value: Arc<str>,
    /// The index of the arm; -1 for persons in no arm.
    pub arm: i16,
    /// The local day.
    pub day: Day,
}

/// The key part of persons in no arm.
pub const NO_ARM: i16 = -1;

/// Sums of one reading group: what counts, or what the crossovers among it take away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// See [`Count`].
    pub counts: [i64; COUNTS],
    /// The live reading: all metrics' slots, one after the other.
    pub live: Vec<I256>,
    /// The matured reading, likewise.
    pub matured: Vec<I256>,
}

/// One row of a tally.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// Everything, crossovers kept in their first arm.
    pub all: Sums,
    /// What excluding the crossovers takes away.
    pub crossed: Sums,
}

impl Sums {
    /// No sums, for `width` slots.
    #[must_use]
    pub fn zero(width: usize) -> Self {
        Self { counts: [0; COUNTS], live: vec![I256::ZERO; width], matured: vec![I256::ZERO; width] }
    }

    /// Whether every sum is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.counts.iter().all(|n| *n == 0)
            && self.live.iter().all(|n| *n == I256::ZERO)
            && self.matured.iter().all(|n| *n == I256::ZERO)
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        add_all(&mut self.live, &other.live);
        add_all(&mut self.matured, &other.matured);
    }

    /// Takes `other` away.
    pub fn subtract(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a -= b);
        subtract_all(&mut self.live, &other.live);
        subtract_all(&mut self.matured, &other.matured);
    }
}

/// Adds slot by slot; missing slots are 0.
pub fn add_all(sums: &mut Vec<I256>, other: &[I256]) {
    sums.resize(sums.len().max(other.len()), I256::ZERO);
    sums.iter_mut().zip(other).for_each(|(a, b)| *a += *b);
}

/// Subtracts slot by slot; missing slots are 0.
pub fn subtract_all(sums: &mut Vec<I256>, other: &[I256]) {
    sums.resize(sums.len().max(other.len()), I256::ZERO);
    sums.iter_mut().zip(other).for_each(|(a, b)| *a -= *b);
}

impl Row {
    /// The bytes to store, without the zeros at the end of the lists: whoever reads them takes missing numbers for 0.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads stored bytes; `None` where they are no row.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        codec::decode(bytes)
    }

    /// Whether every sum is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.all.is_zero() && self.crossed.is_zero()
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        self.crossed.add(&other.crossed);
    }
}

/// How many slots the metrics of a definition have together.
#[must_use]
pub fn width(definition: &Definition) -> usize {
    definition.metrics.iter().map(|metric| Layout::of(&metric.kind).slots().len()).sum()
}

/// A tally of one definition, or a change of it: rows by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// The rows.
    pub rows: HashMap<RowKey, Row>,
}

/// Whether a contribution comes or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It is added.
    Add,
    /// It is taken away.
    Remove,
}

impl Tally {
    /// Adds or takes away what a person contributes.
    pub fn apply(&mut self, definition: &Definition, contribution: &Contribution, direction: Direction) {
        let width = width(definition);
        self.move_strays(contribution, direction);
        let Some(assignment) = &contribution.assignment else {
            return;
        };
        let entries = Entries::of(definition, assignment, width);
        self.move_entries(assignment, &entries, direction);
    }

    /// Takes `old` away and adds `new`: the same as [`Tally::apply`] twice, but only what differs is looked at where the
    /// person stays at the same place.
    pub fn replace(&mut self, definition: &Definition, old: &Contribution, new: &Contribution) {
        match (&old.assignment, &new.assignment) {
            (Some(before), Some(after)) if before.is_placed_like(after) => {
                let width = width(definition);
                self.move_strays(old, Direction::Remove);
                self.move_strays(new, Direction::Add);
                let entries = Entries::difference(definition, before, after, width);
                self.move_entries(after, &entries, Direction::Add);
            }
            _ => {
                self.apply(definition, old, Direction::Remove);
                self.apply(definition, new, Direction::Add);
            }
        }
    }

    fn move_strays(&mut self, contribution: &Contribution, direction: Direction) {
        for stray in &contribution.strays {
            let row = self.row(0, "".into(), NO_ARM, stray.day);
            let sign = if direction == Direction::Add { 1 } else { -1 };
            row.all.counts[Count::Outside as usize] += sign * i64::from(stray.outside);
            row.all.counts[Count::UnknownArm as usize] += sign * i64::from(stray.unknown_arm);
        }
    }

    fn move_entries(&mut self, assignment: &Assignment, entries: &Entries, direction: Direction) {
        let arm = assignment.arm.cast_signed();
        let places = std::iter::once((0, Arc::from(""))).chain((1..).zip(assignment.values.iter().cloned()));
        for (dimension, value) in places {
            for (day, entry) in &entries.days {
                let row = self.row(dimension, value.clone(), arm, *day);
                move_sums(&mut row.all, entry, direction);
                // Crossing over takes away, on that day, what was entered up to it, and later entries at once. The
                // counts that say what was seen, crossovers and foreign events, stay.
                if let Some(crossed) = assignment.crossed {
                    let mut taken = entry.clone();
                    taken.counts[Count::Crossovers as usize] = 0;
                    taken.counts[Count::Foreign as usize] = 0;
                    let row = self.row(dimension, value.clone(), arm, crossed.max(*day));
                    move_sums(&mut row.crossed, &taken, direction);
                }
            }
        }
    }

    /// The row of a key. It grows to the slots that are added to it: a slice holds very many.
    fn row(&mut self, dimension: i16, value: Arc<str>, arm: i16, day: Day) -> &mut Row {
        self.rows.entry(RowKey { dimension, value, arm, day }).or_default()
    }
}

fn move_sums(sums: &mut Sums, entry: &Sums, direction: Direction) {
    match direction {
        Direction::Add => sums.add(entry),
        Direction::Remove => sums.subtract(entry),
    }
}

/// What an assigned person enters on each day.
struct Entries {
    days: Vec<(Day, Sums)>,
    width: usize,
}

impl Entries {
    fn of(definition: &Definition, assignment: &Assignment, width: usize) -> Self {
        let mut entries = Self { days: Vec::new(), width };
        entries.on(assignment.day).counts[Count::Persons as usize] = 1;
        if let Some(day) = assignment.matured {
            entries.on(day).counts[Count::Matured as usize] = 1;
        }
        if let Some(day) = assignment.crossed {
            entries.on(day).counts[Count::Crossovers as usize] = 1;
        }
        entries.count_foreign(assignment, Direction::Add);
        for (metric, (trace, offset)) in assignment.traces.iter().zip(offsets(definition)).enumerate() {
            entries.enter(definition, metric, assignment, trace, offset, Direction::Add);
        }
        entries.trimmed()
    }

    /// What `after` enters beyond `before`, both at the same place.
    fn difference(definition: &Definition, before: &Assignment, after: &Assignment, width: usize) -> Self {
        let mut entries = Self { days: Vec::new(), width };
        if before.foreign != after.foreign {
            entries.count_foreign(before, Direction::Remove);
            entries.count_foreign(after, Direction::Add);
        }
        let traces = before.traces.iter().zip(&after.traces).zip(offsets(definition)).enumerate();
        for (metric, ((old, new), offset)) in traces.filter(|(_, ((old, new), _))| old != new) {
            entries.enter(definition, metric, before, old, offset, Direction::Remove);
            entries.enter(definition, metric, after, new, offset, Direction::Add);
        }
        entries.trimmed()
    }

    /// Without days on which nothing is entered, and without zeros at the end: most days enter nothing matured.
    fn trimmed(mut self) -> Self {
        self.days.retain(|(_, sums)| !sums.is_zero());
        for (_, sums) in &mut self.days {
            for slots in [&mut sums.live, &mut sums.matured] {
                slots.truncate(slots.iter().rposition(|sum| *sum != I256::ZERO).map_or(0, |last| last + 1));
            }
        }
        self
    }

    fn count_foreign(&mut self, assignment: &Assignment, direction: Direction) {
        let sign = if direction == Direction::Add { 1 } else { -1 };
        for (day, events) in &assignment.foreign {
            self.on(*day).counts[Count::Foreign as usize] += sign * i64::from(*events);
        }
    }

    /// Enters one metric, whose slots begin at `offset`.
    fn enter(
        &mut self,
        definition: &Definition,
        metric: usize,
        assignment: &Assignment,
        trace: &Trace,
        offset: usize,
        direction: Direction,
    ) {
        let metric = &definition.metrics[metric];
        let layout = Layout::of(&metric.kind);
        let slots = layout.slots().len();
        let range = offset..offset + slots;
        let cap = metric.cap.map(|cap| i128::from(cap.units()));
        let add = direction == Direction::Add;
        let mut before = vec![I256::ZERO; slots];
        let mut after = Vec::with_capacity(slots);
        for (day, state) in states(&metric.kind, assignment, trace, cap) {
            state.moments(layout, &mut after);
            let live = &mut self.on(day).live[range.clone()];
            for ((sum, new), old) in live.iter_mut().zip(&after).zip(&before) {
                let moved = *new - *old;
                *sum += if add { moved } else { -moved };
            }
            std::mem::swap(&mut before, &mut after);
        }
        if let Some(day) = trace.matured {
            // The last state is the one with the window closed.
            for (sum, value) in self.on(day).matured[range].iter_mut().zip(&before) {
                *sum += if add { *value } else { -*value };
            }
        }
    }

    fn on(&mut self, day: Day) -> &mut Sums {
        let known = self.days.iter().position(|(d, _)| *d == day);
        let at = known.unwrap_or_else(|| {
            self.days.push((day, Sums::zero(self.width)));
            self.days.len() - 1
        });
        &mut self.days[at].1
    }
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
    let observed = matches!(kind, MetricKind::Clv { .. });
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
                y += step.y;
                d += step.d;
                orders += step.orders;
            }
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
