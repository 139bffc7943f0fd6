//! How often would an experiment have seen an effect where there is none? Its own persons, dealt out to the arms anew.
//!
//! A promise of "wrong in at most 5 %" rests on assumptions: that there are enough persons for the skewness of *these*
//! values, that outcomes accrue as *they* do. Dealing the persons of an experiment out again, by the weights and without
//! regard to what happened, keeps all of that and makes every difference chance. What is called an effect then is a false
//! alarm, and the share of dealings with one is the realised rate, by the same reports that answers are made of.
//!
//! Whatever the arms really did to these persons is spread evenly over the dealt arms, so nothing needs to be taken out
//! first (Fisher 1935; for A/A tests on stored data: Kohavi, Tang, Xu, "Trustworthy Online Controlled Experiments", 2020,
//! chapter 19).

mod gathering;
mod spread;

use std::collections::BTreeSet;
use std::ops::{AddAssign, Range};

use ethnum::I256;
use journey::{Day, Definition, Method, Zone};

use crate::contribution::Contribution;
use crate::inference::{Interval, Undefined, wilson_interval};
use crate::lifespan;
use crate::moments::{Layout, Moments, micro_days};
use crate::random::Random;
use crate::reading::{ArmReading, Reading, Through};
use crate::report::{Adjust, Question, Verdict, report};
use crate::tally::detail::{Detail, Life, LifeKey};
pub use gathering::Gathering;
use gathering::OfPersons;
use spread::{Dealt, Values};

/// When a dealing is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looks {
    /// At the end of every day, until something is called an effect.
    EveryDay,
    /// Once, at the end of the last day.
    Once,
}

impl Looks {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::EveryDay => "every_day",
            Self::Once => "once",
        }
    }
}

/// The ways in which each metric is judged, in the order of [`FalseAlarms::alarms`].
pub const WAYS: [(Method, Looks); 5] = [
    (Method::Sequential, Looks::EveryDay),
    (Method::Frequentist, Looks::Once),
    (Method::Frequentist, Looks::EveryDay),
    (Method::Bayesian, Looks::Once),
    (Method::Bayesian, Looks::EveryDay),
];

/// The persons of an experiment, ready to be dealt out.
#[derive(Debug, Clone)]
pub struct Persons {
    count: usize,
    /// The weights of the arms, added up, as shares.
    shares: Vec<f64>,
    metrics: Vec<Entries>,
    confidence: f64,
}

/// What all persons enter for one metric, in the reading that decides.
#[derive(Debug, Clone)]
struct Entries {
    /// The experiment with this metric alone.
    definition: Definition,
    layout: Layout,
    /// The days on which something is entered.
    days: Vec<EntriesOfDay>,
    /// Person, slot and what is added to it.
    items: Vec<(u32, u8, I256)>,
    /// How values are distributed, of metrics that look at it.
    values: Values,
    /// Person, life and what is added to it, of metrics whose lifespan is estimated.
    lives: Vec<(u32, LifeKey, Life)>,
}

/// What is entered on a day.
#[derive(Debug, Clone)]
struct EntriesOfDay {
    /// The reading at its end.
    through: Through,
    /// Its items.
    items: Range<usize>,
    /// Its values.
    values: Range<usize>,
    /// Its lives.
    lives: Range<usize>,
}

/// What the persons who are dealt to an arm amount to.
#[derive(Debug, Clone)]
struct OfArm {
    sums: Vec<I256>,
    lives: Detail,
}

/// How many dealings of each metric were called an effect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FalseAlarms {
    /// Dealings.
    pub runs: u32,
    /// Per metric, whether it is a quantile: there is no sequence of those.
    pub quantiles: Vec<bool>,
    /// Per metric, in each of [`WAYS`].
    pub alarms: Vec<[u32; WAYS.len()]>,
}

impl AddAssign for FalseAlarms {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        if self.quantiles.is_empty() {
            self.quantiles = other.quantiles;
        }
        self.alarms.resize(self.alarms.len().max(other.alarms.len()), [0; WAYS.len()]);
        for (own, more) in self.alarms.iter_mut().zip(other.alarms) {
            own.iter_mut().zip(more).for_each(|(own, more)| *own += more);
        }
    }
}

