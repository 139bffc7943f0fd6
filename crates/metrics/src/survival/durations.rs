//! What is kept of the durations of an arm? How many ended at each time, and how.

use std::collections::BTreeMap;

use crate::inference::Undefined;

/// How many durations ended at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ends {
    /// With the event.
    pub events: i64,
    /// Without it: observation ended.
    pub censored: i64,
}

/// Counts of durations by their length, in whole units of time (days, say) since the exposure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Durations {
    ends: BTreeMap<u32, Ends>,
}

impl Durations {
    /// Adds durations that ended at `time`; negative counts take away. Counts that reach zero leave no trace, so that
    /// equal sets of persons have equal tallies.
    pub fn add(&mut self, time: u32, ends: Ends) {
        let sum = self.ends.entry(time).or_default();
        sum.events += ends.events;
        sum.censored += ends.censored;
        if *sum == Ends::default() {
            self.ends.remove(&time);
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        for (time, ends) in &other.ends {
            self.add(*time, *ends);
        }
    }

    /// The times at which durations ended, in order, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Ends)> {
        self.ends.iter().map(|(time, ends)| (*time, *ends))
    }

    /// The persons. [`Undefined::ImpossibleSums`] where a count is negative, [`Undefined::NoPersons`] where there are
    /// none.
    pub fn persons(&self) -> Result<u64, Undefined> {
        let mut persons = 0u64;
        for ends in self.ends.values() {
            for count in [ends.events, ends.censored] {
                let count = u64::try_from(count).map_err(|_| Undefined::ImpossibleSums)?;
                persons = persons.checked_add(count).ok_or(Undefined::OutOfRange)?;
            }
        }
        if persons == 0 { Err(Undefined::NoPersons) } else { Ok(persons) }
    }
}

impl FromIterator<(u32, Ends)> for Durations {
    fn from_iter<I: IntoIterator<Item = (u32, Ends)>>(ends: I) -> Self {
        let mut durations = Self::default();
        for (time, ends) in ends {
            durations.add(time, ends);
        }
        durations
    }
}
