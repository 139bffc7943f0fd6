//! A data set: the definitions of an experiment, its persons, and what they add up to.

use std::collections::BTreeMap;

use journey::{Instant, UNIT};
use serde_json::Value;

/// A published experiment, read.
#[derive(Debug)]
pub(super) struct DataSet {
    /// What people call it.
    pub(super) title: &'static str,
    /// The name of its tenant.
    pub(super) tenant: &'static str,
    /// ISO 4217.
    pub(super) currency: &'static str,
    /// The time zone in which the tenant's days are cut.
    pub(super) time_zone: &'static str,
    /// The key of the experiment.
    pub(super) experiment: &'static str,
    /// The metrics: key and document.
    pub(super) metrics: Vec<(&'static str, Value)>,
    /// The document of the experiment, without its dates.
    pub(super) document: Value,
    /// Its persons, in the order of the file.
    pub(super) persons: Box<dyn Persons>,
    /// What the persons add up to.
    pub(super) totals: Totals,
}

/// The persons of a data set.
pub(super) trait Persons: std::fmt::Debug + Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// Writes the events of a person, by the index, in an experiment that starts at `starts_at`: one JSON text each.
    fn events(&self, index: usize, starts_at: Instant, write: &mut dyn FnMut(&Value));
}

/// What a data set adds up to, counted from its rows: what the service must find.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Totals {
    /// Persons by arm.
    pub(super) persons: BTreeMap<String, u64>,
    /// Sums by metric and arm, in millionths.
    pub(super) sums: BTreeMap<(&'static str, String), i128>,
    /// Events.
    pub(super) events: u64,
}

impl Totals {
    /// Adds a person to an arm.
    pub(super) fn person(&mut self, arm: &str) {
        *self.persons.entry(arm.to_owned()).or_default() += 1;
    }

    /// Adds to the sum of a metric in an arm, in millionths.
    pub(super) fn add(&mut self, metric: &'static str, arm: &str, units: i128) {
        *self.sums.entry((metric, arm.to_owned())).or_default() += units;
    }

    /// Adds one to the sum of a metric in an arm, where something happened.
    pub(super) fn add_if(&mut self, metric: &'static str, arm: &str, happened: bool) {
        self.add(metric, arm, if happened { i128::from(UNIT) } else { 0 });
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Asserts that a data set adds up to what is known of it. Metrics are named `ours` or `ours=theirs`, arms
    /// `(ours, theirs)`.
    pub(crate) fn assert_totals(data: &DataSet, expected: &str, arms: &[(&str, &str)], metrics: &[&str]) {
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(data.totals.persons.len(), arms.len());
        for (ours, theirs) in arms {
            let arm = &expected["experiment"]["arms"][theirs];
            for metric in metrics {
                let (name, known) = metric.split_once('=').unwrap_or((metric, metric));
                let known = &arm["metrics"][known];
                let sum = data.totals.sums
                    [&(data.metrics.iter().find(|(key, _)| *key == name).unwrap().0, (*ours).to_owned())];
                assert_eq!(known["n"].as_u64().unwrap(), data.totals.persons[*ours], "{ours} {name}");
                // The file holds doubles: they are exact to a millionth.
                let difference = known["sum"].as_f64().unwrap() - sum as f64 / 1e6;
                assert!(difference.abs() < 1e-6, "{ours} {name}: {known} and {sum}");
            }
        }
    }
}
