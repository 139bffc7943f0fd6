//! What has an arm cost so far? Its lines, exactly.

use ethnum::I256;
use journey::{Amount, Definition, UNIT};

use super::Money;
use crate::net::rounded;
use crate::reading::Reading;

/// What an arm has cost so far: everyone exposed, whose windows may be open. All in 1e-6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lines {
    /// Fixed costs.
    pub fixed: I256,
    /// Setting up.
    pub setup: I256,
    /// Running costs of the days so far.
    pub running: I256,
    /// Hours of work.
    pub labour: I256,
    /// The costs for each person.
    pub persons: I256,
    /// The costs for each exposure.
    pub exposures: I256,
    /// The costs that came with events.
    pub events: I256,
    /// Running costs of a day.
    pub running_per_day: I256,
    /// How many exposures there were.
    pub exposure_count: I256,
}

impl Lines {
    /// Those that no person causes.
    #[must_use]
    pub fn lump(&self) -> I256 {
        self.fixed + self.setup + self.running + self.labour
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> I256 {
        self.lump() + self.persons + self.exposures + self.events
    }

    pub(super) fn lump_beyond(&self, baseline: &Self) -> f64 {
        in_money(self.lump() - baseline.lump())
    }

    /// Those that come once.
    pub(super) fn once_beyond(&self, baseline: &Self) -> f64 {
        let once = |lines: &Self| lines.fixed + lines.setup + lines.labour;
        in_money(once(self) - once(baseline))
    }

    pub(super) fn per_day_beyond(&self, baseline: &Self) -> f64 {
        in_money(self.running_per_day - baseline.running_per_day)
    }
}

fn in_money(units: I256) -> f64 {
    units.as_f64() / UNIT as f64
}

pub(super) fn lines(definition: &Definition, reading: &Reading, money: &Money, arm: usize) -> Lines {
    let cost = &definition.experiment.arms[arm].cost;
    let sums = &reading.arms[arm].live[money.metric];
    let units = |part: Option<Amount>| I256::from(part.map_or(0, Amount::units));
    let flows = sums.net.as_deref().cloned().unwrap_or_default();
    Lines {
        fixed: units(cost.fixed),
        setup: units(cost.setup),
        running: units(cost.running_per_day) * I256::from(money.days),
        labour: rounded(units(cost.hours) * units(cost.rate), I256::from(UNIT)),
        persons: units(cost.per_person) * I256::from(sums.n),
        exposures: units(cost.per_exposure) * flows.exposures,
        events: flows.event_cost,
        running_per_day: units(cost.running_per_day),
        exposure_count: flows.exposures,
    }
}
