//! Who was exposed when, who has done what since, and who is still being watched?

use std::collections::BTreeMap;

use journey::{Day, Definition};

use crate::survival::{Durations, Ends};
use crate::tally::detail::{Detail, Series, SpanKey};
use crate::tally::{Count, Row, RowKey};

/// The persons of one arm by the day of their exposure, as of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohorts {
    /// Persons by the number of the day.
    persons: BTreeMap<i32, i64>,
    spans: BTreeMap<SpanKey, i64>,
    /// The last day that is known.
    through: i32,
    /// Persons are watched for so many days, day 0 among them; `None`: for ever.
    days: Option<u32>,
}

pub(super) fn read<'a>(
    definition: &Definition,
    metric: usize,
    (everyone, spans): (
        impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
        impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    ),
    through: Day,
    days: Option<u32>,
) -> Vec<Cohorts> {
    let nobody = Cohorts { persons: BTreeMap::new(), spans: BTreeMap::new(), through: through.number(), days };
    let mut arms = vec![nobody; definition.experiment.arms.len()];
    for (key, row) in everyone {
        let persons = row.all.counts[Count::Persons as usize];
        if key.dimension == 0
            && key.day <= through
            && persons != 0
            && let Some(arm) = usize::try_from(key.arm).ok().and_then(|arm| arms.get_mut(arm))
        {
            *arm.persons.entry(key.day.number()).or_default() += persons;
        }
    }
    let mut details: BTreeMap<i16, Detail> = BTreeMap::new();
    let wanted = metric.to_string();
    for (key, row) in spans {
        if *key.value == *wanted
            && key.day <= through
            && let Some(detail) = &row.all.detail
        {
            details.entry(key.arm).or_default().add(detail, 1);
        }
    }
    for (arm, detail) in details {
        if let Some(arm) = usize::try_from(arm).ok().and_then(|arm| arms.get_mut(arm)) {
            arm.spans = detail.spans;
        }
    }
    arms
}

impl Cohorts {
    /// The days of their exposure, with persons and the last whole day on which they were watched.
    pub(super) fn watched(&self) -> impl Iterator<Item = (i32, i64, u32)> {
        self.persons.iter().filter_map(|(day, persons)| {
            let since = u32::try_from(self.through - day).ok()?;
            let last = self.days.map_or(since, |days| since.min(days.saturating_sub(1)));
            Some((*day, *persons, last))
        })
    }

    /// The spans of one series that began on a day: whole days, and persons.
    pub(super) fn of(&self, series: Series, origin: i32) -> impl Iterator<Item = (u32, i64)> {
        let key = |days| SpanKey { series, origin, days };
        self.spans.range(key(0)..=key(u32::MAX)).map(|(key, persons)| (key.days, *persons))
    }

    /// Persons in a series, within what was watched.
    pub(super) fn total(&self, series: Series) -> i64 {
        self.watched()
            .map(|(day, _, last)| self.of(series, day).filter(|(days, _)| *days <= last).map(|(_, n)| n).sum::<i64>())
            .sum()
    }

    /// The durations from the exposure to an event, censored where watching ended.
    pub(super) fn until(&self, series: Series) -> Durations {
        let mut durations = Durations::default();
        for (day, persons, last) in self.watched() {
            let mut left = persons;
            for (days, events) in self.of(series, day).filter(|(days, _)| *days <= last) {
                durations.add(days, Ends { events, censored: 0 });
                left -= events;
            }
            durations.add(last, Ends { events: 0, censored: left });
        }
        durations
    }

    /// The durations from the first event to the second. `None` under a window: it ends a time after the exposure, so how
    /// long somebody was watched after the first event is not known.
    pub(super) fn until_again(&self) -> Option<Durations> {
        if self.days.is_some() {
            return None;
        }
        let mut begun: BTreeMap<i32, i64> = BTreeMap::new();
        for (day, _, _) in self.watched() {
            for (days, persons) in self.of(Series::First, day) {
                *begun.entry(day.saturating_add_unsigned(days)).or_default() += persons;
            }
        }
        let mut durations = Durations::default();
        for (day, persons) in begun {
            let Ok(last) = u32::try_from(self.through - day) else { continue };
            let mut left = persons;
            for (days, events) in self.of(Series::Repeat, day) {
                durations.add(days, Ends { events, censored: 0 });
                left -= events;
            }
            durations.add(last, Ends { events: 0, censored: left });
        }
        Some(durations)
    }
}