impl FalseAlarms {
    /// The realised rate of a metric in one of [`WAYS`], with Wilson's interval of 95 %.
    pub fn rate(&self, metric: usize, way: usize) -> Result<(f64, Interval), Undefined> {
        if self.quantiles.get(metric).copied().unwrap_or(false) && WAYS[way].0 == Method::Sequential {
            return Err(Undefined::NoSequenceOfQuantiles);
        }
        let alarms = i64::from(self.alarms.get(metric).map_or(0, |ways| ways[way]));
        let interval = wilson_interval(alarms, self.runs.into(), 0.95)?;
        Ok((alarms as f64 / f64::from(self.runs), interval))
    }
}

/// What is promised of a way of judging at `confidence`: the most dealings that may be called an effect, as a share; `None`: nothing
/// is.
#[must_use]
pub fn promised((method, looks): (Method, Looks), confidence: f64) -> Option<f64> {
    match (method, looks) {
        (Method::Sequential, _) | (Method::Frequentist, Looks::Once) => Some(1.0 - confidence),
        _ => None,
    }
}

impl Persons {
    /// Makes the persons of an experiment ready, from what each of them contributes as of `through`. Those who were exposed later
    /// take no part. The order of `contributions` decides who gets which random number.
    #[must_use]
    pub fn of<'a>(
        definition: &Definition,
        contributions: impl IntoIterator<Item = &'a Contribution>,
        through: Through,
        zone: Zone,
        confidence: f64,
    ) -> Self {
        let mut gathering = Gathering::new(definition, through, zone, confidence);
        contributions.into_iter().for_each(|contribution| gathering.add(contribution));
        gathering.finish()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The days at whose ends a metric is looked at.
    #[must_use]
    pub fn days(&self, metric: usize) -> usize {
        self.metrics.get(metric).map_or(0, |entries| entries.days.len())
    }

    /// Deals the persons out to the arms by their weights, once for each number of `runs`, and counts what is called an effect: any
    /// arm better or worse than control, after Holm's correction over the arms of the metric.
    ///
    /// A dealing depends on the seed and on its number alone, so that parts of the runs can be counted anywhere and added up.
    #[must_use]
    pub fn deal(&self, seed: u64, runs: Range<u32>) -> FalseAlarms {
        // An odd number far from the generator's own step, so that no two dealings share their numbers.
        const STEP: u64 = 0xd134_2543_de82_ef95;
        let first = Random::new(seed).bits();
        let mut alarms = vec![[0; WAYS.len()]; self.metrics.len()];
        let mut arms = vec![0u8; self.count];
        for run in runs.clone() {
            let mut random = Random::new(first.wrapping_add(u64::from(run).wrapping_mul(STEP)));
            for arm in &mut arms {
                let at = random.uniform();
                let found = self.shares.iter().position(|share| at < *share).unwrap_or(self.shares.len() - 1);
                *arm = u8::try_from(found).unwrap_or(u8::MAX);
            }
            for (entries, alarms) in self.metrics.iter().zip(&mut alarms) {
                let found = entries.judge(&arms, self.shares.len(), self.confidence);
                alarms.iter_mut().zip(found).for_each(|(count, found)| *count += u32::from(found));
            }
        }
        let quantiles = self.metrics.iter().map(|entries| entries.definition.metrics[0].kind.is_quantile()).collect();
        FalseAlarms { runs: runs.end.saturating_sub(runs.start), quantiles, alarms }
    }
}

impl Entries {
    fn of(alone: Definition, entered: OfPersons, through: Through, zone: Zone) -> Self {
        let OfPersons { sums: mut all, mut values, mut lives } = entered;
        all.sort_unstable_by_key(|(day, person, slot, _)| (*day, *person, *slot));
        values.sort_by_key(|(day, person, ..)| (*day, *person));
        lives.sort_by_key(|(day, person, ..)| (*day, *person));
        let mut known: BTreeSet<Day> = all.iter().map(|(day, ..)| *day).collect();
        known.extend(values.iter().map(|(day, ..)| *day).chain(lives.iter().map(|(day, ..)| *day)));
        let (mut items, mut of_values, mut of_lives) = (0, 0, 0);
        let days = known.into_iter().map(|on| {
            let before = (items, of_values, of_lives);
            items = all.partition_point(|(day, ..)| *day <= on);
            of_values = values.partition_point(|(day, ..)| *day <= on);
            of_lives = lives.partition_point(|(day, ..)| *day <= on);
            EntriesOfDay {
                through: Through { live: on, matured: on.min(through.matured), end: zone.end_of(on) },
                items: before.0..items,
                values: before.1..of_values,
                lives: before.2..of_lives,
            }
        });
        let (days, values) = (days.collect(), Values::of(values));
        let layout = Layout::of(&alone.metrics[0].kind);
        let items = all.into_iter().map(|(_, person, slot, sum)| (person, slot, sum)).collect();
        let lives = lives.into_iter().map(|(_, person, key, life)| (person, key, life)).collect();
        Self { definition: alone, layout, days, items, values, lives }
    }

