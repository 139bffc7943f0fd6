//! Through which channels are persons reached, and does what they were assigned arrive?
//!
//! Causal: the share of *everyone exposed* who was reached on a channel, and who converted. Both are conversions, and
//! judged as such.
//!
//! Description: on which channels together persons are, how many channels they use and how those with so many convert,
//! whether they were shown one arm everywhere, whether it arrived and how soon. Who uses how many channels is a
//! consequence of the arm: a treatment that brings persons to a second channel moves the less active among its users there,
//! so that both groups can look worse while everyone is better off.
//!
//! What was assigned differs by arm, so how well it arrived says how well the arm was carried out, and is no effect of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journey::{Goal, Key};

use crate::histogram::{Bucket, Histogram};
use crate::inference::tails::chi_square_sf;
use crate::inference::{Interval, Quantile, Undefined, quantile, wilson_interval};
use crate::lens::{ArmSights, ChannelKey, MAX_CHANNELS, OTHER, Sights, channel_key_of};
use crate::report::{Maturity, Question, Share, SharesReport, report_shares};

/// The most sets of channels that are told one by one.
pub const MAX_SETS: usize = 100;

/// The expected persons of a cell below which the chi-square test of a table is not to be trusted (Cochran 1954).
const SMALLEST_EXPECTED: f64 = 5.0;

/// Below this p-value the channels of the exposures differ by arm.
pub const DIFFERS: f64 = 0.001;

/// What is known of contacts through channels.
#[derive(Debug, Clone)]
pub struct Channels {
    /// The channels that are told apart, those with the most persons first; [`OTHER`] last, where there is any.
    pub names: Vec<Arc<str>>,
    /// How many more channels are in [`OTHER`].
    pub others: usize,
    /// The share that converted, and then the shares that were reached on each channel.
    pub shares: SharesReport,
    /// The sets of channels, those with the most persons first. The empty one: persons who were reached on none.
    pub sets: Vec<BTreeSet<Arc<str>>>,
    /// How many more sets there are.
    pub more_sets: usize,
    /// What is described of each arm.
    pub arms: Vec<ArmChannels>,
    /// Which arms are exposed through which channels.
    pub exposures: ExposureSplit,
}

/// Some persons among others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Persons who count.
    pub persons: i64,
    /// Persons among whom they are.
    pub of: i64,
    /// The interval of their share, after Wilson.
    pub interval: Result<Interval, Undefined>,
}

/// What is described of an arm, in the main reading.
#[derive(Debug, Clone)]
pub struct ArmChannels {
    /// Persons.
    pub persons: i64,
    /// Persons per set of [`Channels::sets`].
    pub sets: Vec<Part>,
    /// Persons in sets that are not told one by one.
    pub beyond: Part,
    /// Who converted among the persons with so many channels: 0, 1, and so on.
    pub by_number: Vec<Part>,
    /// Persons who were shown their own arm and no other.
    pub consistent: Part,
    /// The same among those to whom an arm was named on several channels.
    pub consistent_on_several: Part,
    /// Persons who received what they were assigned.
    pub received: Part,
    /// Persons who received something else in its place.
    pub fallback: Part,
    /// Persons who did not consent.
    pub no_consent: Part,
    /// Persons to whom it did not arrive.
    pub undelivered: Part,
    /// Persons with a trigger, among all.
    pub triggered: Part,
    /// Persons who were reached after the trigger, among those with one.
    pub reached: Part,
    /// The delay from the trigger, of those who were reached, in seconds.
    pub median: Result<Quantile, Undefined>,
    /// The delay within which nine in ten were reached.
    pub p90: Result<Quantile, Undefined>,
    /// Persons by the channel of their first exposure.
    pub exposed_on: BTreeMap<Arc<str>, i64>,
}

