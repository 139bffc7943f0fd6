//! Is the exposure logged at the trigger in every arm?
//!
//! A cart is abandoned, and a message follows, or not: the exposure belongs to the abandonment, in every arm. Where it is logged
//! with the message, control has hardly any, and who is in it is no longer a matter of chance. The sample ratio blocks then;
//! this check says what is likely to be behind it, and is silent where chance explains the arms' sizes.

use journey::Definition;

use super::check::{Check, weights};
use super::strata::Strata;
use crate::reading::Reading;

/// An arm with less than this share of the persons that the other arms lead one to expect logs hardly any exposure.
const HARDLY_ANY: f64 = 0.5;

/// The persons of an arm beside those that the other arms lead one to expect: their persons, times the arm's weight over theirs.
#[derive(Debug, Clone, Copy)]
struct Logged {
    arm: usize,
    persons: i64,
    expected: f64,
}

impl Logged {
    /// Adds up over parts of the experiment that had weights of their own.
    fn of(arm: usize, parts: &[(&Reading, Vec<f64>)]) -> Self {
        let mut logged = Self { arm, persons: 0, expected: 0.0 };
        for (reading, weights) in parts {
            let persons = |arm: usize| reading.arms.get(arm).map_or(0, |arm| arm.persons).max(0);
            let others = || (0..weights.len()).filter(|other| *other != arm);
            let weight: f64 = others().map(|other| weights[other]).sum();
            logged.persons = logged.persons.saturating_add(persons(arm));
            if weight > 0.0 {
                logged.expected += others().map(|other| persons(other) as f64).sum::<f64>() * weights[arm] / weight;
            }
        }
        logged
    }

    fn share(&self) -> f64 {
        self.persons as f64 / self.expected
    }
}

/// Looks for an arm that logs hardly any of its exposures; of several the one that lacks the largest share. It warns where the
/// sample ratio, whose check is `sizes`, has found that the arms' sizes do not fit their weights, so that it raises no false
/// alarm of its own, however often it is read.
pub(super) fn check_trigger(
    definition: &Definition,
    reading: &Reading,
    strata: Option<&Strata>,
    sizes: &Check,
) -> Check {
    const NAME: &str = "trigger_logged_in_both_arms";
    let parts: Vec<(&Reading, Vec<f64>)> = match strata {
        Some(Strata(strata)) => strata.iter().map(|stratum| (&stratum.reading, stratum.weights.clone())).collect(),
        None => vec![(reading, weights(definition))],
    };
    let arms = (0..definition.experiment.arms.len()).map(|arm| Logged::of(arm, &parts));
    let least = arms.filter(|arm| arm.expected > 0.0).min_by(|a, b| a.share().total_cmp(&b.share()));
    let Some(least) = least else {
        let message = "there is nobody yet to say how many persons each arm should have";
        return Check { threshold: Some(HARDLY_ANY), ..Check::new(NAME, true, message.into()) };
    };
    let (share, expected) = (least.share(), least.expected);
    let ok = sizes.ok || share >= HARDLY_ANY;
    let key = definition.experiment.arms[least.arm].key.as_str();
    let found =
        format!("arm {key} holds {} persons, where the other arms lead one to expect {expected:.0}", least.persons);
    let message = if ok {
        format!("no arm is known to log hardly any exposures: {found}")
    } else {
        format!(
            "{found}: its exposures seem to be logged only when something is shown, sent or delivered; log them in every arm at \
             the moment that decides who is in (the cart is abandoned, the page is left), before anything is sent, and start a \
             new experiment"
        )
    };
    #[expect(clippy::cast_possible_truncation, reason = "no more persons than the other arms have, times a weight")]
    let missing = (expected - least.persons as f64).max(0.0).round() as i64;
    Check { persons: Some(missing), number: Some(share), threshold: Some(HARDLY_ANY), ..Check::new(NAME, ok, message) }
}
