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

use std::ops::{AddAssign, Range};

use ethnum::I256;
use journey::{CrossoverPolicy, Day, Definition, Method, UNIT, Zone};

use crate::contribution::{Assignment, Contribution};
use crate::inference::{Interval, Undefined, wilson_interval};
use crate::moments::{Layout, Moments, micro_days};
use crate::random::Random;
use crate::reading::{ArmReading, Reading, Through};
use crate::report::{Adjust, Question, Verdict, report};
use crate::tally::{Direction, Tally};

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
    /// The days on which something is entered, with the instant at which they end and their entries.
    days: Vec<(Day, i64, Range<usize>)>,
    /// Person, slot and what is added to it.
    items: Vec<(u32, u8, I256)>,
}

/// How many dealings of each metric were called an effect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FalseAlarms {
    /// Dealings.
    pub runs: u32,
    /// Per metric, whether it was left out: how values are distributed is not dealt out.
    pub left_out: Vec<bool>,
    /// Per metric, in each of [`WAYS`].
    pub alarms: Vec<[u32; WAYS.len()]>,
}

impl AddAssign for FalseAlarms {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        if self.left_out.is_empty() {
            self.left_out = other.left_out;
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
        if self.left_out.get(metric).copied().unwrap_or(false) {
            return Err(Undefined::NotDealt);
        }
        let alarms = u64::from(self.alarms.get(metric).map_or(0, |ways| ways[way]));
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

/// The persons of an experiment while they come, one by one: of each only what is dealt out stays.
#[derive(Debug)]
pub struct Gathering {
    definition: Definition,
    through: Through,
    zone: Zone,
    confidence: f64,
    count: u32,
    /// Per metric, the experiment with this metric alone, and day, person, slot and what is added to it.
    entered: Vec<(Definition, Vec<Entered>)>,
}

/// Day, person, slot, and what is added to it.
type Entered = (Day, u32, u8, I256);

impl Gathering {
    /// Nobody yet. Persons will be taken as of `through`, and judged at `confidence`.
    #[must_use]
    pub fn new(definition: &Definition, through: Through, zone: Zone, confidence: f64) -> Self {
        let entered = (0..definition.metrics.len()).map(|metric| (alone(definition, metric), Vec::new())).collect();
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
                    // One metric has far fewer slots than 256.
                    let some = slots.iter().filter_map(|(slot, sum)| Some((u8::try_from(slot).ok()?, sum)));
                    entered.extend(some.map(|(slot, sum)| (key.day, self.count, slot, sum)));
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
        let metrics = self.entered.into_iter().map(|(alone, entered)| Entries::of(alone, entered, self.zone));
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
            for (entries, alarms) in self.metrics.iter().zip(&mut alarms).filter(|(entries, _)| !entries.is_left_out())
            {
                let found = entries.judge(&arms, self.shares.len(), self.confidence);
                alarms.iter_mut().zip(found).for_each(|(count, found)| *count += u32::from(found));
            }
        }
        let left_out = self.metrics.iter().map(Entries::is_left_out).collect();
        FalseAlarms { runs: runs.end.saturating_sub(runs.start), left_out, alarms }
    }
}

impl Entries {
    fn of(alone: Definition, mut all: Vec<Entered>, zone: Zone) -> Self {
        all.sort_unstable_by_key(|(day, person, slot, _)| (*day, *person, *slot));
        let mut days = Vec::new();
        let mut start = 0;
        for some in all.chunk_by(|a, b| a.0 == b.0) {
            days.push((some[0].0, micro_days(zone.end_of(some[0].0)), start..start + some.len()));
            start += some.len();
        }
        let layout = Layout::of(&alone.metrics[0].kind);
        let items = all.into_iter().map(|(_, person, slot, sum)| (person, slot, sum)).collect();
        Self { definition: alone, layout, days, items }
    }

    /// Whether the metric needs how values are distributed, which is not dealt out.
    fn is_left_out(&self) -> bool {
        let metric = &self.definition.metrics[0];
        metric.kind.is_quantile() || metric.keeps.percentile_cap.is_some()
    }

    /// Whether anything is called an effect, in each of [`WAYS`], where each person is in this arm.
    fn judge(&self, of_person: &[u8], arms: usize, confidence: f64) -> [bool; WAYS.len()] {
        let mut sums = vec![vec![I256::ZERO; self.layout.slots().len()]; arms];
        let mut found = [false; WAYS.len()];
        for (number, (_, end, range)) in self.days.iter().enumerate() {
            for (person, slot, sum) in &self.items[range.clone()] {
                sums[usize::from(of_person[*person as usize])][usize::from(*slot)] += *sum;
            }
            let is_last = number + 1 == self.days.len();
            let mut reading = None;
            for (way, (method, looks)) in WAYS.iter().enumerate() {
                if found[way] || (*looks == Looks::Once && !is_last) {
                    continue;
                }
                let reading = reading.get_or_insert_with(|| self.reading(&sums, *end));
                found[way] = self.is_alarm(reading, *method, confidence);
            }
        }
        found
    }

