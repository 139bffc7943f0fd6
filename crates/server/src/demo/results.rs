//! The answer about an experiment, as the demo reads it.

use serde::Deserialize;

use super::data::{DataSet, Totals};

/// The answer. Numbers that are null have a reason in the API; here they are shown as a dash.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Results {
    pub(super) control: String,
    pub(super) fresh: Fresh,
    pub(super) arms: Vec<Persons>,
    #[serde(default)]
    pub(super) checks: Vec<Check>,
    #[serde(default)]
    pub(super) metrics: Vec<Metric>,
    pub(super) measuring: Option<Measuring>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Fresh {
    pub(super) pending_subjects: u64,
    #[serde(default)]
    pub(super) set_aside: Vec<serde_json::Value>,
}

/// An experiment that is still being measured.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Measuring {
    pub(super) done: u64,
    pub(super) of: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Persons {
    #[serde(rename = "arm")]
    pub(super) key: String,
    pub(super) persons: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Check {
    #[serde(rename = "check")]
    pub(super) name: String,
    pub(super) ok: Option<bool>,
    #[serde(default)]
    pub(super) blocking: bool,
    #[serde(default)]
    pub(super) message: String,
    pub(super) p_value_chi_square: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metric {
    #[serde(rename = "metric")]
    pub(super) key: String,
    pub(super) kind: String,
    pub(super) unit: Option<String>,
    pub(super) arms: Vec<Arm>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Arm {
    #[serde(rename = "arm")]
    pub(super) key: String,
    pub(super) persons: Option<u64>,
    pub(super) value: Option<f64>,
    pub(super) tally: Option<Tally>,
    pub(super) versus_control: Option<Versus>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tally {
    pub(super) sum: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Versus {
    pub(super) lift: Interval,
    pub(super) p_value: Option<f64>,
    pub(super) verdict: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Interval {
    pub(super) value: Option<f64>,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
}

impl Results {
    /// The path that the answer comes from. The options are those under which the data were published: one look at a
    /// finished experiment, each comparison by itself, nothing adjusted.
    pub(super) fn path(data: &DataSet) -> String {
        format!("/v1/experiments/{}/results?method=frequentist&cuped=false&adjust=none", data.experiment)
    }

    /// How many persons were measured.
    pub(super) fn persons(&self) -> u64 {
        self.arms.iter().filter_map(|arm| arm.persons).sum()
    }

    /// What is still to be measured.
    pub(super) fn pending(&self) -> u64 {
        let building =
            self.measuring.as_ref().map_or(0, |measuring| measuring.of.saturating_sub(measuring.done).max(1));
        self.fresh.pending_subjects.max(building)
    }

    /// Whether the persons and sums are those of the data.
    pub(super) fn agree_with(&self, totals: &Totals) -> bool {
        let persons = totals
            .persons
            .iter()
            .all(|(arm, persons)| self.arms.iter().any(|found| found.key == *arm && found.persons == Some(*persons)));
        persons
            && totals.sums.iter().all(|((metric, arm), sum)| {
                let found = self.metrics.iter().find(|found| found.key == *metric);
                let found = found.and_then(|metric| metric.arms.iter().find(|found| found.key == *arm));
                let text = found.and_then(|arm| arm.tally.as_ref()?.sum.as_deref());
                // The sum of a data set may lie beyond the bounds of one event's value.
                text == Some(journey::format_units(*sum).as_str())
            })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An answer in the shape of the contract.
    pub(crate) fn example() -> Results {
        serde_json::from_value(serde_json::json!({
            "experiment": "x", "control": "a", "fresh": {"pending_subjects": 0, "through": "2026-11-24T00:00:00Z"},
            "arms": [{"arm": "a", "persons": 10, "matured": 10, "weight": 1}, {"arm": "b", "persons": 11, "matured": 11, "weight": 1}],
            "checks": [{"check": "sample_ratio", "ok": true, "blocking": true, "p_value": 1.0, "p_value_chi_square": 0.827,
                "message": "the arms are as large as their weights say"}, {"check": "crossovers", "ok": false, "persons": 1}],
            "metrics": [{"metric": "visit", "kind": "conversion", "arms": [
                {"arm": "a", "persons": 10, "value": 0.2, "tally": {"count": 10, "sum": "2", "sum_of_squares": "2"}},
                {"arm": "b", "persons": 11, "value": 0.27272727, "tally": {"count": 11, "sum": "3", "sum_of_squares": "3"},
                 "versus_control": {"lift": {"value": 0.363636, "low": -1.5, "high": 2.25}, "p_value": 1.364e-112,
                    "verdict": "inconclusive"}}]},
                {"metric": "spend", "kind": "sum", "unit": "USD", "arms": [
                {"arm": "a", "persons": 10, "value": 0.652789, "tally": null},
                {"arm": "b", "persons": 11, "value": null, "tally": null,
                 "versus_control": {"lift": {"value": null, "low": null, "high": null}, "p_value": null, "verdict": "no_data"}}]}],
        }))
        .unwrap()
    }

    #[test]
    fn sums_are_compared_digit_for_digit() {
        let persons = [("a".to_owned(), 10), ("b".to_owned(), 11)].into();
        let mut totals = Totals { persons, ..Totals::default() };
        totals.add("visit", "a", 2_000_000);
        totals.add("visit", "b", 3_000_000);
        assert!(example().agree_with(&totals));
        totals.add("visit", "b", 1);
        assert!(!example().agree_with(&totals));
        assert_eq!((example().persons(), example().pending()), (21, 0));
    }
}
