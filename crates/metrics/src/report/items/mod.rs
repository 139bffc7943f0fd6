//! Which content worked? Per arm the items that persons were shown, what these persons did, and which of it is an effect.
//!
//! A person stands with the first item that they were shown. What persons with different items did differs for two reasons:
//! the item, and the persons whom it was shown to. An engine shows items to those whom they fit, so the table is a description.
//! Two ways lead to effects: items that were *drawn* within the arm, with probabilities that are known ([`drawn`]), and control
//! persons of whom it is known what they *would have* been shown ([`would_have`]).
//!
//! The best of many items has been lucky, so each one also comes with the number to expect of it: conversions by
//! [`RateSpread`], values pulled towards their mean by the spread after Paule and Mandel ([`compare_segments`]).

mod drawn;
mod sums;
mod would_have;

use std::collections::BTreeMap;
use std::sync::Arc;

use journey::Goal;

use super::kpi::{Setting, Value};
use super::versus::Claim;
use super::{Check, Maturity, Question};
use crate::inference::{
    Effect, Estimate, Interval, RateSpread, ShrunkenRate, Undefined, compare_segments, mean, mean_interval_at,
    wilson_interval_at,
};
use crate::lens::{ArmSights, ItemKey, Sights, SightsByDay, item_key_of};

pub use drawn::{Drawn, VersusArm};
pub use sums::ItemSums;
pub use would_have::WouldHave;

/// So many items of an arm are told one by one, those with the most persons.
pub const MOST_ITEMS: usize = 200;

/// The items of all arms.
#[derive(Debug, Clone)]
pub struct ItemsReport {
    /// The arms, in the order of the experiment.
    pub arms: Vec<ArmItems>,
    /// Each item against the persons of the baseline who would have been shown it; or why that can't be said.
    pub would_have: Result<WouldHave, &'static str>,
}

/// The items of one arm, in the main reading.
#[derive(Debug, Clone)]
pub struct ArmItems {
    /// The index of the arm.
    pub arm: usize,
    /// Persons of the arm.
    pub persons: i64,
    /// Those who were shown any item.
    pub shown: ItemSums,
    /// The items with the most persons, most first, equally large ones by name.
    pub items: Vec<Item>,
    /// How many items lie beyond them, and what their persons amount to.
    pub other: Option<(usize, ItemSums)>,
    /// How conversion rates are spread over the items.
    pub spread: Result<RateSpread, Undefined>,
    /// The standard deviation of the true values per person over items.
    pub value_spread: Result<f64, Undefined>,
    /// Whether items were drawn, so that differences between them are effects.
    pub drawn: Claim,
}

/// One item of an arm.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its name.
    pub item: Arc<str>,
    /// Persons who were shown it first, and what they amount to.
    pub sums: ItemSums,
    /// The share of them that converted, with Wilson's interval.
    pub rate: Value,
    /// The conversion rate to expect.
    pub expected_rate: Result<ShrunkenRate, Undefined>,
    /// The value per person.
    pub value: Value,
    /// The value per person to expect.
    pub expected_value: Result<Shrunken, Undefined>,
    /// What became of the item with everyone who was ever shown it.
    pub acceptance: Acceptance,
    /// The item as if everyone in the arm had been shown it, where it was drawn; or why there is no such number.
    pub drawn: Result<Drawn, Claim>,
}

/// A number that was pulled towards the common one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shrunken {
    /// The number to expect.
    pub value: f64,
    /// Its interval.
    pub interval: Interval,
    /// The share of the measured distance from the common number that was kept.
    pub kept: f64,
}

/// Whether an item was accepted later by those who were ever shown it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Acceptance {
    /// Persons who were ever shown it.
    pub shown: i64,
    /// Those of them who clicked or bought it later.
    pub accepted: i64,
    /// Wilson's interval of their share.
    pub interval: Result<Interval, Undefined>,
}

/// What persons were shown in each arm, what they did, and what of it is an effect of the items; with the check of how items
/// that would have been shown are spread over the arms, where exposures name them.
///
/// `joined`: the same lens day by day ([`crate::lens::by_day`]), of the keys that [`crate::lens::is_at_exposure`] names; asked for
/// where that check is made.
///
/// # Panics
/// Never: the keys of the two metrics that are made for it are valid.
#[must_use]
pub fn report_items(
    question: &Question<'_>,
    (arms, joined): (&[ArmSights], impl FnOnce() -> SightsByDay),
    window_days: Option<u32>,
) -> (ItemsReport, Option<Check>) {
    let setting = Setting::of(question);
    let maturity = if window_days.is_some() { question.maturity } else { Maturity::Live };
    let main = |arm: &'_ ArmSights| -> Sights {
        match (&arm.matured, maturity) {
            (Some(matured), Maturity::Matured) => matured.clone(),
            _ => arm.live.clone(),
        }
    };
    let mut reports: Vec<ArmItems> = arms
        .iter()
        .enumerate()
        .map(|(arm, sights)| of_arm(question, &setting, maturity, window_days.is_some(), arm, &main(sights)))
        .collect();
    drawn::adjust(question, &mut reports);
    let (would_have, check) = would_have::compare(question, (arms, joined), window_days);
    (ItemsReport { arms: reports, would_have }, check)
}

