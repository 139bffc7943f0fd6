//! Readings: what the rows of a tally amount to as of a day.

pub(crate) mod spread;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ethnum::I256;
use journey::{CrossoverPolicy, Day, Definition, Instant};

use crate::lifespan;
use crate::moments::{Layout, Moments, micro_days};
use crate::tally::detail::{self, Detail};
use crate::tally::{COUNTS, Count, NO_ARM, Row, RowKey, Slots, Sums, width};

/// The as-of days of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Through {
    /// Live readings sum the days up to this one.
    pub live: Day,
    /// Matured readings sum the days up to this one, which is not after the live one.
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
/// A value is there if a person with it was exposed up to the live day (for everyone: or an exposure counted that put
/// a person into no arm). What comes later does not show, and neither do rows that were taken back to zero.
#[must_use]
pub fn read<'a>(
    definition: &Definition,
    rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    through: Through,
    policy: CrossoverPolicy,
) -> BTreeMap<Arc<str>, Reading> {
    let mut values: BTreeMap<Arc<str>, Cumulative> = BTreeMap::new();
    for (key, row) in rows {
        if key.day <= through.live && !row.is_zero() {
            let sums = values.entry(key.value.clone()).or_insert_with(|| Cumulative::new(definition));
            sums.add(key, row, through.matured, policy);
        }
    }
    values.into_iter().map(|(value, sums)| (value, sums.reading(definition, through))).collect()
}

/// What the persons with one value of a dimension amount to, or those with all the values beyond the largest ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The value, empty where it is unknown; `None`: all the values beyond the largest ones, together.
    pub value: Option<Arc<str>>,
    /// Persons exposed, in all arms.
    pub persons: i64,
    /// What they amount to.
    pub reading: Reading,
}

impl Group {
    fn new(value: Option<Arc<str>>, reading: Reading) -> Self {
        Self { value, persons: reading.arms.iter().map(|arm| arm.persons).sum(), reading }
    }
}

/// Reads the rows of one dimension as [`read`] does: the `most` values with the most persons, largest first and equally
/// large ones by value, and at the end all others as one group.
#[must_use]
pub fn read_largest<'a, I>(
    definition: &Definition,
    rows: I,
    through: Through,
    policy: CrossoverPolicy,
    most: usize,
) -> Vec<Group>
where
    I: IntoIterator<Item = (&'a RowKey, &'a Row)> + Clone,
{
    let values = read(definition, rows.clone(), through, policy);
    let mut groups: Vec<Group> = values.into_iter().map(|(value, reading)| Group::new(Some(value), reading)).collect();
    groups.sort_by(|a, b| b.persons.cmp(&a.persons).then_with(|| a.value.cmp(&b.value)));
    if groups.len() <= most {
        return groups;
    }
    let others: BTreeSet<Arc<str>> = groups.split_off(most).into_iter().filter_map(|group| group.value).collect();
    let mut together = Cumulative::new(definition);
    for (key, row) in rows {
        if key.day <= through.live && others.contains(&key.value) {
            together.add(key, row, through.matured, policy);
        }
    }
    groups.push(Group::new(None, together.reading(definition, through)));
    groups
}

/// Reads the rows of one dimension in bands of values: one group for each band, named as it says, in the order given. Rows of
/// values in no band are left out.
#[must_use]
pub fn read_bands<'a>(
    definition: &Definition,
    rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    through: Through,
    policy: CrossoverPolicy,
    bands: &[(Arc<str>, BTreeSet<Arc<str>>)],
) -> Vec<Group> {
    let mut sums: Vec<Cumulative> = bands.iter().map(|_| Cumulative::new(definition)).collect();
    let place: BTreeMap<&Arc<str>, usize> =
        bands.iter().enumerate().flat_map(|(at, (_, values))| values.iter().map(move |value| (value, at))).collect();
    for (key, row) in rows {
        if key.day <= through.live
            && let Some(at) = place.get(&key.value)
        {
            sums[*at].add(key, row, through.matured, policy);
        }
    }
    let named = bands.iter().zip(sums);
    named.map(|((name, _), sums)| Group::new(Some(name.clone()), sums.reading(definition, through))).collect()
}

