//! Verdicts: what follows from a comparison.

use journey::{Goal, Method, Metric};

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

const BLOCKED: &str = "a blocking check failed: the arms can't be compared before it is settled";
const DESCRIBES: &str = "the metric describes and gives no verdict (its verdict is set to false)";
const INFLATED: &str =
    "mail proxies open e-mails that nobody reads, so opens give no verdict unless the metric's verdict is set to true";
const MOVING: &str = "a live reading moves while windows close, so it gives no verdict";

/// Why a metric gives no verdict and finds no harm, where it only describes.
pub(super) fn silence(metric: &Metric) -> Option<&'static str> {
    (!metric.decides).then_some(if metric.kind.is_inflated() { INFLATED } else { DESCRIBES })
}

/// The verdict of a comparison, with the reason where it is withheld. `moving`: the reading still moves while windows
/// close, so it decides nothing.
///
/// Whatever the method, only what is an effect decides. Under the method `sequential` it must hold at any time too; under the
/// others a verdict speaks of one reading at a time fixed beforehand, as [`Versus::anytime`] says.
pub(super) fn verdict(
    versus: &Versus,
    metric: &Metric,
    question: &Question<'_>,
    moving: bool,
) -> (Verdict, Option<&'static str>) {
    let (Some(decided), Ok(difference)) = (decided(versus, question), versus.difference.value) else {
        return (Verdict::NoData, None);
    };
    if let Some(reason) = silence(metric) {
        return (Verdict::Inconclusive, Some(reason));
    }
    if question.blocked {
        return (Verdict::Inconclusive, Some(BLOCKED));
    }
    // Under every method: those who answered are unlike groups.
    if versus.response.is_some() && !versus.causal.holds {
        return (Verdict::Inconclusive, Some(versus.causal.reason));
    }
    if moving {
        return (Verdict::Inconclusive, Some(MOVING));
    }
    if versus.method == Method::Sequential && !versus.anytime.holds {
        return (Verdict::Inconclusive, Some(versus.anytime.reason));
    }
    if !versus.causal.holds {
        return (Verdict::Inconclusive, Some(versus.causal.reason));
    }
    let rises = match versus.converters {
        // The converters were compared with the weights, and so is their direction.
        Some(exact) => exact.treatment as f64 * (1.0 - exact.share) > exact.control as f64 * exact.share,
        None => difference > 0.0,
    };
    match decided {
        Decided::Not => (Verdict::Inconclusive, None),
        Decided::For => (Verdict::Better, None),
        Decided::Differs if rises == (metric.goal == Goal::Increase) => (Verdict::Better, None),
        Decided::Against | Decided::Differs => (Verdict::Worse, None),
    }
}

/// What a method decides by itself.
enum Decided {
    Not,
    /// There is a difference; its sign says in which direction.
    Differs,
    For,
    Against,
}

fn decided(versus: &Versus, question: &Question<'_>) -> Option<Decided> {
    if versus.method == Method::Bayesian {
        let chance = versus.chance_to_beat.ok()?;
        return Some(if chance >= question.confidence {
            Decided::For
        } else if chance <= 1.0 - question.confidence {
            Decided::Against
        } else {
            Decided::Not
        });
    }
    let p = versus.p_value_adjusted.ok()?;
    Some(if p < 1.0 - question.confidence { Decided::Differs } else { Decided::Not })
}
