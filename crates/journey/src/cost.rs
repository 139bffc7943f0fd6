//! What does an arm cost? The parts of its cost model.

use crate::amount::Amount;
use crate::invalid::Invalid;

/// What an arm costs, in the tenant's currency. Costs that differ from person to person (coupons, calls) come from events
/// instead, see [`crate::MetricKind::Net`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Once.
    pub fixed: Option<Amount>,
    /// Once, for setting up.
    pub setup: Option<Amount>,
    /// For each day that the experiment runs.
    pub running_per_day: Option<Amount>,
    /// Hours of work; they cost [`Cost::rate`] each.
    pub hours: Option<Amount>,
    /// What an hour of work costs.
    pub rate: Option<Amount>,
    /// For each person exposed.
    pub per_person: Option<Amount>,
    /// For each exposure of a person to the arm.
    pub per_exposure: Option<Amount>,
}

impl Cost {
    /// The names of the parts, in the order of [`Cost::parts`].
    pub const NAMES: [&str; 7] = ["fixed", "setup", "running_per_day", "hours", "rate", "per_person", "per_exposure"];

    /// The cost model of these parts, in the order of [`Cost::NAMES`].
    #[must_use]
    pub fn of([fixed, setup, running_per_day, hours, rate, per_person, per_exposure]: [Option<Amount>; 7]) -> Self {
        Self { fixed, setup, running_per_day, hours, rate, per_person, per_exposure }
    }

    /// The parts, in the order of [`Cost::NAMES`].
    #[must_use]
    pub fn parts(&self) -> [Option<Amount>; 7] {
        let Self { fixed, setup, running_per_day, hours, rate, per_person, per_exposure } = *self;
        [fixed, setup, running_per_day, hours, rate, per_person, per_exposure]
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Checks what goes together, standing at `pointer`.
    pub(crate) fn check(&self, pointer: &str) -> Result<(), Invalid> {
        for (part, name) in self.parts().into_iter().zip(Self::NAMES) {
            if part.is_some_and(|part| part.units() < 0) {
                return Err(Invalid::new("out_of_range", format!("{pointer}/{name}"), "is below 0"));
            }
        }
        match (self.hours, self.rate) {
            (Some(_), None) => {
                let detail = "is missing: say what one of the hours costs, or leave hours out";
                Err(Invalid::new("missing_field", format!("{pointer}/rate"), detail))
            }
            (None, Some(_)) => {
                let detail = "is missing: say how many hours the rate is paid for, or leave rate out";
                Err(Invalid::new("missing_field", format!("{pointer}/hours"), detail))
            }
            _ => Ok(()),
        }
    }
}
