//! What one person adds to an experiment.
//!
//! A contribution is the outcome of the fold, and everything a tally needs: the days are already cut, so that taking
//! the stored contribution away undoes exactly what adding it did, whatever became of time zones or code since.
//! It is also a resting place of the fold: later events of the journey go onto it, see [`crate::fold`].

mod codec;

use std::sync::Arc;

use journey::{Day, Instant};

use crate::lens::Walk;

/// What one person adds to one experiment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contribution {
    /// Exposures that put the person into no arm, by day.
    pub strays: Vec<Stray>,
    /// The arm that the person belongs to, once exposed.
    pub assignment: Option<Assignment>,
}

/// Exposures of one day that do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stray {
    /// The local day.
    pub day: Day,
    /// Exposures outside the experiment's dates.
    pub outside: u32,
    /// Exposures to an arm that the experiment does not have.
    pub unknown_arm: u32,
}

/// A person's place in an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The index of the arm of the first exposure.
    pub arm: u16,
    /// The first exposure.
    pub at: Instant,
    /// Its local day.
    pub day: Day,
    /// The local day that contains the end of the experiment's window, where it has one.
    pub matured: Option<Day>,
    /// The local day of the first exposure to a second arm.
    pub crossed: Option<Day>,
    /// The value of each dimension at the exposure; empty where unknown.
    pub values: Vec<Arc<str>>,
    /// Events in a foreign currency that money metrics left out, by day.
    pub foreign: Vec<(Day, u32)>,
    /// One trace per metric.
    pub traces: Vec<Trace>,
    /// One walk per lens.
    pub walks: Vec<Walk>,
}

/// How a person's value of one metric grew.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    /// The local day that contains the end of the metric's window, where it has one.
    pub matured: Option<Day>,
    /// The length of the metric's window in millionths of a day, where it has one.
    pub window_units: i64,
    /// The covariate, in units: the same metric over the days before the exposure (a ratio's numerator).
    pub x: i64,
    /// The covariate of a ratio's denominator, in units.
    pub u: i64,
    /// What each day added, days ascending.
    pub steps: Vec<Step>,
}

/// What one day added to a person's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The local day.
    pub day: Day,
    /// To the value (a ratio's numerator), in units; before the cap.
    pub y: i128,
    /// To a ratio's denominator or a net value's costs, in units.
    pub d: i128,
    /// Purchases, for a CLV; exposures to the person's own arm, for a net value.
    pub orders: i64,
}

impl Assignment {
    /// Whether it enters the same rows, so that only what the metrics add up to can differ.
    pub(crate) fn is_placed_like(&self, other: &Self) -> bool {
        (self.arm, self.at, self.day, self.matured, self.crossed)
            == (other.arm, other.at, other.day, other.matured, other.crossed)
            && self.values == other.values
            && self.traces.len() == other.traces.len()
            && self.walks.len() == other.walks.len()
    }
}

impl Contribution {
    /// Whether it adds nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.strays.is_empty() && self.assignment.is_none()
    }

    /// The bytes to store.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// [`Corrupt`] where they are not what [`Contribution::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        codec::decode(bytes).ok_or(Corrupt)
    }
}

/// Stored bytes that are no contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stored contribution can't be read")]
pub struct Corrupt;