    fn reading(&self, sums: &[Vec<I256>], end: i64) -> Reading {
        let windowed = self.definition.window_days(0).is_some();
        let arms = sums.iter().enumerate().map(|(arm, sums)| {
            let moments = Moments::of(&self.definition, 0, arm, sums, end);
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
        });
        Reading { arms: arms.collect(), ..Reading::default() }
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
mod tests {
    use super::*;
    use crate::contribution::{Step, Trace};
    use crate::report::tests::{conversion, definition_by, revenue};
    use journey::{Instant, Role};

    fn zone() -> Zone {
        Zone::parse("UTC", "").unwrap()
    }

    fn day(number: i64) -> Instant {
        Instant::parse("2026-06-01T12:00:00Z", "").unwrap().plus_days(number)
    }

    /// Persons who come over thirty days; one in ten orders at once, for a value of its own, small ones more often.
    fn persons(n: u32) -> Vec<Contribution> {
        let mut random = Random::new(3);
        (0..n)
            .map(|person| {
                let at = day(i64::from(person % 30));
                let on = zone().day_of(at);
                let closed = Some(zone().day_of(at.plus_days(14)));
                let bought = random.uniform() < 0.1;
                let spent = i128::from((random.bits() % 5_000 + 1) * (random.bits() % 5_000 + 1));
                let trace = |y: i128| Trace {
                    matured: closed,
                    window_units: 14 * UNIT,
                    x: 0,
                    u: 0,
                    steps: if bought { vec![Step { day: on, y, d: 0, orders: 1 }] } else { Vec::new() },
                };
                let assignment = Assignment {
                    // Whatever the arm did, dealing forgets it.
                    arm: u16::from(bought),
                    at,
                    day: on,
                    matured: closed,
                    crossed: None,
                    values: Vec::new(),
                    foreign: Vec::new(),
                    walks: Vec::new(),
                    traces: vec![trace(1), trace(spent)],
                };
                Contribution { strays: Vec::new(), assignment: Some(assignment) }
            })
            .collect()
    }

    fn ready(n: u32, last: i64) -> Persons {
        let x = definition_by(&[1, 1], &[conversion(Role::Primary), revenue(Role::Secondary)], Some(14), &[]);
        let last = zone().day_of(day(last));
        let through = Through { live: last, matured: last, end: zone().end_of(last) };
        Persons::of(&x, &persons(n), through, zone(), 0.95)
    }

    #[test]
    fn the_same_seed_gives_the_same_rates_however_the_runs_are_cut() {
        let persons = ready(3_000, 60);
        assert_eq!((persons.count(), persons.days(0)), (3_000, 30));
        let whole = persons.deal(7, 0..60);
        let mut parts = persons.deal(7, 0..25);
        parts += persons.deal(7, 25..60);
        assert_eq!(whole, parts);
        assert_ne!(whole, persons.deal(8, 0..60));
    }

    /// The realised rates of 400 dealings: at most 5 %, three standard errors (3.3 points) allowed; a test of one reading that is read
    /// every day is wrong far more often.
    #[test]
    fn what_is_promised_is_kept_and_peeking_is_not() {
        let found = ready(6_000, 60).deal(1, 0..400);
        for metric in 0..2 {
            let rate = |way: usize| found.rate(metric, way).unwrap().0;
            assert!(rate(0) <= 0.05, "sequential {} of metric {metric}", rate(0));
            assert!((0.017..0.083).contains(&rate(1)), "frequentist, once: {} of metric {metric}", rate(1));
            assert!(rate(2) > 0.12, "frequentist, every day: {} of metric {metric}", rate(2));
            assert!(rate(4) > rate(3), "bayesian, every day: {} of metric {metric}", rate(4));
            let (rate, interval) = found.rate(metric, 1).unwrap();
            assert!(interval.low < rate && rate < interval.high);
        }
        assert_eq!(promised(WAYS[0], 0.95).map(|rate| (rate * 1e9).round()), Some(5e7));
        assert_eq!(promised(WAYS[2], 0.95), None);
    }

    #[test]
    fn who_is_exposed_later_takes_no_part_and_nobody_raises_no_alarm() {
        assert_eq!(ready(3_000, 9).count(), 1_000);
        // No window has closed on the tenth day.
        assert_eq!(ready(3_000, 9).days(0), 0);
        let nobody = ready(0, 60);
        assert_eq!(nobody.deal(1, 0..10).alarms, vec![[0; WAYS.len()]; 2]);
        assert!(FalseAlarms::default().rate(0, 0).is_err());
    }
}
