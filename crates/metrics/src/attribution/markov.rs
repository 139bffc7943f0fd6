//! What would be lost without a label? The removal effect in an absorbing Markov chain.

use std::collections::BTreeMap;

use super::apportion::apportion;
use super::told::Sum;
use crate::inference::{Undefined, finite};

/// Where a journey can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place<L> {
    /// Before its first touch.
    Start,
    /// At a touch with this label.
    Touch(L),
    /// Converted: the end.
    Converted,
    /// Over without a conversion: the end.
    Lost,
}

/// How often journeys went from one place straight to another, and the value of the conversions that they came to.
pub type Moves<L> = BTreeMap<(Place<L>, Place<L>), Sum>;

/// The chain of the moves between `labels` labels: where a journey goes next depends on where it is.
///
/// Counts stand for probabilities, each divided by all that leave its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// Moves among the places that journeys leave: the start, then the labels.
    moves: Vec<Vec<f64>>,
    /// Moves to a conversion.
    converted: Vec<f64>,
    /// Moves to the end without one.
    lost: Vec<f64>,
    /// The value of the moves to a conversion.
    value: Vec<f64>,
}

/// What would be lost without each label.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// The share of journeys of the chain that convert.
    pub conversion: f64,
    /// Per label the share of the conversions that pass through it: those that are lost where it leads nowhere.
    pub conversions: Vec<f64>,
    /// The same of the value of conversions, or why there is none.
    pub value: Result<Vec<f64>, Undefined>,
}

/// What leads from one place to where a journey ends.
struct Ways {
    /// To the place of interest.
    there: f64,
    /// To a conversion.
    converted: f64,
    /// To the end without one.
    lost: f64,
    /// The value on the way.
    value: f64,
}

impl Ways {
    fn total(&self) -> f64 {
        self.there + self.converted + self.lost
    }
}

impl Chain {
    /// Makes the chain of moves whose labels are the numbers below `labels`. Moves from a place to itself say nothing about
    /// where journeys end and are left out, as are moves out of an end or back to the start.
    #[must_use]
    pub fn new(labels: usize, moves: &Moves<usize>) -> Self {
        let n = labels + 1;
        let mut chain =
            Self { moves: vec![vec![0.0; n]; n], converted: vec![0.0; n], lost: vec![0.0; n], value: vec![0.0; n] };
        for ((from, to), sum) in moves {
            let from = match from {
                Place::Start => 0,
                Place::Touch(label) if *label < labels => label + 1,
                _ => continue,
            };
            let count = sum.count as f64;
            match to {
                Place::Touch(to) if *to < labels && to + 1 != from => chain.moves[from][to + 1] += count,
                Place::Converted => {
                    chain.converted[from] += count;
                    chain.value[from] += sum.value as f64;
                }
                Place::Lost => chain.lost[from] += count,
                Place::Touch(_) | Place::Start => {}
            }
        }
        chain
    }

    /// The ways out of `from`, where journeys that reach `there` end there.
    ///
    /// The other places are taken out of the chain one after the other: what led to one is passed on to where it leads, as
    /// Grassmann, Taksar and Heyman do (Operations Research 1985). Nothing is subtracted, so no digit is lost, however rare a
    /// way is.
    fn ways(&self, from: usize, there: Option<usize>) -> Ways {
        let n = self.moves.len();
        let mut left = self.clone();
        let mut alive: Vec<usize> = (0..n).collect();
        for place in (0..n).filter(|place| *place != from && Some(*place) != there) {
            alive.retain(|other| *other != place);
            let onward = left.moves[place].clone();
            let (converted, lost, value) = (left.converted[place], left.lost[place], left.value[place]);
            let out = alive.iter().map(|to| onward[*to]).sum::<f64>() + converted + lost;
            for before in alive.iter().filter(|before| Some(**before) != there) {
                let inflow = std::mem::take(&mut left.moves[*before][place]);
                if inflow == 0.0 {
                    continue;
                }
                if out == 0.0 {
                    // It leads nowhere: so does what leads to it.
                    left.lost[*before] += inflow;
                    continue;
                }
                let part = inflow / out;
                for to in &alive {
                    left.moves[*before][*to] += part * onward[*to];
                }
                left.converted[*before] += part * converted;
                left.lost[*before] += part * lost;
                left.value[*before] += part * value;
            }
        }
        Ways {
            there: there.map_or(0.0, |there| left.moves[from][there]),
            converted: left.converted[from],
            lost: left.lost[from],
            value: left.value[from],
        }
    }

    /// The removal effect of each label: `1 - P(conversion without it) / P(conversion)`, where without it means that
    /// journeys that come to it are lost (Anderl, Becker, von Wangenheim, Schumann, "Mapping the customer journey",
    /// International Journal of Research in Marketing 2016). That is the share of conversions that pass through it,
    /// `P(reaches it) P(conversion | at it) / P(conversion)`, which needs no difference of near numbers.
    ///
    /// The effect on value puts the expected value of a journey in place of the probability of a conversion.
    pub fn removal(&self) -> Result<Removal, Undefined> {
        let start = self.ways(0, None);
        if start.total() == 0.0 {
            return Err(Undefined::NoTouches);
        }
        if start.converted == 0.0 {
            return Err(Undefined::NoConverters);
        }
        let mut conversions = Vec::new();
        let mut values = Vec::new();
        for label in 1..self.moves.len() {
            let before = self.ways(0, Some(label));
            let after = self.ways(label, None);
            let reached = if before.total() > 0.0 { before.there / before.total() } else { 0.0 };
            let through = |end: f64| if after.total() > 0.0 { reached * end / after.total() } else { 0.0 };
            conversions.push(finite(through(after.converted) * start.total() / start.converted)?);
            values.push(through(after.value) * start.total() / start.value);
        }
        let value = if values.iter().all(|share| share.is_finite() && *share >= 0.0) {
            Ok(values)
        } else {
            Err(Undefined::NoValue)
        };
        Ok(Removal { conversion: finite(start.converted / start.total())?, conversions, value })
    }
}

impl Removal {
    /// The credit of each label, in units: a total divided in proportion to the removal effects.
    #[must_use]
    pub fn credit(effects: &[f64], total: i128) -> Vec<i128> {
        let largest = effects.iter().copied().fold(0.0, f64::max);
        let scale = (1u64 << 52) as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "effects are not negative and at most the largest of them; a cast of NaN is zero"
        )]
        let weights: Vec<u64> = effects.iter().map(|effect| (effect / largest * scale).round() as u64).collect();
        apportion(total, &weights)
    }
}
