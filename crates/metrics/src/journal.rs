//! Why did a tally move? Every move of everyone's rows by its cause, so that what was told yesterday can be told again, and what
//! came between be told apart.

use std::collections::BTreeMap;

use journey::Day;

use crate::contribution::{Assignment, Contribution};
use crate::tally::{Row, RowKey, Tally};

/// Why a person's part moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The person was exposed for the first time that is known of.
    NewPersons,
    /// Events of today or yesterday.
    Events,
    /// Events of days before, and what changes where a person stands: an earlier exposure, a value or a history before it.
    LateEvents,
    /// Persons turned out to be one.
    Merges,
    /// The person is in no arm any more: its events were erased.
    Erasures,
}

impl Cause {
    /// All of them, in the order in which moves are told.
    pub const ALL: [Self; 5] = [Self::NewPersons, Self::Events, Self::LateEvents, Self::Merges, Self::Erasures];

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NewPersons => "new_persons",
            Self::Events => "events",
            Self::LateEvents => "late_events",
            Self::Merges => "merges",
            Self::Erasures => "erasures",
        }
    }

    /// Why a person's part goes from `old` to `new`, seen on the local day `today`. `old`: one contribution for each former person;
    /// `moved`: it stood under another key.
    #[must_use]
    pub fn of(old: &[Contribution], moved: bool, new: &Contribution, today: Day) -> Self {
        if moved || old.len() > 1 {
            return Self::Merges;
        }
        let before = old.first().and_then(|old| old.assignment.as_ref());
        match (before, &new.assignment) {
            (None, Some(_)) => Self::NewPersons,
            (Some(_), None) => Self::Erasures,
            (None, None) => Self::Events,
            (Some(old), Some(new)) => {
                let recent = |day: Day| day >= today.previous();
                let in_time = stands_alike(old, new) && first_change(old, new).is_none_or(recent);
                if in_time { Self::Events } else { Self::LateEvents }
            }
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::NewPersons => 0,
            Self::Events => 1,
            Self::LateEvents => 2,
            Self::Merges => 3,
            Self::Erasures => 4,
        }
    }
}

/// Whether the person stands where it stood, with the same history before the exposure.
fn stands_alike(old: &Assignment, new: &Assignment) -> bool {
    let histories = |assignment: &Assignment| {
        assignment.traces.iter().map(|trace| (trace.matured, trace.x, trace.u)).collect::<Vec<_>>()
    };
    (old.arm, old.at, &old.values) == (new.arm, new.at, &new.values) && histories(old) == histories(new)
}

/// The first day on which any metric changed.
fn first_change(old: &Assignment, new: &Assignment) -> Option<Day> {
    let of_metric = old.traces.iter().zip(&new.traces).filter_map(|(old, new)| {
        let same = old.steps.iter().zip(&new.steps).take_while(|(old, new)| old == new).count();
        let day = |steps: &[crate::contribution::Step]| steps.get(same).map(|step| step.day);
        [day(&old.steps), day(&new.steps)].into_iter().flatten().min()
    });
    of_metric.min()
}

/// Moves of everyone's rows, by cause, arm and day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journal(pub BTreeMap<(Cause, i16, Day), Row>);

impl Journal {
    /// Adds how a tally moved for a cause; only the rows of everyone.
    pub fn note(&mut self, cause: Cause, change: &Tally) {
        for (key, row) in change.rows.iter().filter(|(key, row)| key.dimension == 0 && !row.is_zero()) {
            self.0.entry((cause, key.arm, key.day)).or_default().add(row);
        }
    }

    /// Adds another journal.
    pub fn add(&mut self, other: &Self) {
        for (key, row) in &other.0 {
            self.0.entry(*key).or_default().add(row);
        }
        self.0.retain(|_, row| !row.is_zero());
    }

    /// The moves for one cause, under the keys of rows.
    pub fn of(&self, cause: Cause) -> impl Iterator<Item = (RowKey, &Row)> {
        self.0
            .iter()
            .filter(move |((of, ..), _)| *of == cause)
            .map(|((_, arm, day), row)| (RowKey { dimension: 0, value: "".into(), arm: *arm, day: *day }, row))
    }

    /// The bytes to store: each move with its cause, its arm, its day, its length and its row.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for ((cause, arm, day), row) in &self.0 {
            let row = row.to_bytes();
            bytes.push(cause.number());
            bytes.extend_from_slice(&arm.to_be_bytes());
            bytes.extend_from_slice(&day.number().to_be_bytes());
            bytes.extend_from_slice(&u32::try_from(row.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend_from_slice(&row);
        }
        bytes
    }

    /// Reads stored bytes; `None` where they are no journal.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let mut journal = Self::default();
        while !bytes.is_empty() {
            let (head, rest) = bytes.split_at_checked(11)?;
            let cause = *Cause::ALL.iter().find(|cause| cause.number() == head[0])?;
            let arm = i16::from_be_bytes([head[1], head[2]]);
            let day = Day::from_number(i32::from_be_bytes([head[3], head[4], head[5], head[6]]));
            let length = u32::from_be_bytes([head[7], head[8], head[9], head[10]]);
            let (row, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            journal.0.insert((cause, arm, day), Row::from_bytes(row)?);
            bytes = rest;
        }
        Some(journal)
    }
}
