//! How did the arms fill, day by day? What checks look at that stay valid however often they are read.

use std::collections::BTreeMap;

use journey::{Day, Definition};

use super::novelty::{Drift, drifts};
use crate::reading::{Reading, Through};
use crate::tally::{Count, Row, RowKey};

/// Persons and crossovers per arm at the ends of the days so far, cumulative, oldest first; the last is now. And how lifts changed
/// over the cohorts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Course {
    /// The days at whose ends they are; none where only the present is known.
    pub days: Vec<Day>,
    /// Persons exposed, per arm.
    pub persons: Vec<Vec<u64>>,
    /// Persons of the arm who crossed over to another one, per arm.
    pub crossovers: Vec<Vec<u64>>,
    /// How the lifts of persons whose windows have closed changed from cohort to cohort.
    pub drifts: Vec<Drift>,
}

impl Course {
    /// The course as of `through`, from the rows of everyone (dimension 0), in any order.
    #[must_use]
    pub fn of<'a>(
        definition: &Definition,
        rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
        through: Through,
    ) -> Self {
        Self::of_rows(definition, rows.into_iter().filter(|(key, _)| key.dimension == 0), through)
    }

    /// The same from rows of any persons, each of them once.
    pub(super) fn of_rows<'a>(
        definition: &Definition,
        rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
        through: Through,
    ) -> Self {
        let arms = definition.experiment.arms.len();
        let mut days: BTreeMap<Day, (Vec<i64>, Vec<i64>)> = BTreeMap::new();
        for (key, row) in rows.into_iter().filter(|(key, _)| key.day <= through.live) {
            let Some(arm) = usize::try_from(key.arm).ok().filter(|arm| *arm < arms) else { continue };
            let (persons, crossovers) = days.entry(key.day).or_insert_with(|| (vec![0; arms], vec![0; arms]));
            persons[arm] += row.all.counts[Count::Persons as usize];
            crossovers[arm] += row.all.counts[Count::Crossovers as usize];
        }
        let mut course = Self { days: days.keys().copied().collect(), ..Self::default() };
        let (mut persons, mut crossovers) = (vec![0; arms], vec![0; arms]);
        for (new_persons, new_crossovers) in days.into_values() {
            grow(&mut persons, &new_persons, &mut course.persons);
            grow(&mut crossovers, &new_crossovers, &mut course.crossovers);
        }
        course
    }

    /// Also how effects drift, which takes a comparison of every day's sums; only the check of novelty looks at it.
    #[must_use]
    pub fn with_drifts<'a>(
        mut self,
        definition: &Definition,
        rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
        through: Through,
    ) -> Self {
        self.drifts = drifts(definition, rows, through);
        self
    }

    /// The course of which only its present is known.
    #[must_use]
    pub fn now(reading: &Reading) -> Self {
        let counts = |of: fn(&crate::reading::ArmReading) -> i64| {
            vec![reading.arms.iter().map(|arm| u64::try_from(of(arm)).unwrap_or(0)).collect()]
        };
        Self { persons: counts(|arm| arm.persons), crossovers: counts(|arm| arm.crossovers), ..Self::default() }
    }

    /// Persons who joined per day, over the seven days up to the last one on which anybody joined, days without anybody among
    /// them; `None` before somebody has.
    #[must_use]
    pub fn persons_per_day(&self) -> Option<f64> {
        const RECENT: i32 = 7;
        let total = |at: usize| self.persons[at].iter().sum::<u64>();
        let joined = |at: &usize| total(*at) > at.checked_sub(1).map_or(0, total);
        let first = (0..self.days.len()).find(joined)?;
        let last = (0..self.days.len()).rfind(joined)?;
        let [from, to] = [first, last].map(|at| self.days[at].number());
        let before = self.days.partition_point(|day| day.number() <= to - RECENT);
        let recent = total(last).saturating_sub(before.checked_sub(1).map_or(0, total));
        Some(recent as f64 / f64::from(RECENT.min(to - from + 1)))
    }
}

fn grow(total: &mut [i64], new: &[i64], course: &mut Vec<Vec<u64>>) {
    total.iter_mut().zip(new).for_each(|(total, new)| *total += new);
    course.push(total.iter().map(|count| u64::try_from(*count).unwrap_or(0)).collect());
}
