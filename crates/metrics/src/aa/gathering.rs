//! What do the persons of an experiment bring along when they are dealt out?

use ethnum::I256;
use journey::{CrossoverPolicy, Day, Definition, UNIT, Zone};

use super::{Entries, Persons};
use crate::contribution::{Assignment, Contribution};
use crate::reading::Through;
use crate::tally::detail::{Bucket, Life, LifeKey};
use crate::tally::{Direction, Tally};

/// The persons of an experiment while they come, one by one: of each only what is dealt out stays.
#[derive(Debug)]
pub struct Gathering {
    definition: Definition,
    through: Through,
    zone: Zone,
    confidence: f64,
    count: u32,
    /// Per metric, the experiment with this metric alone, and what is entered.
    entered: Vec<(Definition, OfPersons)>,
}

/// What persons enter for one metric.
#[derive(Debug, Default)]
pub(super) struct OfPersons {
    pub(super) sums: Vec<Entered>,
    pub(super) values: Vec<Valued>,
    pub(super) lives: Vec<Lived>,
}

/// Day, person, slot, and what is added to it.
pub(super) type Entered = (Day, u32, u8, I256);

/// Day, person, the bucket of the value, and what is added to it.
pub(super) type Valued = (Day, u32, i16, Bucket);

/// Day, person, the life, and what is added to it.
pub(super) type Lived = (Day, u32, LifeKey, Life);

impl Gathering {
    /// Nobody yet. Persons will be taken as of `through`, and judged at `confidence`.
    #[must_use]
    pub fn new(definition: &Definition, through: Through, zone: Zone, confidence: f64) -> Self {
        let entered = (0..definition.metrics.len()).map(|metric| (alone(definition, metric), OfPersons::default()));
        let entered = entered.collect();
        Self { definition: definition.clone(), through, zone, confidence, count: 0, entered }
    }

    /// One more person. Who was exposed later than `through` takes no part.
    pub fn add(&mut self, contribution: &Contribution) {
        let exposed = contribution.assignment.as_ref().filter(|assignment| assignment.day <= self.through.live);
        let Some(assignment) = exposed else { return };
        for (metric, (alone, entered)) in self.entered.iter_mut().enumerate() {
            let windowed = self.definition.window_days(metric).is_some();
            let assignment = Assignment {
                arm: 0,
                crossed: None,
                values: Vec::new(),
                foreign: Vec::new(),
                walks: Vec::new(),
                traces: vec![assignment.traces[metric].clone()],
                ..assignment.clone()
            };
            let contribution = Contribution { strays: Vec::new(), assignment: Some(assignment) };
            let mut tally = Tally::default();
            tally.apply(alone, &contribution, Direction::Add);
            for (key, row) in tally.rows {
                let (slots, last) =
                    if windowed { (row.all.matured, self.through.matured) } else { (row.all.live, self.through.live) };
                if key.day <= last {
                    let buckets = row.all.detail.iter().flat_map(|detail| &detail.buckets);
                    let looked_at = buckets.filter(|(bucket, _)| bucket.matured == windowed);
                    entered.values.extend(looked_at.map(|(bucket, sums)| (key.day, self.count, bucket.bucket, *sums)));
                    let lives = row.all.detail.iter().flat_map(|detail| &detail.lives);
                    let looked_at = lives.filter(|(life, _)| life.matured == windowed);
                    entered.lives.extend(looked_at.map(|(life, sums)| (key.day, self.count, *life, *sums)));
                    // One metric has far fewer slots than 256.
                    let some = slots.iter().filter_map(|(slot, sum)| Some((u8::try_from(slot).ok()?, sum)));
                    entered.sums.extend(some.map(|(slot, sum)| (key.day, self.count, slot, sum)));
                }
            }
        }
        self.count += 1;
    }

    /// All persons are there.
    #[must_use]
    pub fn finish(self) -> Persons {
        let definition = &self.definition;
        let weights: Vec<f64> =
            definition.experiment.arms.iter().map(|arm| arm.weight.units() as f64 / UNIT as f64).collect();
        let whole: f64 = weights.iter().sum();
        let shares = weights.iter().scan(0.0, |sum, weight| {
            *sum += weight / whole;
            Some(*sum)
        });
        let shares = shares.collect();
        let of = |(alone, entered)| Entries::of(alone, entered, self.through, self.zone);
        let metrics = self.entered.into_iter().map(of);
        Persons { count: self.count as usize, shares, metrics: metrics.collect(), confidence: self.confidence }
    }
}

/// The experiment with one metric alone.
fn alone(definition: &Definition, metric: usize) -> Definition {
    let mut alone = definition.clone();
    alone.metrics = vec![definition.metrics[metric].clone()];
    alone.experiment.metrics = vec![definition.experiment.metrics[metric].clone()];
    alone.experiment.dimensions.clear();
    alone.experiment.lenses.clear();
    // What the arms cost would be an effect of theirs.
    alone.experiment.arms.iter_mut().for_each(|arm| arm.cost = journey::Cost::default());
    // Nobody crosses over where persons are dealt out.
    alone.experiment.crossovers = CrossoverPolicy::First;
    alone
}