fn of_arm(
    question: &Question<'_>,
    setting: &Setting,
    maturity: Maturity,
    has_window: bool,
    arm: usize,
    sights: &Sights,
) -> ArmItems {
    let mut found: BTreeMap<Arc<str>, ItemSums> = BTreeMap::new();
    let mut ever: BTreeMap<Arc<str>, (i64, i64)> = BTreeMap::new();
    for key in sights.sums.keys() {
        match item_key_of(key) {
            Some(ItemKey::AtExposure(item) | ItemKey::Later(item)) => {
                found.entry(item).or_default().add(&ItemSums::of(sights, key));
            }
            Some(ItemKey::Ever(item)) => {
                let whole = |slot| i64::try_from(sights.sum(key, slot)).unwrap_or(i64::MAX);
                ever.insert(item, (whole(0), whole(1)));
            }
            Some(ItemKey::WouldHave(_)) | None => {}
        }
    }
    let mut shown = ItemSums::default();
    for sums in found.values() {
        shown.add(sums);
    }
    let mut items: Vec<(Arc<str>, ItemSums)> = found.into_iter().collect();
    items.sort_by(|a, b| b.1.persons.cmp(&a.1.persons).then_with(|| a.0.cmp(&b.0)));
    let beyond = items.split_off(items.len().min(MOST_ITEMS));
    let other = (!beyond.is_empty()).then(|| {
        let mut sums = ItemSums::default();
        for (_, more) in &beyond {
            sums.add(more);
        }
        (beyond.len(), sums)
    });
    let counts: Vec<(i64, i64)> = items.iter().map(|(_, sums)| (sums.converted, sums.persons)).collect();
    let spread = RateSpread::of(&counts);
    let values = expected_values(question, &items, &shown);
    let drawing =
        drawn::Drawing { question, setting, shown: &shown, items: items.len() + beyond.len(), maturity, has_window };
    let claim = drawing.claim();
    let level = setting.level;
    let tell = |(at, (item, sums)): (usize, (Arc<str>, ItemSums))| {
        let (of, n) = counts[at];
        let rate = if n > 0 { Ok(of as f64 / n as f64) } else { Err(Undefined::NoPersons) };
        let value = sums.value();
        let (was_shown, accepted) = ever.get(&item).copied().unwrap_or_default();
        Item {
            rate: Value { value: rate, interval: level.and_then(|level| wilson_interval_at(of, n, &level)) },
            expected_rate: spread.and_then(|spread| spread.shrink(of, n, question.confidence)),
            value: Value {
                value: value.map(|value| value.value()).or_else(|_| sums.value_of_one()),
                interval: value.and_then(|value| mean_interval_at(&value, &level?)),
            },
            expected_value: values.as_ref().map_err(|reason| *reason).and_then(|(_, values)| values[at]),
            acceptance: Acceptance {
                shown: was_shown,
                accepted,
                interval: level.and_then(|level| wilson_interval_at(accepted, was_shown, &level)),
            },
            drawn: drawing.item(&sums),
            item,
            sums,
        }
    };
    ArmItems {
        arm,
        persons: sights.persons,
        shown,
        items: items.into_iter().enumerate().map(tell).collect(),
        other,
        spread,
        value_spread: values.map(|(between, _)| between),
        drawn: claim,
    }
}

impl ItemSums {
    /// The value per person.
    fn value(&self) -> Result<Estimate, Undefined> {
        mean(self.valued(), self.y, self.yy)
    }

    /// The same for a single person, whose uncertainty is not known.
    fn value_of_one(&self) -> Result<f64, Undefined> {
        if self.valued() == 1 { Ok(self.y.as_f64() / journey::UNIT as f64) } else { Err(Undefined::NoPersons) }
    }
}

/// The values to expect, and the standard deviation of the true ones. The variance of a person is taken to be the same with
/// every item: an item that nobody bought after would else be taken for certain.
fn expected_values(
    question: &Question<'_>,
    items: &[(Arc<str>, ItemSums)],
    shown: &ItemSums,
) -> Result<(f64, Vec<Result<Shrunken, Undefined>>), Undefined> {
    let all = shown.value()?;
    let of_person = all.variance() * all.persons() as f64;
    let effect = |sums: &ItemSums| {
        let persons = sums.valued();
        let value = sums.value().map(|value| value.value()).or_else(|_| sums.value_of_one()).ok()?;
        let standard_error = (of_person / persons as f64).sqrt();
        (standard_error > 0.0).then_some(Effect { value, standard_error })
    };
    let effects: Vec<Option<Effect>> = items.iter().map(|(_, sums)| effect(sums)).collect();
    if all.variance() == 0.0 {
        return Err(Undefined::NoVariance);
    }
    let found = compare_segments(&effects, Goal::Increase, question.confidence)?;
    let normal = Setting::of(question).level?.normal();
    let values = found.segments.iter().map(|segment| {
        let segment = segment.ok_or(Undefined::NoPersons)?;
        let (value, half) = (segment.shrunken.value, normal * segment.shrunken.standard_error);
        Ok(Shrunken { value, interval: Interval { low: value - half, high: value + half }, kept: segment.kept })
    });
    Ok((found.between, values.collect()))
}
