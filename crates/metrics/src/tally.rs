//! Tallies: the sums of contributions, per arm, day and dimension value.
//!
//! The entries of the days up to D add up to what the persons amount to as of D. So one table of daily rows answers
//! "now", "as of D" and the timeline, and time passing is a read.

mod changes;
mod codec;
pub mod detail;
mod detail_codec;
mod entries;
mod lives;
mod slots;
mod spans;

use std::collections::HashMap;
use std::sync::Arc;

use journey::{Day, Definition};

pub use self::changes::Changes;
use self::detail::Detail;
use self::entries::Entries;
pub use self::slots::Slots;
use crate::contribution::{Assignment, Contribution};
use crate::moments::Layout;

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
    /// 0 for everyone, `i + 1` for the `i`-th dimension, [`SPANS`], [`CUSTOMERS`] and [`LENSES`] for the details of
    /// everyone that not every answer reads.
    pub dimension: i16,
    /// The dimension value; empty for everyone and where it is unknown. The index of the metric for [`SPANS`] and
    /// [`CUSTOMERS`].
    pub value: Arc<str>,
    /// The index of the arm; -1 for persons in no arm.
    pub arm: i16,
    /// The local day.
    pub day: Day,
}

/// The key part of persons in no arm.
pub const NO_ARM: i16 = -1;

/// The key part of the spans of everyone, crossovers kept in their first arm: a row per metric that keeps its curve.
pub const SPANS: i16 = -1;
/// The key part of the customers of everyone, crossovers kept in their first arm: a row per metric that keeps them.
pub const CUSTOMERS: i16 = -2;
/// The key part of what the first lens shows of everyone, crossovers kept in their first arm; the next one's is one less, and
/// so on.
pub const LENSES: i16 = -3;

/// Sums of one reading group: what counts, or what the crossovers among it take away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sums {
    /// See [`Count`].
    pub counts: [i64; COUNTS],
    /// The live reading: all metrics' slots, one after the other.
    pub live: Slots,
    /// The matured reading, likewise.
    pub matured: Slots,
    /// What metrics keep beside their sums; `None`: nothing.
    pub detail: Option<Box<Detail>>,
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
    /// Whether every sum is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.counts.iter().all(|n| *n == 0) && self.live.is_zero() && self.matured.is_zero() && self.detail.is_none()
    }

    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.live.add(&other.live);
        self.matured.add(&other.matured);
        detail::add(&mut self.detail, other.detail.as_deref(), 1);
    }

    /// Takes `other` away.
    pub fn subtract(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a -= b);
        self.live.subtract(&other.live);
        self.matured.subtract(&other.matured);
        detail::add(&mut self.detail, other.detail.as_deref(), -1);
    }
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

    /// Takes `other` away.
    pub fn subtract(&mut self, other: &Self) {
        self.all.subtract(&other.all);
        self.crossed.subtract(&other.crossed);
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

/// Rows by key. A row is looked up for everything that a person enters, so the hash is a fast one; it is seeded anew in every process, since
/// the values of dimensions come from outside.
pub type Rows = HashMap<RowKey, Row, foldhash::fast::RandomState>;

/// A tally of one definition, or a change of it: rows by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// The rows.
    pub rows: Rows,
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
        self.move_strays(contribution, direction);
        let Some(assignment) = &contribution.assignment else {
            return;
        };
        let entries = Entries::of(definition, assignment);
        self.move_entries(assignment, &entries, direction);
    }

    /// Takes `old` away and adds `new`: the same as [`Tally::apply`] twice, but only what differs is looked at where the
    /// person stays at the same place.
    pub fn replace(&mut self, definition: &Definition, old: &Contribution, new: &Contribution) {
        match (&old.assignment, &new.assignment) {
            (Some(before), Some(after)) if before.is_placed_like(after) => {
                self.move_strays(old, Direction::Remove);
                self.move_strays(new, Direction::Add);
                let entries = Entries::difference(definition, before, after);
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
        for ((dimension, metric, day), detail) in &entries.apart {
            let value = if *dimension <= LENSES { Arc::from("") } else { metric.to_string().into() };
            let row = self.row(*dimension, value, arm, *day);
            let sign = if direction == Direction::Add { 1 } else { -1 };
            detail::add(&mut row.all.detail, Some(detail), sign);
        }
    }

    /// The row of a key.
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
