//! What a lens shows of each arm, as of a day.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey::{Day, Definition};

use crate::reading::Through;
use crate::tally::detail::Detail;
use crate::tally::{LENSES, Row, RowKey, Slots};

/// What the persons of a reading amount to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sights {
    /// Persons.
    pub persons: i64,
    /// The sums under each key.
    pub sums: BTreeMap<Arc<str>, Slots>,
}

/// What a lens shows of one arm.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArmSights {
    /// Everyone exposed, as it stands.
    pub live: Sights,
    /// Those whose window has closed; `None`: the lens has no window.
    pub matured: Option<Sights>,
}

/// By arm, what a day changes in the live reading. Whoever is exposed enters on that day.
pub type SightsByDay = BTreeMap<Day, Vec<Sights>>;

impl Sights {
    /// How many persons a key counts, in its first slot.
    #[must_use]
    pub fn count(&self, key: &str) -> i64 {
        self.sum(key, 0).try_into().unwrap_or(i64::MAX)
    }

    /// A sum of a key.
    #[must_use]
    pub fn sum(&self, key: &str, slot: usize) -> ethnum::I256 {
        let sums = self.sums.get(key);
        sums.and_then(|sums| sums.iter().find(|(at, _)| *at == slot)).map_or(ethnum::I256::ZERO, |(_, sum)| sum)
    }
}

impl Sights {
    fn add(&mut self, key: &Arc<str>, sums: &Slots) {
        if key.is_empty() {
            self.persons += sums.iter().next().map_or(0, |(_, sum)| i64::try_from(sum).unwrap_or(i64::MAX));
        } else if let Some(held) = self.sums.get_mut(key) {
            held.add(sums);
        } else {
            self.sums.insert(key.clone(), sums.clone());
        }
    }
}

/// Shows `look` what the rows of a lens amount to for everyone of each arm at the end of each day from the first row to `last`,
/// the last `most` of these days; every row is looked at once.
pub fn each_day<'a>(
    definition: &Definition,
    rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    last: Day,
    most: i32,
    mut look: impl FnMut(Day, &[Sights]),
) {
    let mut by_day: BTreeMap<Day, Vec<(usize, &Detail)>> = BTreeMap::new();
    for (key, row) in rows {
        let arm = usize::try_from(key.arm).ok().filter(|arm| *arm < definition.experiment.arms.len());
        if let (Some(arm), Some(detail)) = (arm, &row.all.detail) {
            by_day.entry(key.day).or_default().push((arm, detail));
        }
    }
    let Some(first) = by_day.keys().next().map(|day| day.number()) else { return };
    let mut arms = vec![Sights::default(); definition.experiment.arms.len()];
    for number in first..=last.number() {
        let day = Day::from_number(number);
        for (arm, detail) in by_day.get(&day).into_iter().flatten() {
            for (sight, sums) in detail.sights.iter().filter(|(sight, _)| !sight.matured) {
                arms[*arm].add(&sight.key, sums);
            }
        }
        if i64::from(last.number()) - i64::from(number) < i64::from(most) {
            look(day, &arms);
        }
    }
}

/// By arm, what each day up to `last` changes in what lens `lens` of the definition shows; of its keys the `wanted` ones.
#[must_use]
pub fn by_day<'a>(
    definition: &Definition,
    lens: usize,
    rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    last: Day,
    wanted: impl Fn(&str) -> bool,
) -> SightsByDay {
    let arms = definition.experiment.arms.len();
    let dimension = i16::try_from(lens).ok().map(|lens| LENSES - lens);
    let mut days = SightsByDay::new();
    for (key, row) in rows.into_iter().filter(|(key, _)| Some(key.dimension) == dimension && key.day <= last) {
        let arm = usize::try_from(key.arm).ok().filter(|arm| *arm < arms);
        if let (Some(arm), Some(detail)) = (arm, &row.all.detail) {
            let of_arm = &mut days.entry(key.day).or_insert_with(|| vec![Sights::default(); arms])[arm];
            // The persons themselves stand under no key.
            let is_wanted = |key: &str| key.is_empty() || wanted(key);
            for (sight, sums) in detail.sights.iter().filter(|(sight, _)| !sight.matured && is_wanted(&sight.key)) {
                of_arm.add(&sight.key, sums);
            }
        }
    }
    days
}

/// What lens `lens` of the definition shows of each arm, from the rows of that lens.
///
/// # Panics
/// Where the definition has no such lens.
#[must_use]
pub fn read<'a>(
    definition: &Definition,
    lens: usize,
    rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    through: Through,
) -> Vec<ArmSights> {
    let has_window = definition.lens_window_days(lens).is_some();
    let nobody = ArmSights { live: Sights::default(), matured: has_window.then(Sights::default) };
    let mut arms = vec![nobody; definition.experiment.arms.len()];
    let dimension = i16::try_from(lens).ok().map(|lens| LENSES - lens);
    for (key, row) in rows {
        let Some(arm) = usize::try_from(key.arm).ok().and_then(|arm| arms.get_mut(arm)) else { continue };
        let Some(detail) = row.all.detail.as_ref().filter(|_| Some(key.dimension) == dimension) else { continue };
        for (sight, sums) in &detail.sights {
            let (last, into) = match (sight.matured, &mut arm.matured) {
                (false, _) => (through.live, &mut arm.live),
                (true, Some(matured)) => (through.matured, matured),
                (true, None) => continue,
            };
            if key.day > last {
                continue;
            }
            into.add(&sight.key, sums);
        }
    }
    for arm in &mut arms {
        arm.live.sums.retain(|_, sums| !sums.is_zero());
        if let Some(matured) = &mut arm.matured {
            matured.sums.retain(|_, sums| !sums.is_zero());
        }
    }
    arms
}