/// Which arms are exposed through which channels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ExposureSplit {
    /// No exposure says its channel, or all say the same.
    One,
    /// Each channel belongs to one arm: what was randomised is the channel, or goes with it.
    ByArm,
    /// Several arms share channels in the same proportions, or at least nothing speaks against it, p-value.
    Alike(f64),
    /// Several arms share channels in different proportions, p-value.
    Differs(f64),
    /// Too few persons to say.
    TooFew,
}

/// What arms make of contacts through channels.
#[must_use]
pub fn channels(question: &Question<'_>, arms: &[ArmSights], window_days: Option<u32>) -> Channels {
    let (names, others) = names(arms);
    let known: BTreeSet<&Arc<str>> = names.iter().filter(|name| &***name != OTHER).collect();
    let live: Vec<Seen> = arms.iter().map(|arm| Seen::of(&arm.live, &known)).collect();
    let matured: Vec<Option<Seen>> =
        arms.iter().map(|arm| arm.matured.as_ref().map(|matured| Seen::of(matured, &known))).collect();
    let share = |key: &str, count: &dyn Fn(&Seen) -> i64| {
        let counted =
            live.iter().zip(&matured).map(|(live, matured)| (count(live), matured.as_ref().map(count))).collect();
        Key::parse(key, "").ok().map(|key| Share { key, goal: Goal::Increase, counted })
    };
    let mut shares: Vec<Share> = share("converted", &Seen::converted).into_iter().collect();
    for name in &names {
        shares.extend(share(&format!("reach {name}"), &|seen| seen.reached_on(name)));
    }
    let shares = report_shares(question, arms, &shares, window_days);
    let is_matured = question.maturity == Maturity::Matured;
    let main: Vec<&Seen> = live
        .iter()
        .zip(&matured)
        .map(|(live, matured)| matured.as_ref().filter(|_| is_matured).unwrap_or(live))
        .collect();
    let mut sets = by_persons(main.iter().flat_map(|seen| seen.sets.iter().map(|(set, (n, _))| (set.clone(), *n))));
    let more_sets = sets.len().saturating_sub(MAX_SETS);
    sets.truncate(MAX_SETS);
    let most = main.iter().flat_map(|seen| seen.sets.keys().map(BTreeSet::len)).max().unwrap_or(0);
    let told = arms.iter().zip(&main).map(|(arm, seen)| {
        let sights = arm.matured.as_ref().filter(|_| is_matured).unwrap_or(&arm.live);
        describe(sights, seen, &sets, most, question.confidence)
    });
    let told: Vec<ArmChannels> = told.collect();
    let exposures = exposure_split(&told);
    Channels { names, others, shares, sets, more_sets, arms: told, exposures }
}

/// The channels that are told apart, and how many are not: those with the most persons are, in the reading that sees
/// everyone, so that both readings name the same.
fn names(arms: &[ArmSights]) -> (Vec<Arc<str>>, usize) {
    let sets = arms.iter().flat_map(|arm| {
        arm.live.sums.keys().filter_map(|key| match channel_key_of(key)? {
            ChannelKey::Channels(channels) => Some((channels, arm.live.count(key))),
            _ => None,
        })
    });
    let mut names = by_persons(sets.flat_map(|(channels, n)| channels.into_iter().map(move |channel| (channel, n))));
    let had_other = names.iter().any(|name| &**name == OTHER);
    names.retain(|name| &**name != OTHER);
    let others = names.len().saturating_sub(MAX_CHANNELS);
    names.truncate(MAX_CHANNELS);
    if had_other || others > 0 {
        names.push(OTHER.into());
    }
    (names, others)
}

/// The things, those with the most persons first, then by themselves.
fn by_persons<T: Ord + Clone>(counts: impl Iterator<Item = (T, i64)>) -> Vec<T> {
    let mut sums: BTreeMap<T, i64> = BTreeMap::new();
    for (thing, n) in counts {
        *sums.entry(thing).or_default() += n;
    }
    let mut sums: Vec<(T, i64)> = sums.into_iter().filter(|(_, n)| *n > 0).collect();
    sums.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
    sums.into_iter().map(|(thing, _)| thing).collect()
}

