//! How sure is a predicted value, and the lift of it? Both arms resampled, refitted and predicted anew.

use super::cells::{Cell, Cells};
use super::refusal::Refusal;
use super::value::{Horizon, Totals, Value};
use crate::inference::{Interval, Undefined, finite, miss_rate};
use crate::random::Random;

/// Fewer resamples say nothing of percentiles.
pub const FEWEST_REPETITIONS: u32 = 20;

/// A number with its uncertainty by the bootstrap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The number, from the arms as they are.
    pub value: f64,
    /// The standard deviation over the resamples.
    pub standard_error: f64,
    /// From one percentile of the resamples to the other.
    pub interval: Interval,
}

/// What the persons of an arm are expected to bring, each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    /// The models of the arm.
    pub model: Value,
    /// The share of persons who are still customers.
    pub alive: Spread,
    /// Purchases per person within the horizon.
    pub purchases: Spread,
    /// Discounted value per person within the horizon.
    pub value: Spread,
}

/// An arm against control by their predicted value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// Control.
    pub control: Predicted,
    /// The arm.
    pub treatment: Predicted,
    /// Value per person of the arm less that of control.
    pub difference: Spread,
    /// The same relative to control, as a fraction.
    pub lift: Spread,
    /// Resamples that were used.
    pub resamples: u32,
    /// Resamples that could not be fitted and were left out; at most one in twenty.
    pub failed: u32,
}

/// Predicts the value per person of two arms, each by models of its own, and compares them.
///
/// Uncertainty: `repetitions` times the persons of each arm are drawn with replacement (a multinomial draw over the
/// cells; Efron 1979), both models are fitted to the draw and everything is predicted anew; standard errors are
/// standard deviations over the draws, intervals go from the `(1 - confidence) / 2` percentile to its mirror. That
/// covers who happened to be in the arm, hence parameters and composition; not whether the models are right.
/// `units`: units of the cells' time in a period. The same `seed` gives the same numbers.
///
/// Conditions: at least 20 repetitions; enough repeat purchases in each arm (see [`Refusal`]).
pub fn compare(
    control: &Cells,
    treatment: &Cells,
    units: f64,
    horizon: &Horizon,
    confidence: f64,
    repetitions: u32,
    seed: u64,
) -> Result<Compared, Refusal> {
    horizon.check()?;
    let tail = miss_rate(confidence).map_err(|_| Refusal::InvalidQuestion)? / 2.0;
    if repetitions < FEWEST_REPETITIONS {
        return Err(Refusal::InvalidQuestion);
    }
    let (control, treatment) = (Arm::new(control, units, horizon)?, Arm::new(treatment, units, horizon)?);
    let mut random = Random::new(seed);
    let mut draws: Vec<[Totals; 2]> = Vec::with_capacity(repetitions as usize);
    for _ in 0..repetitions {
        // Both are drawn before either may fail, so that a failure does not shift what follows.
        let (left, right) = (control.draw(&mut random), treatment.draw(&mut random));
        if let (Ok(left), Ok(right)) = (control.again(&left, horizon), treatment.again(&right, horizon)) {
            draws.push([left, right]);
        }
    }
    let resamples = u32::try_from(draws.len()).map_err(|_| Refusal::InvalidQuestion)?;
    let failed = repetitions - resamples;
    if failed * 20 > repetitions {
        return Err(Refusal::UnstableResamples);
    }
    let spread = |of: &dyn Fn(&[Totals; 2]) -> f64| {
        let points = [control.totals, treatment.totals];
        Spread::new(of(&points), draws.iter().map(of).collect(), tail).map_err(|_| Refusal::NoMaximum)
    };
    let predicted = |arm: usize, model: Value| {
        Ok(Predicted {
            model,
            alive: spread(&|totals| totals[arm].alive / totals[arm].persons)?,
            purchases: spread(&|totals| totals[arm].purchases / totals[arm].persons)?,
            value: spread(&|totals| totals[arm].value / totals[arm].persons)?,
        })
    };
    let each = |totals: &Totals| totals.value / totals.persons;
    Ok(Compared {
        control: predicted(0, control.model)?,
        treatment: predicted(1, treatment.model)?,
        difference: spread(&|totals| each(&totals[1]) - each(&totals[0]))?,
        lift: spread(&|totals| each(&totals[1]) / each(&totals[0]) - 1.0)?,
        resamples,
        failed,
    })
}

/// An arm with its models and what the resamples of its persons say.
#[derive(Debug, Clone, PartialEq)]
pub struct Resampled {
    /// What its persons are expected to bring.
    pub predicted: Predicted,
    /// Resamples that were asked for.
    pub repetitions: u32,
    /// Those of them that could not be fitted and were left out; at most one in twenty.
    pub failed: u32,
    totals: Totals,
    draws: Vec<Option<Totals>>,
    tail: f64,
}

