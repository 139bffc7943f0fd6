//! Phases: times of constant weights within an experiment.

use crate::amount::Amount;
use crate::instant::Instant;
use crate::invalid::Invalid;

/// The most phases of an experiment.
pub const MAX_PHASES: usize = 100;

/// A time of constant weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// When it began; the first may have none. It lasts until the next one begins.
    pub from: Option<Instant>,
    /// The share of persons of each arm, relative to the others, in the order of the arms; 0: nobody was assigned to it.
    pub weights: Vec<Amount>,
}

impl Phase {
    /// What persons have as the value of `exposure.phase`: the instant at which it began, or `start`.
    #[must_use]
    pub fn name(&self) -> String {
        self.from.map_or_else(|| "start".to_owned(), |from| from.to_string())
    }
}

/// Checks phases by themselves: at most [`MAX_PHASES`], in order, with a weight for each of `arms`.
pub(crate) fn check(phases: &[Phase], arms: usize) -> Result<(), Invalid> {
    let refuse = |at: usize, part: &str, detail: String| {
        Err(Invalid::new("out_of_range", format!("/phases/{at}/{part}"), detail))
    };
    if phases.len() > MAX_PHASES {
        let detail = format!("has {} phases: at most {MAX_PHASES} are allowed", phases.len());
        return Err(Invalid::new("out_of_range", "/phases", detail));
    }
    for (at, phase) in phases.iter().enumerate() {
        match (at.checked_sub(1).map(|before| phases[before].from), phase.from) {
            (Some(_), None) => return refuse(at, "from", "is missing: only the first phase may have none".into()),
            (Some(Some(before)), Some(from)) if from <= before => {
                return refuse(at, "from", format!("{from} is not after {before}: name the phases in their order"));
            }
            _ => {}
        }
        if phase.weights.len() != arms {
            return refuse(
                at,
                "weights",
                format!("names {} weights for {arms} arms: give each arm one", phase.weights.len()),
            );
        }
        if phase.weights.iter().any(|weight| weight.units() < 0)
            || phase.weights.iter().all(|weight| weight.units() == 0)
        {
            return refuse(at, "weights", "hold one below 0, or none above it".into());
        }
    }
    Ok(())
}

/// Whether weights are the same shares.
pub(crate) fn alike(a: &[Amount], b: &[Amount]) -> bool {
    let whole = |weights: &[Amount]| weights.iter().map(|weight| i128::from(weight.units())).sum::<i128>();
    let (of_a, of_b) = (whole(a), whole(b));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| i128::from(a.units()) * of_b == i128::from(b.units()) * of_a)
}