/// The reading of nobody: what everyone amounts to where [`read`] finds no value, every arm empty.
#[must_use]
pub fn nobody(definition: &Definition, through: Through) -> Reading {
    Cumulative::new(definition).reading(definition, through)
}

/// The sums of the rows so far, per arm.
#[derive(Debug, Clone)]
pub(crate) struct Cumulative {
    arms: BTreeMap<i16, Total>,
    width: usize,
}

impl Cumulative {
    pub(crate) fn new(definition: &Definition) -> Self {
        Self { arms: BTreeMap::new(), width: width(definition) }
    }

    /// Adds a row; its matured part only where it is dated up to `matured`.
    pub(crate) fn add(&mut self, key: &RowKey, row: &Row, matured: Day, policy: CrossoverPolicy) {
        let width = self.width;
        let total = self.arms.entry(key.arm).or_insert_with(|| Total::zero(width));
        let matured = key.day <= matured;
        total.change(&row.all, matured, 1, |sum, part| *sum += part);
        if policy == CrossoverPolicy::Exclude {
            total.change(&row.crossed, matured, -1, |sum, part| *sum -= part);
        }
    }

    /// What the sums amount to.
    pub(crate) fn reading(&self, definition: &Definition, through: Through) -> Reading {
        let empty = Total::zero(self.width);
        let strays = self.arms.get(&NO_ARM).unwrap_or(&empty);
        let end = micro_days(through.end);
        let sums: Vec<&Total> = (0..definition.experiment.arms.len())
            .map(|arm| i16::try_from(arm).ok().and_then(|arm| self.arms.get(&arm)).unwrap_or(&empty))
            .collect();
        let mut arms: Vec<ArmReading> =
            sums.iter().enumerate().map(|(arm, sums)| arm_reading(definition, arm, sums, end)).collect();
        let details: Vec<Option<&Detail>> = sums.iter().map(|sums| sums.detail.as_deref()).collect();
        spread::add(definition, &details, &mut arms);
        lifespan::add(definition, &details, through, &mut arms);
        Reading {
            arms,
            outside: strays.counts[Count::Outside as usize],
            unknown_arm: strays.counts[Count::UnknownArm as usize],
        }
    }
}

/// Sums of many rows: every slot of the metrics, one after the other.
#[derive(Debug, Clone)]
struct Total {
    counts: [i64; COUNTS],
    live: Vec<I256>,
    matured: Vec<I256>,
    detail: Option<Box<Detail>>,
}

impl Total {
    fn zero(width: usize) -> Self {
        Self { counts: [0; COUNTS], live: vec![I256::ZERO; width], matured: vec![I256::ZERO; width], detail: None }
    }

    fn change(&mut self, part: &Sums, matured: bool, sign: i64, change: fn(&mut I256, I256)) {
        let each = |total: &mut Vec<I256>, slots: &Slots| {
            // A row never has more slots than its definition.
            slots.iter().for_each(|(slot, sum)| total.get_mut(slot).into_iter().for_each(|total| change(total, sum)));
        };
        each(&mut self.live, &part.live);
        if matured {
            each(&mut self.matured, &part.matured);
        }
        for at in 0..COUNTS {
            if matured || at != Count::Matured as usize {
                self.counts[at] += sign * part.counts[at];
            }
        }
        self.change_detail(part, matured, sign);
    }

