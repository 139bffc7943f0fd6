//! What does all personalisation together bring, and how much of it do its experiments show? The difference to a holdout, and its
//! split as far as it is identified.
//!
//! With `P` persons in the treated arm of the holdout, an experiment whose arms of `n_a` persons differ from its control by `d_a` per
//! person accounts for `sum n_a d_a / P` per person of the treated arm, provided that its persons are among these. What is left of
//! the difference to the holdout is everything else: interactions of the experiments, personalisation outside of them, and persons
//! who are not the same. Persons of several experiments overlap in a way that no tally holds, so ends of intervals are added up: at
//! Bonferroni's confidence for each, all of them hold together.

use super::Number;
use super::versus::{Claim, Versus};
use crate::inference::{Bounds, Undefined, finite};

const INSIDE: Claim = Claim::yes(
    "randomised inside its experiment; that the persons of its arms are among those of the treated arm is taken as given",
);
const LEFT_OVER: Claim = Claim::no(
    "what no experiment inside was randomised for is not identified: interactions, personalisation outside the programme, and \
     persons who are not the same",
);
const PARTLY: Claim = Claim::no("the experiments inside are not all judged for every moment");

/// An arm of an experiment of the programme: persons exposed, and its comparison with that experiment's control.
pub type Inside<'a> = (i64, &'a Versus);

/// The split of what a holdout shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// What each experiment accounts for, per person of the treated arm.
    pub parts: Vec<Number>,
    /// What is left.
    pub remainder: Number,
}

/// Splits the difference `total` of a treated arm of `treated` persons over the experiments of a programme.
#[must_use]
pub fn split(total: &Versus, treated: i64, experiments: &[Vec<Inside<'_>>]) -> Split {
    let parts: Vec<Number> = experiments.iter().map(|arms| part(treated, arms)).collect();
    let sum =
        |of: &dyn Fn(&Number) -> Result<f64, Undefined>| parts.iter().try_fold(0.0, |sum, part| Ok(sum + of(part)?));
    let less = |from: Result<f64, Undefined>, sum: Result<f64, Undefined>| finite(from? - sum?);
    let interval: Bounds = total.difference.interval.into();
    let remainder = Number {
        value: less(total.difference.value, sum(&|part| part.value)),
        bounds: Bounds {
            low: less(interval.low, sum(&|part| part.bounds.high)),
            high: less(interval.high, sum(&|part| part.bounds.low)),
        },
        method: "sum_of_ends",
        anytime: if parts.iter().all(|part| part.anytime.holds) { total.anytime } else { PARTLY },
        causal: LEFT_OVER,
    };
    Split { parts, remainder }
}

fn part(treated: i64, arms: &[Inside<'_>]) -> Number {
    let share = |persons: i64| {
        if treated > 0 { Ok(persons.max(0) as f64 / treated as f64) } else { Err(Undefined::NoPersons) }
    };
    let sum = |of: &dyn Fn(&Versus) -> Result<f64, Undefined>| {
        let add = |sum: f64, (persons, versus): &Inside<'_>| -> Result<f64, Undefined> {
            // An arm without anybody adds nothing.
            if *persons <= 0 { Ok(sum) } else { finite(sum + share(*persons)? * of(versus)?) }
        };
        arms.iter().try_fold(0.0, add)
    };
    let ends = |versus: &Versus| Bounds::from(versus.difference.interval);
    let failed = |of: fn(&Versus) -> Claim| arms.iter().map(|(_, versus)| of(versus)).find(|claim| !claim.holds);
    let first = |of: fn(&Versus) -> Claim| arms.first().map_or(INSIDE, |(_, versus)| of(versus));
    Number {
        value: sum(&|versus| versus.difference.value),
        bounds: Bounds { low: sum(&|versus| ends(versus).low), high: sum(&|versus| ends(versus).high) },
        method: "sum_of_ends",
        anytime: failed(|versus| versus.anytime).unwrap_or_else(|| first(|versus| versus.anytime)),
        causal: failed(|versus| versus.causal).unwrap_or(INSIDE),
    }
}
