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

    /// Whether it is known what the person was like when exposed, without what happened before `since`: then the last value stands in
    /// what happened from then on. One that is older need not be the last.
    fn is_settled(&self, contribution: &Contribution, journey: &[Happening], since: Instant) -> bool {
        let Some(assignment) = &contribution.assignment else { return true };
        let (from, to) = (
            journey.partition_point(|event| event.at < since),
            journey.partition_point(|event| event.at <= assignment.at),
        );
        let Some(known) = journey.get(from..to) else { return false };
        self.dimensions.iter().all(|dimension| match dimension {
            Known::Last(source) => known.iter().any(|event| source.value(event).is_some()),
            Known::Bin(source, bin) => {
                known.iter().any(|event| source.value(event).and_then(|text| bin.of(&text)).is_some())
            }
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
    (is_seen && of.is_settled(&contribution, journey, since)).then_some(contribution)
}
