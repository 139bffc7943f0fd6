//! What is kept of the purchases of an arm? Persons per frequency, recency, age and bucket of spend.

use std::collections::BTreeMap;

use ethnum::I256;

use super::refusal::Refusal;
use crate::histogram::bucket_of;

/// What the model knows of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Customer {
    /// Purchases after the first one.
    pub frequency: u32,
    /// From the first purchase to the last one, in whole units of time; 0 without a repeat purchase.
    pub recency: u32,
    /// From the first purchase to the end of observation, in the same units.
    pub age: u32,
}

/// Persons by what the models need to know of them: a tally.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cells {
    cells: BTreeMap<(Customer, i16), Sums>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sums {
    n: i64,
    spend: I256,
}

/// A cell as the models read it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    /// Persons; whole, or zero in a resample.
    pub(super) persons: f64,
    /// Repeat purchases of each.
    pub(super) frequency: u32,
    /// Last purchase, in periods.
    pub(super) recency: f64,
    /// Age, in periods.
    pub(super) age: f64,
    /// What each spent on repeat purchases, on average over the cell, in units of one.
    pub(super) spend: f64,
}

impl Cells {
    /// Adds `persons` (negative: takes them away) who are alike and have spent `spend`, in units of 1e-6, on *repeat*
    /// purchases, each. False, and nothing added, where the spend is beyond [`crate::moments::MAX_VALUE`].
    pub fn add(&mut self, customer: Customer, spend: i128, persons: i64) -> bool {
        let Some(bucket) = bucket_of(spend) else { return false };
        self.add_sums((customer, bucket), Sums { n: persons, spend: I256::from(spend) * I256::from(persons) });
        true
    }

    /// Adds `persons` who are alike and whose spends lie in one bucket and sum to `spend`, in units of 1e-6.
    pub fn add_bucket(&mut self, customer: Customer, bucket: i16, persons: i64, spend: I256) {
        self.add_sums((customer, bucket), Sums { n: persons, spend });
    }

    fn add_sums(&mut self, key: (Customer, i16), sums: Sums) {
        let sum = self.cells.entry(key).or_default();
        sum.n += sums.n;
        sum.spend += sums.spend;
        if *sum == Sums::default() {
            self.cells.remove(&key);
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        for (key, sums) in &other.cells {
            self.add_sums(*key, *sums);
        }
    }

    /// How many cells hold somebody: what a fit takes time for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether nobody is there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Persons.
    #[must_use]
    pub fn persons(&self) -> i64 {
        self.cells.values().map(|sums| sums.n).sum()
    }

    /// The cells in periods of `units` units of time.
    pub(super) fn read(&self, units: f64) -> Result<Vec<Cell>, Refusal> {
        if !(units > 0.0 && units.is_finite()) {
            return Err(Refusal::InvalidQuestion);
        }
        if self.cells.is_empty() {
            return Err(Refusal::NoPersons);
        }
        let cell = |((customer, _), sums): (&(Customer, i16), &Sums)| {
            let Customer { frequency, recency, age } = *customer;
            // A person without a repeat purchase has no recency, and only they have none.
            let possible = sums.n > 0 && recency <= age && (frequency > 0 || recency == 0);
            let persons = sums.n as f64;
            possible
                .then(|| Cell {
                    persons,
                    frequency,
                    recency: f64::from(recency) / units,
                    age: f64::from(age) / units,
                    spend: sums.spend.as_f64() / 1e6 / persons,
                })
                .ok_or(Refusal::ImpossibleCells)
        };
        self.cells.iter().map(cell).collect()
    }
}
