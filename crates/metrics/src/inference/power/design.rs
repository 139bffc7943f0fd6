//! How is an experiment read, and what does its KPI look like? The words in which power is asked for.

use crate::inference::sample::Estimate;
use crate::inference::undefined::{Undefined, finite};

/// When an experiment is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Horizon {
    /// Once, after a number of persons that was fixed beforehand.
    Fixed,
    /// All the while, by the corrected confidence sequence ([`crate::inference::sequential()`]) with this `N*` (at least one, in
    /// persons of both arms).
    Sequential {
        /// The number of persons at which the sequence is about narrowest.
        tuning: f64,
    },
    /// Once, by the posterior of the lift under a flat prior, whose noise includes control's. The effect is still told as a
    /// difference.
    Lift(Noise),
}

/// What is uncertain of the control below a lift, for one person; divided by control's persons it is that of the estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Noise {
    /// The variance between persons of control, without any covariate taken out.
    pub variance: f64,
    /// The covariance between persons of what control enters the difference with and control: without a covariate the same
    /// variance, with one what is left of it.
    pub covariance: f64,
}

/// What the KPI looks like without the effect.
///
/// `Conversion` takes its variance from the rate, in either arm its own; `Mean` has one variance in both. For a
/// ratio the variance is that of `(y_i - R d_i) / m_D` between persons, for a KPI adjusted by a covariate the
/// adjusted one: in all cases `n` times the squared standard error of an arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Baseline {
    /// A share of persons, strictly between 0 and 1.
    Conversion(f64),
    /// A mean over persons, or whatever else has a variance per person.
    Mean {
        /// The KPI, in units of one.
        value: f64,
        /// The variance between persons; positive.
        variance: f64,
    },
}

impl Baseline {
    /// The baseline that an arm's estimate suggests: its value, and `n` times its variance.
    pub fn of(estimate: &Estimate) -> Result<Self, Undefined> {
        match estimate.variance() * estimate.persons() as f64 {
            0.0 => Err(Undefined::NoVariance),
            variance => Ok(Self::Mean { value: estimate.value(), variance: finite(variance)? }),
        }
    }

    /// The KPI without the effect.
    #[must_use]
    pub fn value(&self) -> f64 {
        match *self {
            Self::Conversion(rate) => rate,
            Self::Mean { value, .. } => value,
        }
    }

    /// The variance between persons of an arm whose KPI is `effect` larger.
    pub(super) fn variance(&self, effect: f64) -> f64 {
        match *self {
            Self::Conversion(rate) => ((rate + effect) * (1.0 - rate - effect)).max(0.0),
            Self::Mean { variance, .. } => variance,
        }
    }

    pub(super) fn check(&self) -> Result<(), Undefined> {
        let sound = match *self {
            Self::Conversion(rate) => rate > 0.0 && rate < 1.0,
            Self::Mean { value, variance } => value.is_finite() && variance > 0.0 && variance.is_finite(),
        };
        if sound { Ok(()) } else { Err(Undefined::InvalidDesign) }
    }

    /// The largest effect in a direction that the KPI can have.
    pub(super) fn limit(&self, direction: Direction) -> f64 {
        match (*self, direction) {
            (Self::Conversion(rate), Direction::Up) => 1.0 - rate,
            (Self::Conversion(rate), Direction::Down) => rate,
            (Self::Mean { .. }, _) => f64::INFINITY,
        }
    }
}

/// Which way the effect goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The KPI of the arm is larger.
    Up,
    /// The KPI of the arm is smaller.
    Down,
}

/// How two arms are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Design {
    /// When the experiment is read.
    pub horizon: Horizon,
    /// The confidence of the two-sided interval, after whatever many comparisons ask of it; strictly between 0 and 1.
    pub confidence: f64,
    /// The arm's share of the persons of arm and control; strictly between 0 and 1.
    pub share: f64,
}

/// Persons that an answer needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Persons {
    /// In both arms, before rounding.
    pub total: f64,
    /// In control, rounded up.
    pub control: u64,
    /// In the arm, rounded up.
    pub treatment: u64,
}
