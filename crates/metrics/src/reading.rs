//! Readings: what the rows of a tally amount to as of a day.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey::{CrossoverPolicy, Day, Definition, Instant};

use crate::moments::{Layout, Moments, micro_days};
use crate::tally::{Count, Direction, NO_ARM, Row, RowKey, Sums, add_all, subtract_all, width};

/// The as-of days of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Through {
    /// Live readings sum the days up to this one.
    pub live: Day,
    /// Matured readings sum the days up to this one.
    pub matured: Day,
    /// The first instant after the live day: until then an open window has been observed.
    pub end: Instant,
}

/// What the persons of one arm amount to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArmReading {
    /// Persons exposed.
    pub persons: i64,
    /// Persons whose experiment window has closed.
    pub matured_persons: i64,
    /// Persons who crossed over to another arm.
    pub crossovers: i64,
    /// Events in a foreign currency that money metrics left out.
    pub foreign: i64,
    /// Per metric, everyone exposed.
    pub live: Vec<Moments>,
    /// Per metric, those whose window has closed; `None` for metrics without a window.
    pub matured: Vec<Option<Moments>>,
}

/// What the rows of one dimension value, or of everyone, amount to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// The arms, in the order of the experiment.
    pub arms: Vec<ArmReading>,
    /// Exposures outside the experiment's dates.
    pub outside: i64,
    /// Exposures to an arm that the experiment does not have.
    pub unknown_arm: i64,
}

/// Reads the rows of one dimension, per value, as of `through`. The key of everyone (dimension 0) is the empty text.
///
/// A value is there if a person with it was exposed through the live day (for everyone: or an exposure counted that
/// put a person into no arm); what happens later does not show, and neither do rows that were taken back to zero.
#[must_use]
pub fn read<'a>(
    definition: &Definition,
    rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    through: Through,
    policy: CrossoverPolicy,
) -> BTreeMap<Arc<str>, Reading> {
    let mut sums: BTreeMap<Arc<str>, BTreeMap<i16, Sums>> = BTreeMap::new();
    let width = width(definition);
    for (key, row) in rows {
        if (key.day > through.live && key.day > through.matured) || row.is_zero() {
            continue;
        }
        let of_value = sums.entry(key.value.clone()).or_default();
        let total = of_value.entry(key.arm).or_insert_with(|| Sums::zero(width));
        move_through(total, &row.all, key.day, through, Direction::Add);
        if policy == CrossoverPolicy::Exclude {
            move_through(total, &row.crossed, key.day, through, Direction::Remove);
        }
    }
    sums.into_iter().map(|(value, arms)| (value, reading(definition, &arms, through))).collect()
}

/// Adds or takes away the parts of a day's sums that the reading has reached.
fn move_through(total: &mut Sums, part: &Sums, day: Day, through: Through, direction: Direction) {
    let move_all = match direction {
        Direction::Add => add_all,
        Direction::Remove => subtract_all,
    };
    let (live, matured) = (day <= through.live, day <= through.matured);
    if live {
        move_all(&mut total.live, &part.live);
    }
    if matured {
        move_all(&mut total.matured, &part.matured);
    }
    for (at, (sum, n)) in total.counts.iter_mut().zip(&part.counts).enumerate() {
        let reached = if at == Count::Matured as usize { matured } else { live };
        match direction {
            _ if !reached => {}
            Direction::Add => *sum += n,
            Direction::Remove => *sum -= n,
        }
    }
}

fn reading(definition: &Definition, sums: &BTreeMap<i16, Sums>, through: Through) -> Reading {
    let empty = Sums::zero(width(definition));
    let strays = sums.get(&NO_ARM).unwrap_or(&empty);
    let end = micro_days(through.end);
    let arms = (0..definition.experiment.arms.len()).map(|arm| {
        let sums = i16::try_from(arm).ok().and_then(|arm| sums.get(&arm)).unwrap_or(&empty);
        let mut reading = ArmReading {
            persons: sums.counts[Count::Persons as usize],
            matured_persons: sums.counts[Count::Matured as usize],
            crossovers: sums.counts[Count::Crossovers as usize],
            foreign: sums.counts[Count::Foreign as usize],
            ..ArmReading::default()
        };
        let mut offset = 0;
        for (index, metric) in definition.metrics.iter().enumerate() {
            let layout = Layout::of(&metric.kind);
            let range = offset..offset + layout.slots().len();
            offset = range.end;
            reading.live.push(Moments::read(layout, &sums.live[range.clone()], end));
            let windowed = definition.window_days(index).is_some();
            reading.matured.push(windowed.then(|| Moments::read(layout, &sums.matured[range], end)));
        }
        reading
    });
    Reading {
        arms: arms.collect(),
        outside: strays.counts[Count::Outside as usize],
        unknown_arm: strays.counts[Count::UnknownArm as usize],
    }
}
