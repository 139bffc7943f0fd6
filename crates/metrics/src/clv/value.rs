//! What will the persons of an arm still bring? Expected purchases times expected value, discounted.

use std::collections::BTreeMap;

use super::bg_nbd::BgNbd;
use super::cells::{Cell, Cells, Customer};
use super::gamma_gamma::GammaGamma;
use super::refusal::Refusal;

/// How far to look ahead, and what the future is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizon {
    /// Steps, months for instance; at least one.
    pub steps: u32,
    /// Periods of the model in a step: 4.345 weeks in a month.
    pub periods_per_step: f64,
    /// The discount rate of a step, above -1: 0.01 is 1 % a month.
    pub discount: f64,
}

impl Horizon {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let sound = self.steps > 0
            && self.periods_per_step > 0.0
            && self.periods_per_step.is_finite()
            && self.discount > -1.0
            && self.discount.is_finite();
        if sound { Ok(()) } else { Err(Refusal::InvalidQuestion) }
    }

    /// Periods of the model in the whole horizon.
    #[must_use]
    pub fn periods(&self) -> f64 {
        f64::from(self.steps) * self.periods_per_step
    }
}

/// The two models of an arm together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// Who buys how often.
    pub purchases: BgNbd,
    /// What a purchase is worth.
    pub spend: GammaGamma,
    /// Units of the cells' time in a period of the model: 7 for weeks of days.
    pub units: f64,
}

/// What an arm is expected to bring, summed over its persons.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Totals {
    /// Persons.
    pub persons: f64,
    /// Persons who are still customers.
    pub alive: f64,
    /// Purchases within the horizon.
    pub purchases: f64,
    /// Value within the horizon, discounted, in units of one.
    pub value: f64,
}

impl Value {
    /// Fits both models to the cells of an arm.
    pub fn fit(cells: &Cells, units: f64) -> Result<Self, Refusal> {
        Self::fit_from(&cells.read(units)?, units, None)
    }

    pub(super) fn fit_from(cells: &[Cell], units: f64, start: Option<&Self>) -> Result<Self, Refusal> {
        let purchases = BgNbd::fit_from(cells, start.map(|value| &value.purchases))?.model;
        let spend = GammaGamma::fit_from(cells, start.map(|value| &value.spend))?.model;
        Ok(Self { purchases, spend, units })
    }

    /// The discounted value of the purchases of one person within the horizon (the residual CLV), who has spent
    /// `spend`, in units of one, on repeat purchases:
    ///
    /// `E[M] sum_i (E[Y(i w)] - E[Y((i - 1) w)]) / (1 + d)^i` over the steps `i`, `w` periods in a step, `d` the
    /// discount (Fader, Hardie, Lee, JMR 2005; the sum as the package lifetimes computes it).
    #[must_use]
    pub fn of(&self, customer: Customer, spend: f64, horizon: &Horizon) -> f64 {
        let purchases = self.of_the_living(customer.frequency, f64::from(customer.age) / self.units, horizon).1;
        let alive = self.purchases.alive(customer, self.units);
        alive * purchases * self.spend.expected_value(customer.frequency, spend)
    }

    /// Purchases within the horizon of a person who is still a customer: plain, and discounted.
    fn of_the_living(&self, frequency: u32, age: f64, horizon: &Horizon) -> (f64, f64) {
        let (mut before, mut discounted, mut factor) = (0.0, 0.0, 1.0);
        for step in 1..=horizon.steps {
            let periods = f64::from(step) * horizon.periods_per_step;
            let now = self.purchases.purchases_of_the_living(frequency, age, periods);
            factor /= 1.0 + horizon.discount;
            discounted += (now - before) * factor;
            before = now;
        }
        (before, discounted)
    }

    /// What all persons of an arm are expected to bring.
    pub fn totals(&self, cells: &Cells, horizon: &Horizon) -> Result<Totals, Refusal> {
        horizon.check()?;
        Ok(self.totals_of(&cells.read(self.units)?, horizon))
    }

    pub(super) fn totals_of(&self, cells: &[Cell], horizon: &Horizon) -> Totals {
        // Persons of one frequency and age have the same future while they are customers.
        let mut futures: BTreeMap<(u32, u64), (f64, f64)> = BTreeMap::new();
        let mut totals = Totals { persons: 0.0, alive: 0.0, purchases: 0.0, value: 0.0 };
        for cell in cells.iter().filter(|cell| cell.persons > 0.0) {
            let (plain, discounted) = *futures
                .entry((cell.frequency, cell.age.to_bits()))
                .or_insert_with(|| self.of_the_living(cell.frequency, cell.age, horizon));
            let alive = cell.persons * self.purchases.alive_at(cell.frequency, cell.recency, cell.age);
            totals.persons += cell.persons;
            totals.alive += alive;
            totals.purchases += alive * plain;
            // The expected value is linear in the spend, so that the mean spend of a cell is all it takes.
            totals.value += alive * discounted * self.spend.expected_value(cell.frequency, cell.spend);
        }
        totals
    }
}
