//! Which part of one conversion does each touch get, by its place in the journey alone?

use super::apportion::apportion;
use super::decay::decay;

/// A rule of thumb that divides a conversion among the touches before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Heuristic {
    /// Everything to the first touch.
    First,
    /// Everything to the last touch.
    Last,
    /// The same to each touch.
    Linear,
    /// 40 % to the first touch, 40 % to the last, 20 % to those between; one half each where there are two.
    Position,
    /// A touch gets half as much as one that is a half-life closer to the conversion.
    TimeDecay,
}

/// A touch before a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// The index of its label, in the order of labels.
    pub label: usize,
    /// When, in microseconds from any origin.
    pub at: i64,
}

impl Heuristic {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::First, Self::Last, Self::Linear, Self::Position, Self::TimeDecay];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Linear => "linear",
            Self::Position => "position",
            Self::TimeDecay => "time_decay",
        }
    }

    /// What each of the touches weighs; they are in order of time. `half_life` in microseconds.
    ///
    /// Ages count from the last touch, which changes no ratio: so what is long ago is told apart as finely as what is not.
    fn weights(self, touches: &[Touch], half_life: u64) -> Vec<u64> {
        let n = touches.len();
        let last = n.saturating_sub(1);
        let newest = touches.last().map_or(0, |touch| touch.at);
        let weight = |(place, touch): (usize, &Touch)| match self {
            Self::First => u64::from(place == 0),
            Self::Last => u64::from(place == last),
            Self::Position if n <= 2 => 1,
            // 2 (n - 2) + (n - 2) + 2 (n - 2): two fifths at each end, one fifth shared by those between.
            Self::Position if place == 0 || place == last => 2 * (n as u64 - 2),
            Self::Linear | Self::Position => 1,
            Self::TimeDecay => decay(newest.abs_diff(touch.at), half_life),
        };
        touches.iter().enumerate().map(weight).collect()
    }

    /// The credit of each of `labels` labels, in units: `totals` divided among the touches, which are in order of time.
    ///
    /// What the touches of a label weigh is added first, so that one conversion is rounded once per label; ties go to the
    /// label that is first in order. Without a touch nobody gets anything.
    #[must_use]
    pub fn credit<const N: usize>(
        self,
        touches: &[Touch],
        labels: usize,
        half_life: u64,
        totals: [i128; N],
    ) -> [Vec<i128>; N] {
        let mut weights = vec![0u64; labels];
        for (touch, weight) in touches.iter().zip(self.weights(touches, half_life)) {
            // At most 2^52 each, so that thousands of touches are far from the bound.
            weights[touch.label] = weights[touch.label].saturating_add(weight);
        }
        totals.map(|total| apportion(total, &weights))
    }
}
