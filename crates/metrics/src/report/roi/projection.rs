//! When is the money back, and how many persons can be left out? From net value per person and lump costs, taken as lasting.

use super::{Number, PROJECTED};
use crate::inference::{Bounds, Undefined, finite};

/// What an outlook starts from.
pub(super) struct Ahead<'a> {
    /// Net value more for a person.
    pub(super) per_person: &'a Number,
    /// Lump costs that come once, beyond the baseline's.
    pub(super) once: f64,
    /// Running costs of a day, beyond the baseline's.
    pub(super) per_day: f64,
    /// All lump costs so far, beyond the baseline's.
    pub(super) lump: f64,
    /// Persons exposed in arm and baseline.
    pub(super) exposed: f64,
    /// Persons of the arm who join in a day.
    pub(super) joining: Option<f64>,
}

impl Ahead<'_> {
    /// `O / dz`.
    pub(super) fn payback_persons(&self) -> Number {
        self.falling(|gain| paid_back(self.once, gain))
    }

    /// `O / (l dz - R)`.
    pub(super) fn payback_days(&self) -> Number {
        self.falling(|gain| {
            let joining = self.joining.ok_or(Undefined::NoTraffic)?;
            paid_back(self.once, joining * gain - self.per_day)
        })
    }

    /// `N - F / dz`, at least 0.
    pub(super) fn holdout_persons(&self) -> Number {
        self.rising(|gain| Ok((self.exposed - paid_back(self.lump, gain)?).max(0.0)))
    }

    /// The same as a share of N.
    pub(super) fn holdout_share(&self) -> Number {
        self.rising(|gain| {
            if self.exposed <= 0.0 {
                return Err(Undefined::NoPersons);
            }
            Ok((1.0 - paid_back(self.lump, gain)? / self.exposed).max(0.0))
        })
    }

    /// What falls as net value rises: its lower end belongs to the upper end of net value.
    fn falling(&self, of: impl Fn(f64) -> Result<f64, Undefined>) -> Number {
        let Bounds { low, high } = self.per_person.bounds;
        self.told(&of, Bounds { low: high.and_then(&of), high: low.and_then(&of) })
    }

    fn rising(&self, of: impl Fn(f64) -> Result<f64, Undefined>) -> Number {
        let Bounds { low, high } = self.per_person.bounds;
        self.told(&of, Bounds { low: low.and_then(&of), high: high.and_then(&of) })
    }

    fn told(&self, of: impl Fn(f64) -> Result<f64, Undefined>, bounds: Bounds) -> Number {
        Number {
            value: self.per_person.value.and_then(of),
            bounds,
            method: "projection",
            causal: PROJECTED,
            ..*self.per_person
        }
    }
}

/// How often `gain` has to come until `spent` is there; nothing is spent: at once.
fn paid_back(spent: f64, gain: f64) -> Result<f64, Undefined> {
    if gain <= 0.0 {
        return Err(Undefined::NothingGained);
    }
    finite(spent.max(0.0) / gain)
}