/// An arm against another one by their predicted value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// Value per person of the arm less that of the other.
    pub difference: Spread,
    /// The same relative to the other, as a fraction.
    pub lift: Spread,
}

/// Predicts the value per person of one arm, with its uncertainty as [`compare()`] has it, so that several arms can be
/// compared at the price of one bootstrap each ([`Resampled::against`]). Arms need seeds of their own.
pub fn resample(
    cells: &Cells,
    units: f64,
    horizon: &Horizon,
    confidence: f64,
    repetitions: u32,
    seed: u64,
) -> Result<Resampled, Refusal> {
    horizon.check()?;
    let tail = miss_rate(confidence).map_err(|_| Refusal::InvalidQuestion)? / 2.0;
    if repetitions < FEWEST_REPETITIONS {
        return Err(Refusal::InvalidQuestion);
    }
    let arm = Arm::new(cells, units, horizon)?;
    let mut random = Random::new(seed);
    let draws: Vec<Option<Totals>> =
        (0..repetitions).map(|_| arm.again(&arm.draw(&mut random), horizon).ok()).collect();
    let found: Vec<&Totals> = draws.iter().flatten().collect();
    let failed = repetitions - u32::try_from(found.len()).map_err(|_| Refusal::InvalidQuestion)?;
    if failed * 20 > repetitions {
        return Err(Refusal::UnstableResamples);
    }
    let spread = |of: fn(&Totals) -> f64| {
        let each = |totals: &Totals| of(totals) / totals.persons;
        let drawn = found.iter().map(|totals| each(totals)).collect();
        Spread::new(each(&arm.totals), drawn, tail).map_err(|_| Refusal::NoMaximum)
    };
    let predicted = Predicted {
        model: arm.model,
        alive: spread(|totals| totals.alive)?,
        purchases: spread(|totals| totals.purchases)?,
        value: spread(|totals| totals.value)?,
    };
    Ok(Resampled { predicted, repetitions, failed, totals: arm.totals, draws, tail })
}

impl Resampled {
    /// The arm against another one: resample by resample, which are drawn independently in each.
    pub fn against(&self, other: &Self) -> Result<Gain, Refusal> {
        let pairs: Vec<(&Totals, &Totals)> = self
            .draws
            .iter()
            .zip(&other.draws)
            .filter_map(|(own, other)| Some((own.as_ref()?, other.as_ref()?)))
            .collect();
        if (self.draws.len() - pairs.len()) * 20 > self.draws.len() {
            return Err(Refusal::UnstableResamples);
        }
        let spread = |of: fn(f64, f64) -> f64| {
            let each = |totals: &Totals| totals.value / totals.persons;
            let drawn = pairs.iter().map(|(own, other)| of(each(own), each(other))).collect();
            Spread::new(of(each(&self.totals), each(&other.totals)), drawn, self.tail).map_err(|_| Refusal::NoMaximum)
        };
        Ok(Gain { difference: spread(|own, other| own - other)?, lift: spread(|own, other| own / other - 1.0)? })
    }

    /// What the persons of the arm are expected to bring together.
    #[must_use]
    pub fn totals(&self) -> &Totals {
        &self.totals
    }
}

/// An arm with its models as fitted to the persons that there are.
struct Arm {
    cells: Vec<Cell>,
    counts: Vec<u64>,
    model: Value,
    totals: Totals,
}

impl Arm {
    fn new(cells: &Cells, units: f64, horizon: &Horizon) -> Result<Self, Refusal> {
        let cells = cells.read(units)?;
        let model = Value::fit_from(&cells, units, None)?;
        let totals = model.totals_of(&cells, horizon);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole counts")]
        let counts = cells.iter().map(|cell| cell.persons as u64).collect();
        Ok(Self { cells, counts, model, totals })
    }

    fn draw(&self, random: &mut Random) -> Vec<Cell> {
        let counts = random.resample(&self.counts);
        self.cells.iter().zip(counts).map(|(cell, count)| Cell { persons: count as f64, ..*cell }).collect()
    }

    fn again(&self, cells: &[Cell], horizon: &Horizon) -> Result<Totals, Refusal> {
        Ok(Value::fit_from(cells, self.model.units, Some(&self.model))?.totals_of(cells, horizon))
    }
}

impl Spread {
    fn new(value: f64, mut draws: Vec<f64>, tail: f64) -> Result<Self, Undefined> {
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / (n - 1.0);
        draws.sort_by(f64::total_cmp);
        let interval =
            Interval { low: finite(percentile(&draws, tail))?, high: finite(percentile(&draws, 1.0 - tail))? };
        Ok(Self { value: finite(value)?, standard_error: finite(variance.sqrt())?, interval })
    }
}

/// The value at a share of the way through sorted values, straight between neighbours.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside the slice")]
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}
