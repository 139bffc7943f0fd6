//! How long do persons stay active, and on which days do they come back?

use super::cohorts::Cohorts;
use crate::inference::{Interval, Undefined, wilson_interval};
use crate::survival::{Durations, Ends};
use crate::tally::detail::Series;

/// Who was active on a day after the exposure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActiveDay {
    /// Days after that of the exposure.
    pub day: u32,
    /// Persons who were watched on the whole of that day.
    pub persons: i64,
    /// Those of them who were active on it.
    pub active: i64,
    /// Wilson's interval of the share.
    pub interval: Result<Interval, Undefined>,
}

/// How long persons stayed active: from the exposure to the last activity, if none followed for `inactive_days` whole days.
///
/// Who was exposed `c` days ago could have been seen to leave on day `c - inactive_days` at the latest. So whoever was last
/// active by then has left, and everyone else is censored then, whatever they did since: censoring depends on the date of the
/// exposure alone, as Kaplan and Meier want it. Who was exposed more recently than that says nothing yet. Who never was active
/// left on day 0.
#[must_use]
pub fn stays(arm: &Cohorts, inactive_days: u32) -> Durations {
    let mut durations = Durations::default();
    for (day, persons, last) in arm.watched() {
        let Some(end) = last.checked_sub(inactive_days) else { continue };
        let mut silent = persons;
        let mut censored = 0;
        for (days, active) in arm.of(Series::Last, day) {
            silent -= active;
            if days <= end {
                durations.add(days, Ends { events: active, censored: 0 });
            } else {
                censored += active;
            }
        }
        durations.add(0, Ends { events: silent, censored: 0 });
        durations.add(end, Ends { events: 0, censored });
    }
    durations
}

/// The share of persons who were active on each day after the exposure, of those who were watched on the whole of it.
#[must_use]
pub fn active_days(arm: &Cohorts, confidence: f64) -> Vec<ActiveDay> {
    let Some(longest) = arm.watched().map(|(_, _, last)| last).max() else { return Vec::new() };
    let mut persons = vec![0i64; longest as usize + 1];
    let mut active = persons.clone();
    for (day, watched, last) in arm.watched() {
        persons[..=last as usize].iter_mut().for_each(|sum| *sum += watched);
        for (days, seen) in arm.of(Series::Active, day).filter(|(days, _)| *days <= last) {
            active[days as usize] += seen;
        }
    }
    (0..)
        .zip(persons.into_iter().zip(active))
        .map(|(day, (persons, active))| ActiveDay {
            day,
            persons,
            active,
            interval: wilson_interval(active, persons, confidence),
        })
        .collect()
}
