//! Folding a journey of which only what happened lately is at hand: whoever is exposed after years of events need not have them all read.

use journey::{BEFORE_DAYS, COVARIATE_DAYS, Happening, Instant};

use super::fold;
use crate::contribution::Contribution;
use crate::plan::{Known, Plan, Study};

impl Study {
    /// How many days before a first exposure the fold looks at, for all but dimensions of which the last value counts, however old it is;
    /// `None`: lenses look at whole journeys.
    #[must_use]
    pub fn looks_back_days(&self) -> Option<i64> {
        if !self.lenses.is_empty() {
            return None;
        }
        let looks_at_deeds = self.dimensions.iter().any(|known| matches!(known, Known::Channels | Known::Active));
        Some(if looks_at_deeds { BEFORE_DAYS.max(COVARIATE_DAYS) } else { COVARIATE_DAYS })
    }

    /// Whether it is known what the person was like, without what happened earlier than the events that were folded.
    fn is_settled(&self, contribution: &Contribution) -> bool {
        let Some(assignment) = &contribution.assignment else { return true };
        let mut dimensions = self.dimensions.iter().zip(&assignment.values);
        dimensions.all(|(known, value)| match known {
            Known::Last(_) | Known::Bin(..) => !value.is_empty(),
            // The exposure says it, or the days that are looked back at.
            Known::Phase | Known::Hour | Known::Weekday | Known::Probability(_) | Known::Channels | Known::Active => {
                true
            }
        })
    }
}

/// Folds a journey, sorted by [`Happening::position`], in which some or all of what happened before `since` is missing, none of it an
/// exposure to the experiment. `None`: what is missing may matter, and the whole journey is to be folded.
///
/// # Panics
/// Where the plan has no study of that index.
#[must_use]
pub fn fold_since(plan: &Plan, study: usize, journey: &[Happening], since: Instant) -> Option<Contribution> {
    let of = &plan.studies[study];
    let days = of.looks_back_days()?;
    let contribution = fold(plan, study, journey);
    let is_seen = contribution.assignment.as_ref().is_none_or(|assignment| assignment.at.plus_days(-days) >= since);
    (is_seen && of.is_settled(&contribution)).then_some(contribution)
}