    /// Whether anything is called an effect, in each of [`WAYS`], where each person is in this arm.
    fn judge(&self, of_person: &[u8], arms: usize, confidence: f64) -> [bool; WAYS.len()] {
        let mut sums = self.nobody(arms);
        let mut dealt = self.values.nobody(arms);
        let mut found = [false; WAYS.len()];
        for (number, day) in self.days.iter().enumerate() {
            self.add(day, of_person, &mut sums, &mut dealt);
            let is_last = number + 1 == self.days.len();
            let mut reading = None;
            for (way, (method, looks)) in WAYS.iter().enumerate() {
                let is_silent = *method == Method::Sequential && self.definition.metrics[0].kind.is_quantile();
                if found[way] || is_silent || (*looks == Looks::Once && !is_last) {
                    continue;
                }
                let reading = reading.get_or_insert_with(|| self.reading(&sums, &dealt, day.through));
                found[way] = self.is_alarm(reading, *method, confidence);
            }
        }
        found
    }

    /// Arms that nobody was dealt to.
    fn nobody(&self, arms: usize) -> Vec<OfArm> {
        vec![OfArm { sums: vec![I256::ZERO; self.layout.slots().len()], lives: Detail::default() }; arms]
    }

    /// Adds what is entered on a day to the arms of the persons.
    fn add(&self, day: &EntriesOfDay, of_person: &[u8], arms: &mut [OfArm], dealt: &mut [Dealt]) {
        for (person, slot, sum) in &self.items[day.items.clone()] {
            arms[usize::from(of_person[*person as usize])].sums[usize::from(*slot)] += *sum;
        }
        for (person, key, life) in &self.lives[day.lives.clone()] {
            arms[usize::from(of_person[*person as usize])].lives.add_life(*key, life, 1);
        }
        self.values.deal(day.values.clone(), of_person, dealt);
    }

    fn reading(&self, sums: &[OfArm], dealt: &[Dealt], through: Through) -> Reading {
        let windowed = self.definition.window_days(0).is_some();
        let end = micro_days(through.end);
        let of_arm = |(arm, of): (usize, &OfArm)| Moments::of(&self.definition, 0, arm, &of.sums, end);
        let mut all: Vec<Moments> = sums.iter().enumerate().map(of_arm).collect();
        self.values.refine(&self.definition, dealt, &mut all);
        let mut arms: Vec<ArmReading> = all
            .into_iter()
            .map(|moments| {
                let persons = moments.n;
                // A metric with a window decides by its matured reading: the live one is not looked at.
                let (live, matured) = if windowed { (Moments::default(), Some(moments)) } else { (moments, None) };
                ArmReading {
                    persons,
                    matured_persons: persons,
                    live: vec![live],
                    matured: vec![matured],
                    ..ArmReading::default()
                }
            })
            .collect();
        let lives: Vec<Option<&Detail>> = sums.iter().map(|of| Some(&of.lives)).collect();
        lifespan::add(&self.definition, &lives, through, &mut arms);
        Reading { arms, ..Reading::default() }
    }

    fn is_alarm(&self, reading: &Reading, method: Method, confidence: f64) -> bool {
        let question = Question { method, confidence, adjust: Adjust::Holm, ..Question::planned(&self.definition) };
        let reports = report(&question, reading);
        reports
            .iter()
            .flat_map(|report| &report.arms)
            .filter_map(|arm| arm.main.versus.as_ref())
            .any(|versus| matches!(versus.verdict.0, Verdict::Better | Verdict::Worse))
    }
}

#[cfg(test)]
mod tests;
