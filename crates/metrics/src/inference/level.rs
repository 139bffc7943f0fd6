//! How far out is a given confidence? A level made once, for the many intervals of a report.

use super::tails::{normal_isf, student_isf_near};
use super::undefined::{Undefined, miss_rate};

/// A confidence with its normal quantile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    confidence: f64,
    alpha: f64,
    normal: f64,
}

impl Level {
    /// The level of two-sided intervals of `confidence`, strictly between 0 and 1.
    pub fn new(confidence: f64) -> Result<Self, Undefined> {
        let alpha = miss_rate(confidence)?;
        let normal = normal_isf(alpha / 2.0).ok_or(Undefined::OutOfRange)?;
        Ok(Self { confidence, alpha, normal })
    }

    /// The confidence.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        self.confidence
    }

    /// One less the confidence.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The two-sided normal quantile.
    #[must_use]
    pub fn normal(&self) -> f64 {
        self.normal
    }

    /// The two-sided quantile of Student's t.
    pub fn student(&self, degrees_of_freedom: f64) -> Result<f64, Undefined> {
        student_isf_near(self.alpha / 2.0, self.normal, degrees_of_freedom).ok_or(Undefined::OutOfRange)
    }
}
