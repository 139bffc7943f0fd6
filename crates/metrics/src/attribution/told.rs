//! What do the steps of one person add to the sums of every model?

use std::collections::BTreeMap;
use std::sync::Arc;

use journey::{DAY_MICROS, UNIT};

use super::heuristic::{Heuristic, Touch};
use super::markov::{Moves, Place};
use super::shapley::MAX_PLAYERS;

/// Conversions and their value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// How many: of credit in units of 1e-6, else whole ones.
    pub count: i128,
    /// Their value, in units of 1e-6.
    pub value: i128,
}

impl std::ops::AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.value += other.value;
    }
}

/// What happened at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A touch with this label.
    Touch(Arc<str>),
    /// A conversion of this value, in units.
    Conversion(i64),
    /// A correction of the value of the conversion before, in units.
    Correction(i64),
}

/// A step of a journey; journeys are in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds from any origin.
    pub at: i64,
    /// What happened.
    pub step: Step,
}

/// Which touches count, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// A touch counts for conversions up to so many microseconds later; `None`: however much later.
    pub lookback: Option<i64>,
    /// After so many microseconds a touch weighs half as much, by [`Heuristic::TimeDecay`].
    pub half_life: u64,
}

impl Rules {
    /// The rules of a lens.
    #[must_use]
    pub fn new(lookback_days: Option<u32>, half_life_micros: i64) -> Self {
        let lookback = lookback_days.map(|days| i64::from(days) * DAY_MICROS);
        Self { lookback, half_life: half_life_micros.unsigned_abs() }
    }
}

/// What one person, or many together, add.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// Conversions, and the value of conversions and corrections.
    pub all: Sum,
    /// Those without a touch, which no model credits to a label.
    pub untouched: Sum,
    /// Per label the credit by each of [`Heuristic::ALL`].
    pub credits: BTreeMap<Arc<str>, [Sum; 5]>,
    /// The moves between touches.
    pub moves: Moves<Arc<str>>,
    /// Per set of labels, in order, the conversions of journeys that met exactly these.
    pub sets: BTreeMap<Vec<Arc<str>>, Sum>,
}

/// What the steps of one person, in order, add.
///
/// The journey of a conversion is all touches before it, up to the lookback: also those before an earlier conversion, which
/// may have worked on. So every model credits the same conversions. A correction goes where the conversion before it went. What
/// is touched after the last conversion is a journey without one.
///
/// A set keeps the first [`MAX_PLAYERS`] labels that the journey met; what it met later is left out of it.
#[must_use]
pub fn tell(moments: &[Moment], rules: &Rules) -> Told {
    let mut told = Told::default();
    let mut labels: Vec<&Arc<str>> = moments.iter().filter_map(Moment::label).collect();
    labels.sort_unstable();
    labels.dedup();
    let mut touches: Vec<Touch> = Vec::new();
    let mut credits = vec![[Sum::default(); 5]; labels.len()];
    // The first touch of the journey of the conversion before, and the touches since it.
    let mut converted: Option<(usize, usize)> = None;
    for moment in moments {
        let (count, value) = match &moment.step {
            Step::Touch(label) => {
                let label = labels.partition_point(|known| *known < label);
                touches.push(Touch { label, at: moment.at });
                continue;
            }
            Step::Conversion(value) => {
                let oldest = rules.lookback.map_or(i64::MIN, |lookback| moment.at.saturating_sub(lookback));
                converted = Some((touches.partition_point(|touch| touch.at < oldest), touches.len()));
                (1i128, i128::from(*value))
            }
            Step::Correction(value) => (0, i128::from(*value)),
        };
        let sum = Sum { count, value };
        told.all += sum;
        let (from, to) = converted.unwrap_or_default();
        let journey = &touches[from..to];
        if journey.is_empty() {
            told.untouched += sum;
            continue;
        }
        for (at, heuristic) in Heuristic::ALL.into_iter().enumerate() {
            let totals = [count * i128::from(UNIT), value];
            let [counts, values] = heuristic.credit(journey, labels.len(), rules.half_life, totals);
            for ((credit, count), value) in credits.iter_mut().zip(counts).zip(values) {
                credit[at] += Sum { count, value };
            }
        }
        go(&mut told.moves, &labels, journey, (count != 0).then_some(1), Place::Converted, sum);
        *told.sets.entry(set(&labels, journey)).or_default() += sum;
    }
    let rest = &touches[converted.map_or(0, |(_, to)| to)..];
    if !rest.is_empty() {
        go(&mut told.moves, &labels, rest, Some(1), Place::Lost, Sum { count: 1, value: 0 });
    }
    for (label, credit) in labels.into_iter().zip(credits) {
        told.credits.insert(label.clone(), credit);
    }
    told
}

impl Moment {
    fn label(&self) -> Option<&Arc<str>> {
        match &self.step {
            Step::Touch(label) => Some(label),
            Step::Conversion(_) | Step::Correction(_) => None,
        }
    }
}

/// Adds the moves of a journey to its end; a correction moves nothing, and only adds to the value of the last move.
fn go(
    moves: &mut Moves<Arc<str>>,
    labels: &[&Arc<str>],
    journey: &[Touch],
    step: Option<i128>,
    end: Place<Arc<str>>,
    sum: Sum,
) {
    let mut at = Place::Start;
    for touch in journey {
        let next = Place::Touch(labels[touch.label].clone());
        // A touch of the same label as the one before leads nowhere else.
        if next != at {
            if let Some(count) = step {
                *moves.entry((at, next.clone())).or_default() += Sum { count, value: 0 };
            }
            at = next;
        }
    }
    *moves.entry((at, end)).or_default() += sum;
}

/// The labels of a journey, in order: the first so many that it met.
fn set(labels: &[&Arc<str>], journey: &[Touch]) -> Vec<Arc<str>> {
    let mut met: Vec<usize> = Vec::new();
    for touch in journey {
        if met.len() < MAX_PLAYERS && !met.contains(&touch.label) {
            met.push(touch.label);
        }
    }
    met.sort_unstable();
    met.into_iter().map(|label| labels[label].clone()).collect()
}

impl std::ops::AddAssign<&Told> for Told {
    fn add_assign(&mut self, other: &Told) {
        self.all += other.all;
        self.untouched += other.untouched;
        for (label, credit) in &other.credits {
            let sums = self.credits.entry(label.clone()).or_default();
            sums.iter_mut().zip(credit).for_each(|(sum, part)| *sum += *part);
        }
        for (key, sum) in &other.moves {
            *self.moves.entry(key.clone()).or_default() += *sum;
        }
        for (key, sum) in &other.sets {
            *self.sets.entry(key.clone()).or_default() += *sum;
        }
    }
}
