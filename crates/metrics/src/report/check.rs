//! Checks: whether the data can be trusted.

use journey::{Definition, UNIT};

use crate::inference::{SAMPLE_RATIO_THRESHOLD, sample_ratio};
use crate::reading::Reading;

/// One check with its number and a sentence that says what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The name of the check.
    pub check: &'static str,
    /// Whether it passed.
    pub ok: bool,
    /// Whether its failure withholds verdicts.
    pub blocking: bool,
    /// Whether its p-value stays valid however often it is read; none where it has no p-value.
    pub anytime: Option<bool>,
    /// Its p-value; the reason where it should have one and does not stands in the message.
    pub p_value: Option<f64>,
    /// Persons concerned.
    pub persons: Option<i64>,
    /// Persons concerned as a share of all exposed.
    pub share: Option<f64>,
    /// Events or ids concerned.
    pub count: Option<i64>,
    /// What was found, and what to do.
    pub message: String,
}

impl Check {
    /// `found` says it of one and of several.
    fn counted(check: &'static str, count: i64, [one, several]: [&str; 2], remedy: &str) -> Self {
        let ok = count == 0;
        let message = match count {
            0 => format!("no {several}"),
            1 => format!("1 {one}: {remedy}"),
            _ => format!("{count} {several}: {remedy}"),
        };
        Self {
            check,
            ok,
            blocking: false,
            anytime: None,
            p_value: None,
            persons: None,
            share: None,
            count: Some(count),
            message,
        }
    }
}

/// The checks of an experiment. `reading` keeps crossovers in their first arm.
#[must_use]
pub fn checks(definition: &Definition, reading: &Reading, conflicting_ids: i64) -> Vec<Check> {
    let left_out = reading.arms.iter().flat_map(|arm| &arm.live).map(|moments| moments.left_out).sum();
    let foreign = reading.arms.iter().map(|arm| arm.foreign).sum();
    vec![
        check_sample_ratio(definition, reading),
        check_crossovers(reading),
        Check::counted(
            "exposures_outside_dates",
            reading.outside,
            ["exposure lies outside the experiment's dates", "exposures lie outside the experiment's dates"],
            "it counts for no arm; compare starts_at and ends_at with when the arms were shown",
        ),
        Check::counted(
            "unknown_arms",
            reading.unknown_arm,
            [
                "exposure names an arm that the experiment does not have",
                "exposures name an arm that the experiment does not have",
            ],
            "it counts for no arm; add the arm, or correct the variation_id that is sent",
        ),
        Check::counted(
            "foreign_currency",
            foreign,
            ["event in another currency than the tenant's", "events in another currency than the tenant's"],
            "money metrics leave it out; convert the values before sending them",
        ),
        Check::counted(
            "values_out_of_range",
            left_out,
            ["person's value lies beyond 1e12", "persons' values lie beyond 1e12"],
            "the metric leaves such persons out; look for values in the wrong unit",
        ),
        Check::counted(
            "conflicting_ids",
            conflicting_ids,
            [
                "event id of this tenant was sent with different bodies",
                "event ids of this tenant were sent with different bodies",
            ],
            "the first committed body counts; give each event an id of its own",
        ),
    ]
}

fn check_sample_ratio(definition: &Definition, reading: &Reading) -> Check {
    let observed: Vec<u64> = reading.arms.iter().map(|arm| u64::try_from(arm.persons).unwrap_or(0)).collect();
    let weights: Vec<f64> =
        definition.experiment.arms.iter().map(|arm| arm.weight.units() as f64 / UNIT as f64).collect();
    let (ok, p_value, message) = match sample_ratio(&observed, &weights) {
        Ok(ratio) if ratio.p_value < SAMPLE_RATIO_THRESHOLD => (
            false,
            Some(ratio.p_value),
            format!(
                "the arms hold {observed:?} persons, which weights of {weights:?} produce with probability {:.2e}: \
                 look for lost exposures, redirects or bots in one arm; until then the arms can't be compared",
                ratio.p_value
            ),
        ),
        Ok(ratio) => (true, Some(ratio.p_value), "the arms' sizes fit their weights".to_owned()),
        // A single arm, or nobody yet: nothing contradicts the weights.
        Err(reason) => (true, None, reason.to_string()),
    };
    Check {
        check: "sample_ratio",
        ok,
        blocking: true,
        anytime: Some(false),
        p_value,
        persons: None,
        share: None,
        count: None,
        message,
    }
}

fn check_crossovers(reading: &Reading) -> Check {
    let exposed: i64 = reading.arms.iter().map(|arm| arm.persons).sum();
    let crossed: i64 = reading.arms.iter().map(|arm| arm.crossovers).sum();
    let share = if exposed > 0 { crossed as f64 / exposed as f64 } else { 0.0 };
    // Beyond a percent the arms blur into each other enough to hide a lift.
    let ok = share <= 0.01;
    let message = if crossed == 0 {
        "nobody was exposed to a second arm".to_owned()
    } else {
        let remedy = if ok { "they are few" } else { "look for assignment by device or session instead of by person" };
        format!("{crossed} of {exposed} persons were exposed to a second arm and count for their first one: {remedy}")
    };
    Check {
        check: "crossovers",
        ok,
        blocking: false,
        anytime: None,
        p_value: None,
        persons: Some(crossed),
        share: Some(share),
        count: None,
        message,
    }
}
