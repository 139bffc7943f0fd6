//! Is an arm harmless? One-sided tests against the harm that is tolerated.

use super::gap::Gap;
use super::sequential::{OneSided, Tuning, one_sided_sequential};
use super::tails::{student_isf, student_sf};
use super::undefined::{Undefined, finite, miss_rate};

/// What is known of a harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// The harm that is tolerated is ruled out.
    Safe,
    /// More harm than is tolerated is shown.
    Harmed,
    /// Neither.
    Undecided,
}

impl Harm {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Harmed => "harmed",
            Self::Undecided => "undecided",
        }
    }

    /// What bounds of a margin say; the margin is above zero where the arm is harmless.
    #[must_use]
    pub fn of(low: f64, high: f64) -> Self {
        if low > 0.0 {
            Self::Safe
        } else if high < 0.0 {
            Self::Harmed
        } else {
            Self::Undecided
        }
    }
}

/// How far an arm is from the harm that is tolerated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Margin {
    /// The margin: above zero where the harm is within what is tolerated; in the KPI's unit.
    pub value: f64,
    /// Its lower bound, with the confidence asked for.
    pub low: f64,
    /// Its upper bound, with the confidence asked for.
    pub high: f64,
    /// The one-sided p-value of "harmed by as much as is tolerated or more".
    pub p_safe: f64,
    /// The one-sided p-value of "harmed by no more than is tolerated".
    pub p_harmed: f64,
    /// What follows.
    pub harm: Harm,
}

impl Margin {
    /// From bounds of the residual at the tolerated lift: where more is better the margin is that residual, where less is
    /// better it is its negative.
    fn new(residual: f64, bounds: OneSided, more_is_better: bool) -> Self {
        let OneSided { low, high, p_above, p_below, .. } = bounds;
        let (value, low, high, p_safe, p_harmed) = if more_is_better {
            (residual, low, high, p_above, p_below)
        } else {
            (-residual, -high, -low, p_below, p_above)
        };
        Self { value: value + 0.0, low: low + 0.0, high: high + 0.0, p_safe, p_harmed, harm: Harm::of(low, high) }
    }
}

/// The lift at the edge of what is tolerated: `-max_harm` where more is better, `max_harm` where less is.
#[must_use]
pub fn tolerated_lift(max_harm: f64, more_is_better: bool) -> f64 {
    if more_is_better { -max_harm } else { max_harm }
}

/// Judges a guardrail in a way that may be read at any time.
///
/// With `delta = max_harm`, relative: where more is better the margin is `m_T - (1 - delta) m_C`, where less is better `(1 +
/// delta) m_C - m_T` (with `|m_C|` in the product with delta). Safe where its lower bound is above zero, harmed where its
/// upper bound is below zero, each bound a one-sided corrected confidence sequence with error `1 - confidence`.
pub fn sequential_guardrail(
    gap: &Gap,
    tuning: &Tuning,
    max_harm: f64,
    more_is_better: bool,
    confidence: f64,
) -> Result<Margin, Undefined> {
    let lift = tolerated_lift(max_harm, more_is_better);
    let bounds = one_sided_sequential(gap, tuning, lift, confidence)?;
    Ok(Margin::new(gap.residual(lift), bounds, more_is_better))
}

/// Judges a guardrail at fixed horizon: the same margin, its standard error by Welch and its bounds by Student's t with
/// `degrees_of_freedom`.
pub fn fixed_guardrail(
    gap: &Gap,
    degrees_of_freedom: f64,
    max_harm: f64,
    more_is_better: bool,
    confidence: f64,
) -> Result<Margin, Undefined> {
    let alpha = miss_rate(confidence)?;
    let lift = tolerated_lift(max_harm, more_is_better);
    let residual = finite(gap.residual(lift))?;
    let standard_error = finite(gap.residual_variance(lift).max(0.0).sqrt())?;
    if standard_error == 0.0 {
        return Err(Undefined::NoVariance);
    }
    let quantile = student_isf(alpha, degrees_of_freedom).ok_or(Undefined::OutOfRange)?;
    let half = finite(quantile * standard_error)?;
    let t = finite(residual / standard_error)?;
    let tail = |t: f64| student_sf(t, degrees_of_freedom).ok_or(Undefined::OutOfRange);
    let bounds = OneSided {
        low: finite(residual - half)?,
        high: finite(residual + half)?,
        p_above: tail(t)?.max(f64::MIN_POSITIVE),
        p_below: tail(-t)?.max(f64::MIN_POSITIVE),
        standard_error,
    };
    Ok(Margin::new(residual, bounds, more_is_better))
}
