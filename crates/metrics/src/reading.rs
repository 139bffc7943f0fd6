//! Readings: what the rows of a tally amount to as of a day.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey::{CrossoverPolicy, Day, Definition, Instant};

use crate::moments::{Layout, Moments, micro_days};
use crate::tally::{Count, NO_ARM, Row, RowKey, Sums, width};

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
        let of_value = sums.entry(key.value.clone()).or_default();
        let total = of_value.entry(key.arm).or_insert_with(|| Sums::zero(width));
        add_through(total, &row.all, key.day, through);
        if policy == CrossoverPolicy::Exclude {
            subtract_through(total, &row.crossed, key.day, through);
        }
    }
    sums.into_iter().map(|(value, arms)| (value, reading(definition, &arms, through))).collect()
}

fn add_through(total: &mut Sums, part: &Sums, day: Day, through: Through) {
    if day <= through.live {
        crate::tally::add_all(&mut total.live, &part.live);
        for (at, (sum, n)) in total.counts.iter_mut().zip(&part.counts).enumerate() {
            if at != Count::Matured as usize {
                *sum += n;
            }
        }
    }
    if day <= through.matured {
        crate::tally::add_all(&mut total.matured, &part.matured);
        total.counts[Count::Matured as usize] += part.counts[Count::Matured as usize];
    }
}

fn subtract_through(total: &mut Sums, part: &Sums, day: Day, through: Through) {
    if day <= through.live {
        crate::tally::subtract_all(&mut total.live, &part.live);
        for (at, (sum, n)) in total.counts.iter_mut().zip(&part.counts).enumerate() {
            if at != Count::Matured as usize {
                *sum -= n;
            }
        }
    }
    if day <= through.matured {
        crate::tally::subtract_all(&mut total.matured, &part.matured);
        total.counts[Count::Matured as usize] -= part.counts[Count::Matured as usize];
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