/// Persons, and those who converted, by the set of their channels.
struct Seen {
    sets: BTreeMap<BTreeSet<Arc<str>>, (i64, i64)>,
}

impl Seen {
    fn of(sights: &Sights, known: &BTreeSet<&Arc<str>>) -> Self {
        let mut sets: BTreeMap<BTreeSet<Arc<str>>, (i64, i64)> = BTreeMap::new();
        for key in sights.sums.keys() {
            let Some(ChannelKey::Channels(channels)) = channel_key_of(key) else { continue };
            let told = |channel: Arc<str>| if known.contains(&channel) { channel } else { OTHER.into() };
            let (persons, converted) = sets.entry(channels.into_iter().map(told).collect()).or_default();
            *persons += sights.count(key);
            *converted += i64::try_from(sights.sum(key, 1)).unwrap_or(0);
        }
        Self { sets }
    }

    fn converted(&self) -> i64 {
        self.sets.values().map(|(_, converted)| converted).sum()
    }

    fn reached_on(&self, channel: &Arc<str>) -> i64 {
        self.sets.iter().filter(|(set, _)| set.contains(channel)).map(|(_, (persons, _))| persons).sum()
    }
}

fn describe(sights: &Sights, seen: &Seen, sets: &[BTreeSet<Arc<str>>], most: usize, confidence: f64) -> ArmChannels {
    let part = |persons: i64, of: i64| Part { persons, of, interval: wilson_interval(persons, of, confidence) };
    let count = |key: &ChannelKey| sights.count(&key.text());
    let all = |key: &ChannelKey| part(count(key), sights.persons);
    let in_sets: Vec<i64> = sets.iter().map(|set| seen.sets.get(set).map_or(0, |(persons, _)| *persons)).collect();
    let by_number = |number: usize| {
        let of_number = || seen.sets.iter().filter(move |(set, _)| set.len() == number).map(|(_, counts)| counts);
        part(of_number().map(|(_, converted)| converted).sum(), of_number().map(|(persons, _)| persons).sum())
    };
    let triggered = count(&ChannelKey::Triggered);
    let delays = delays(sights);
    let of_delays = |share: f64| quantile(&delays, share, confidence);
    let exposed_on = sights.sums.keys().filter_map(|key| match channel_key_of(key)? {
        ChannelKey::ExposedOn(channel) => Some((channel, sights.count(key))),
        _ => None,
    });
    ArmChannels {
        persons: sights.persons,
        sets: in_sets.iter().map(|persons| part(*persons, sights.persons)).collect(),
        beyond: part(sights.persons - in_sets.iter().sum::<i64>(), sights.persons),
        by_number: (0..=most).map(by_number).collect(),
        consistent: all(&ChannelKey::Consistent),
        consistent_on_several: part(count(&ChannelKey::ConsistentOnSeveral), count(&ChannelKey::OnSeveral)),
        received: all(&ChannelKey::Received),
        fallback: all(&ChannelKey::Fallback),
        no_consent: all(&ChannelKey::NoConsent),
        undelivered: all(&ChannelKey::Undelivered),
        triggered: all(&ChannelKey::Triggered),
        reached: part(delays.total().n, triggered),
        median: of_delays(0.5),
        p90: of_delays(0.9),
        exposed_on: exposed_on.collect(),
    }
}

fn delays(sights: &Sights) -> Histogram {
    let mut delays = Histogram::default();
    for key in sights.sums.keys() {
        if let Some(ChannelKey::Delay(bucket)) = channel_key_of(key) {
            let held = Bucket { n: sights.count(key), y: sights.sum(key, 1), yy: sights.sum(key, 2) };
            delays.add_bucket(bucket, held);
        }
    }
    delays
}

