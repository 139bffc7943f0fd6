//! Given what was seen, how probable is it that an arm is better, and what does choosing it risk? The normal posterior of
//! a lift.
//!
//! A posterior answers for one reading. Read a hundred times, a flat prior finds a "95 % winner" in more than half of the
//! experiments without any effect, so these numbers describe and never decide under the method `sequential`.

use std::f64::consts::TAU;

use super::compare::Interval;
use super::tails::{normal_isf, normal_sf};
use super::undefined::{Undefined, finite, miss_rate};

/// What is believed of a lift before any data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prior {
    /// Every lift alike: the posterior is the likelihood.
    Flat,
    /// A normal distribution of lifts, as fractions.
    Normal {
        /// The mean lift.
        mean: f64,
        /// The standard deviation of lifts; above zero.
        standard_deviation: f64,
    },
}

/// A normal distribution of what is not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posterior {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub standard_deviation: f64,
    /// The probability that it is above zero.
    pub chance_above: f64,
    /// The probability that it is below zero.
    pub chance_below: f64,
    /// What is lost on average by acting as if it were above zero, where it is not: `E[max(-x, 0)]`.
    pub loss_if_shipped: f64,
    /// What is lost on average by acting as if it were not above zero, where it is: `E[max(x, 0)]`.
    pub loss_if_kept: f64,
    /// The interval between equal tails.
    pub interval: Interval,
}

/// The posterior of a lift (or of any estimate with a standard error).
///
/// With the prior N(m0, s0²) and an estimate d of standard error s: precision `1/s0² + 1/s²`, mean `(m0/s0² + d/s²) /
/// precision`, standard deviation `precision^(-1/2)`; a flat prior gives N(d, s²). With `z = mean / sd`, phi the density
/// and Phi the distribution of the standard normal:
///
/// - chance to be above zero `Phi(z)`;
/// - loss if shipped `sd phi(z) - mean Phi(-z)`, loss if kept `sd phi(z) + mean Phi(z)`.
///
/// The formulas are those of `GrowthBook`, `PostHog`, Eppo and Statsig; evaluated by upper tails, so that a small loss keeps its
/// digits. Conditions: a standard error above zero, a confidence strictly between 0 and 1.
pub fn posterior(estimate: f64, standard_error: f64, prior: &Prior, confidence: f64) -> Result<Posterior, Undefined> {
    let tail = miss_rate(confidence)? / 2.0;
    let (estimate, standard_error) = (finite(estimate)?, finite(standard_error)?);
    if standard_error <= 0.0 {
        return Err(Undefined::NoVariance);
    }
    let (mean, standard_deviation) = match *prior {
        Prior::Flat => (estimate, standard_error),
        Prior::Normal { mean, standard_deviation } => {
            if !(standard_deviation > 0.0 && standard_deviation.is_finite()) {
                return Err(Undefined::InvalidPrior);
            }
            // The weight of the data, written so that no square leaves the doubles.
            let relative = standard_error / standard_deviation;
            let weight = 1.0 / (1.0 + relative * relative);
            (finite(mean)? * (1.0 - weight) + estimate * weight, standard_error * weight.sqrt())
        }
    };
    if standard_deviation <= 0.0 {
        return Err(Undefined::OutOfRange);
    }
    let z = finite(mean / standard_deviation)?;
    let above = normal_sf(-z).ok_or(Undefined::OutOfRange)?;
    let below = normal_sf(z).ok_or(Undefined::OutOfRange)?;
    let small = standard_deviation * loss(z.abs());
    // E[max(x, 0)] - E[max(-x, 0)] = E[x].
    let large = finite(small + mean.abs())?;
    let quantile = normal_isf(tail).ok_or(Undefined::OutOfRange)?;
    Ok(Posterior {
        mean,
        standard_deviation,
        chance_above: above,
        chance_below: below,
        loss_if_shipped: if z > 0.0 { small } else { large },
        loss_if_kept: if z > 0.0 { large } else { small },
        interval: Interval::around(mean, finite(quantile * standard_deviation)?)?,
    })
}

/// `phi(z) - z Q(z)` for `z >= 0`, Q the upper tail: the mean of what lies beyond z, in standard deviations.
///
/// Far out the two terms cancel; there the asymptotic series `phi(z) / z² (1 - 3/z² + 15/z⁴ - ...)` of the same quantity is
/// exact to rounding.
fn loss(z: f64) -> f64 {
    let density = (-z * z / 2.0).exp() / TAU.sqrt();
    if z < 25.0 {
        return (density - z * normal_sf(z).unwrap_or(0.0)).max(0.0);
    }
    let square = 1.0 / (z * z);
    // The coefficients are (-1)^(k+1) (2k - 1)!!.
    let mut term = square;
    let mut sum = 0.0;
    for k in 1..10u8 {
        sum += term;
        term *= -square * f64::from(2 * k + 1);
    }
    density * sum
}