    fn change_detail(&mut self, part: &Sums, matured: bool, sign: i64) {
        let Some(part) = &part.detail else { return };
        if matured {
            return detail::add(&mut self.detail, Some(part), sign);
        }
        let sum = self.detail.get_or_insert_default();
        for (key, bucket) in part.buckets.iter().filter(|(key, _)| !key.matured) {
            sum.add_bucket(*key, bucket, sign);
        }
        for (key, life) in part.lives.iter().filter(|(key, _)| !key.matured) {
            sum.add_life(*key, life, sign);
        }
    }
}

fn arm_reading(definition: &Definition, arm: usize, sums: &Total, end: i64) -> ArmReading {
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
        let of = |sums: &[I256]| Moments::of(definition, index, arm, sums, end);
        reading.live.push(of(&sums.live[range.clone()]));
        let windowed = definition.window_days(index).is_some();
        reading.matured.push(windowed.then(|| of(&sums.matured[range])));
    }
    reading
}

#[cfg(test)]
mod tests {
    use super::*;
    use journey::{Amount, Arm, Experiment, ExperimentDraft, Method, Name, UNIT};

    fn definition() -> Definition {
        let name = |text: &str| Name::parse(text, "").unwrap();
        let weight = Amount::from_units(UNIT).unwrap();
        let arm = |key: &str| Arm { key: name(key), weight, intensity: None, cost: journey::Cost::default() };
        let draft = ExperimentDraft {
            key: name("x"),
            name: None,
            tactic: None,
            hypothesis: None,
            owner: None,
            control: name("off"),
            arms: vec![arm("off"), arm("on")],
            starts_at: None,
            ends_at: None,
            window_days: None,
            crossovers: CrossoverPolicy::First,
            method: Method::Frequentist,
            planned_persons: journey::DEFAULT_PLANNED_PERSONS,
            metrics: Vec::new(),
            dimensions: Vec::new(),
            holdout: None,
            phases: Vec::new(),
            archived: false,
        };
        Definition { experiment: Experiment::validate(draft).unwrap(), metrics: Vec::new() }
    }

    #[test]
    fn the_largest_values_stand_alone_and_the_others_together() {
        let day = |text: &str| Day::parse(text, "").unwrap();
        let row = |value: &str, arm: i16, at: &str, persons: i64| {
            let mut row = Row::default();
            row.all.counts[Count::Persons as usize] = persons;
            (RowKey { dimension: 1, value: value.into(), arm, day: day(at) }, row)
        };
        let rows = [
            row("phone", 0, "2026-10-01", 3),
            row("phone", 1, "2026-10-02", 2),
            row("tablet", 0, "2026-10-01", 2),
            row("", 1, "2026-10-01", 2),
            row("watch", 0, "2026-10-01", 1),
            row("glasses", 1, "2026-10-02", 1),
            // Later than what is read: this would be the largest.
            row("watch", 1, "2026-10-03", 9),
        ];
        let live = day("2026-10-02");
        let through = Through { live, matured: live, end: Instant::parse("2026-10-03T00:00:00Z", "").unwrap() };
        let groups = |most| {
            let rows = rows.iter().map(|(key, row)| (key, row));
            read_largest(&definition(), rows, through, CrossoverPolicy::First, most)
                .into_iter()
                .map(|group| {
                    let arms: Vec<i64> = group.reading.arms.iter().map(|arm| arm.persons).collect();
                    (group.value.map(|value| value.to_string()), group.persons, arms)
                })
                .collect::<Vec<_>>()
        };
        let one = |value: &str, persons, arms: [i64; 2]| (Some(value.to_owned()), persons, arms.to_vec());
        let largest = [one("phone", 5, [3, 2]), one("", 2, [0, 2]), one("tablet", 2, [2, 0])];
        let small = [one("glasses", 1, [0, 1]), one("watch", 1, [1, 0])];
        assert_eq!(groups(5), [&largest[..], &small[..]].concat());
        assert_eq!(groups(3), [&largest[..], &[(None, 2, vec![1, 1])]].concat());
        assert_eq!(groups(0), [(None, 11, vec![6, 5])]);
    }
}