/// Pearson's chi-square test that arms are exposed through channels in the same proportions.
fn exposure_split(arms: &[ArmChannels]) -> ExposureSplit {
    let named: BTreeSet<&Arc<str>> =
        arms.iter().flat_map(|arm| arm.exposed_on.keys()).filter(|channel| !channel.is_empty()).collect();
    if named.len() < 2 {
        return ExposureSplit::One;
    }
    let on = |arm: &ArmChannels, channel: &Arc<str>| arm.exposed_on.get(channel).copied().unwrap_or(0);
    let present: Vec<&ArmChannels> = arms.iter().filter(|arm| arm.exposed_on.values().any(|n| *n > 0)).collect();
    let is_of_one = |channel: &&Arc<str>| present.iter().filter(|arm| on(arm, channel) > 0).count() == 1;
    if present.len() > 1 && named.iter().all(is_of_one) {
        return ExposureSplit::ByArm;
    }
    let columns: BTreeSet<&Arc<str>> = present.iter().flat_map(|arm| arm.exposed_on.keys()).collect();
    let of_arm: Vec<i64> = present.iter().map(|arm| arm.exposed_on.values().sum()).collect();
    let total = of_arm.iter().sum::<i64>() as f64;
    let mut chi_square = 0.0;
    for channel in &columns {
        let of_channel: i64 = present.iter().map(|arm| on(arm, channel)).sum();
        for (arm, persons) in present.iter().zip(&of_arm) {
            let expected = of_channel as f64 * *persons as f64 / total;
            if expected < SMALLEST_EXPECTED {
                return ExposureSplit::TooFew;
            }
            chi_square += (on(arm, channel) as f64 - expected).powi(2) / expected;
        }
    }
    let degrees_of_freedom = u32::try_from((columns.len() - 1) * present.len().saturating_sub(1)).unwrap_or(0);
    match chi_square_sf(chi_square, degrees_of_freedom) {
        Some(p) if p < DIFFERS => ExposureSplit::Differs(p),
        Some(p) => ExposureSplit::Alike(p),
        None => ExposureSplit::TooFew,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(on: &[(&str, i64)]) -> ArmChannels {
        let sights = Sights::default();
        let seen = Seen { sets: BTreeMap::new() };
        let exposed_on = on.iter().map(|(channel, n)| (Arc::from(*channel), *n)).collect();
        ArmChannels { exposed_on, ..describe(&sights, &seen, &[], 0, 0.95) }
    }

    /// Source: derivation. The table (30 70; 50 50) has expected cells 40 and 60, so chi-square
    /// `2 (100/40 + 100/60) = 25/3`, and `erfc(sqrt(25/6)) = 0.00389` is its p-value (scipy 1.17.1, `chi2.sf(25/3, 1)`).
    #[test]
    fn exposures_through_channels_are_compared_by_chi_square() {
        const TOLERANCE: f64 = 1e-5;
        let split = exposure_split(&[arm(&[("web", 30), ("email", 70)]), arm(&[("web", 50), ("email", 50)])]);
        let ExposureSplit::Alike(p) = split else { panic!("{split:?}") };
        assert!((p - 0.003_892).abs() < TOLERANCE, "{p}");
        let split = exposure_split(&[arm(&[("web", 300), ("email", 700)]), arm(&[("web", 500), ("email", 500)])]);
        assert!(matches!(split, ExposureSplit::Differs(p) if p < 1e-15), "{split:?}");
        assert_eq!(exposure_split(&[arm(&[("web", 9)]), arm(&[("email", 9)])]), ExposureSplit::ByArm);
        assert_eq!(exposure_split(&[arm(&[("web", 9)]), arm(&[("web", 9), ("", 5)])]), ExposureSplit::One);
        assert_eq!(exposure_split(&[arm(&[("web", 9), ("app", 1)]), arm(&[("web", 9)])]), ExposureSplit::TooFew);
        assert_eq!(exposure_split(&[]), ExposureSplit::One);
    }
}
