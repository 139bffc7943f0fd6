//! Verdicts: what follows from a comparison.

use journey::Goal;

use super::{Question, Versus};

/// What follows from a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The arm improves the KPI.
    Better,
    /// The arm harms the KPI.
    Worse,
    /// The data do not decide.
    Inconclusive,
    /// There is nothing to decide from.
    NoData,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Inconclusive => "inconclusive",
            Self::NoData => "no_data",
        }
    }
}

/// The verdict of a comparison, with the reason where it is withheld. `moving`: the reading still moves while windows
/// close, so it decides nothing.
pub(super) fn verdict(
    versus: &Versus,
    goal: Goal,
    question: &Question<'_>,
    moving: bool,
) -> (Verdict, Option<&'static str>) {
    let (Ok(p), Ok(difference)) = (versus.p_value_adjusted, versus.difference.value) else {
        return (Verdict::NoData, None);
    };
    if question.blocked {
        return (
            Verdict::Inconclusive,
            Some("a blocking check failed: the arms can't be compared before it is settled"),
        );
    }
    if moving {
        return (Verdict::Inconclusive, Some("a live reading moves while windows close, so it gives no verdict"));
    }
    if p >= 1.0 - question.confidence {
        return (Verdict::Inconclusive, None);
    }
    let improves = match goal {
        Goal::Increase => difference > 0.0,
        Goal::Decrease => difference < 0.0,
    };
    (if improves { Verdict::Better } else { Verdict::Worse }, None)
}
