//! Items that were drawn at random within an arm: what would everyone have done with this one?
//!
//! Whoever was shown an item that was drawn with probability `w` stands for `v = 1 / w` persons. The mean over the item's persons
//! weighted by `v` (Hajek 1971) estimates the KPI of the arm if everyone had been shown the item; it is compared with what the arm
//! did as it was, from the same persons. With `N` persons of mean `Y` and variance `s^2` in the arm and sums over the item's
//! persons, `m = sum v y / sum v`:
//!
//! ```text
//! variance of m            sum v^2 (y - m)^2 / (sum v)^2 * n / (n - 1)
//! covariance of m and Y    sum v (y - m)^2 / (N sum v)                          (the item's persons are also the arm's)
//! SE^2 of m - Y            variance of m + s^2 / N - 2 covariance; or, if larger,
//!                          s^2 (sum v^2 / (sum v)^2 - 1 / N), that of items which make no difference
//! ```
//!
//! Under the method `sequential` the confidence sequence of arms is used, at the time `4 n_e (N - n_e) / N` of `n_e = (sum v)^2 /
//! sum v^2` persons (Kish) against the others; the second standard error is the counterpart of the pooled one.
//!
//! What says that items were drawn is that `sum v` comes near `N`: if every person could have been shown the item, with the
//! probabilities that were sent, the item's persons stand for all of them. An engine that picks items and calls that a
//! probability of 1 is found out by it.

use ethnum::I256;
use journey::{Method, UNIT};

use super::sums::ItemSums;
use super::{ArmItems, Claim, Maturity, Question, Setting, Value};
use crate::inference::tails::normal_sf;
use crate::inference::{
    Estimate, Interval, Level, Undefined, bonferroni_confidence, holm, log_e_value, mean, ratio, two_sided_width,
};
use crate::report::claims::{BY_SEQUENCE, ONE_READING, TOO_FEW};
use crate::report::gate::CONTRIBUTORS;
use crate::report::verdict::Verdict;

/// The probability with which sums of weights so far off may be met in an arm whose items were drawn as told, all its items
/// together. Of one reading.
const WEIGHTS_ALARM: f64 = 1e-4;

const DRAWN: Claim = Claim::yes(
    "items were drawn at random within the arm, with the probabilities that came with them (inverse-probability weighted)",
);
const CHOSEN: Claim = Claim::no(
    "an engine shows items to those whom they fit, so persons with different items differ in more than the items: draw items \
     at random within the arm and send properties.item_weight (the probability with which the item was drawn) with what shows \
     them, or send properties.would_have (the item that would have been shown) with the exposures of control",
);
const SOME_WITHOUT: Claim = Claim::no(
    "some persons were shown their first item without the probability with which it was drawn (properties.item_weight, above 0 \
     and at most 1), so it is not known whom the others stand for",
);
const NOT_EVERYONE: Claim = Claim::no(
    "the weights of this item's persons do not add up to the persons of the arm: not everyone could have been shown it, or the \
     probabilities that were sent are not those with which it was drawn",
);
const ONE_ITEM: Claim = Claim::no("only one item was shown in this arm, so there is nothing to compare it with");
const NOBODY: Claim = Claim::no("nobody was shown an item in this arm");
const BLOCKED: Claim = Claim::no("a blocking check failed: the data can't be trusted before it is settled");
const MOVING: Claim =
    Claim::no("values still move while windows close: not proven for every moment, and no verdict is given");

/// An item as if everyone in the arm had been shown it.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// So many persons, each of the same weight, would know as much.
    pub effective_persons: f64,
    /// The share of persons who convert.
    pub rate: Value,
    /// The value per person.
    pub value: Value,
    /// The share against that of the arm as it was.
    pub rate_versus_arm: VersusArm,
    /// The value against that of the arm as it was.
    pub value_versus_arm: VersusArm,
}

impl Drawn {
    fn of_rate(&mut self) -> &mut VersusArm {
        &mut self.rate_versus_arm
    }

    fn of_value(&mut self) -> &mut VersusArm {
        &mut self.value_versus_arm
    }
}

/// An item against the arm as it was.
#[derive(Debug, Clone)]
pub struct VersusArm {
    /// The difference.
    pub difference: Value,
    /// Its two-sided p-value.
    pub p_value: Result<f64, Undefined>,
    /// The same after Holm over the items of all arms.
    pub p_value_adjusted: Result<f64, Undefined>,
    /// Whether interval and p-value hold however often they are read.
    pub anytime: Claim,
    /// What follows, and why it is withheld where it is.
    pub verdict: (Verdict, Option<&'static str>),
    error: Result<f64, Undefined>,
    time: f64,
}

/// The drawing of items in one arm.
pub(super) struct Drawing<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) setting: &'a Setting,
    /// Everyone who was shown an item.
    pub(super) shown: &'a ItemSums,
    /// How many items there are.
    pub(super) items: usize,
    pub(super) maturity: Maturity,
    pub(super) has_window: bool,
}

impl Drawing<'_> {
    /// Whether items were drawn, as far as the arm tells.
    pub(super) fn claim(&self) -> Claim {
        let shown = self.shown;
        match () {
            () if shown.persons == 0 => NOBODY,
            () if shown.weighed == 0 => CHOSEN,
            () if shown.weighed < shown.valued() => SOME_WITHOUT,
            () if self.items < 2 => ONE_ITEM,
            () if self.question.blocked => BLOCKED,
            () => DRAWN,
        }
    }

    /// What everyone would have done with an item.
    pub(super) fn item(&self, sums: &ItemSums) -> Result<Drawn, Claim> {
        let claim = self.claim();
        if !claim.holds {
            return Err(claim);
        }
        let unit = UNIT as f64;
        let (v, vv) = (sums.v.as_f64() / unit, sums.vv.as_f64() / unit / unit);
        let all = self.shown.weighed as f64;
        if !self.stand_for_everyone(v, vv, all) {
            return Err(NOT_EVERYONE);
        }
        let effective = (v * v / vv).min(all);
        let n = sums.weighed;
        // Products of a weight and a conversion are in millionths, those of a weight and a value in millionths of millionths.
        let rate = ratio(n, sums.vc, sums.vvc, sums.v, sums.vv, sums.vvc);
        let value = ratio(n, sums.vy, sums.vvyy, sums.v, sums.vv, sums.vvy)
            .and_then(|raw| Estimate::from_parts(raw.persons(), raw.value() / unit, raw.variance() / unit / unit));
        let shown = self.shown;
        let converted = I256::from(shown.converted) * I256::from(UNIT);
        let of_arm =
            [mean(shown.persons, converted, converted * I256::from(UNIT)), mean(shown.valued(), shown.y, shown.yy)];
        let mass = |sum: I256| sum.as_f64() / sums.v.as_f64();
        let rate_spread = mass(sums.vc) * (1.0 - mass(sums.vc));
        let value_spread = spread(sums);
        let shares = [shown.converted as f64 / shown.persons as f64, of_values(shown)];
        let around = |estimate: Result<Estimate, Undefined>| Value {
            value: estimate.map(|estimate| estimate.value()),
            interval: estimate.and_then(|estimate| {
                let normal = self.setting.level?.normal() * estimate.standard_error();
                if normal == 0.0 {
                    return Err(Undefined::NoVariance);
                }
                Ok(Interval { low: estimate.value() - normal, high: estimate.value() + normal })
            }),
        };
        let versus = |estimate: Result<Estimate, Undefined>, at: usize, within: f64| {
            self.versus(estimate, of_arm[at], within, [v, vv, effective], shares[at] * effective)
        };
        let mut shown_rate = around(rate);
        shown_rate.interval =
            shown_rate.interval.map(|interval| Interval { low: interval.low.max(0.0), high: interval.high.min(1.0) });
        Ok(Drawn {
            effective_persons: effective,
            rate: shown_rate,
            value: around(value),
            rate_versus_arm: versus(rate, 0, rate_spread),
            value_versus_arm: versus(value, 1, value_spread),
        })
    }

    /// Whether the weights add up to the persons of the arm, as far as chance allows: `sum v` has mean `N` and variance `sum (1 -
    /// w) / w` over all of them, of which the item's persons tell the mean.
    fn stand_for_everyone(&self, v: f64, vv: f64, all: f64) -> bool {
        let variance = all * ((vv - v) / v).max(0.0);
        let distance = (v - all).abs();
        if variance <= 0.0 {
            return distance < 0.5;
        }
        // A tail that can't be told is that of a number which is none.
        normal_sf(distance / variance.sqrt()).is_some_and(|tail| 2.0 * tail * self.items as f64 >= WEIGHTS_ALARM)
    }

    fn versus(
        &self,
        item: Result<Estimate, Undefined>,
        arm: Result<Estimate, Undefined>,
        within: f64,
        [v, vv, effective]: [f64; 3],
        contributors: f64,
    ) -> VersusArm {
        let all = self.shown.weighed as f64;
        let difference = item.and_then(|item| Ok(item.value() - arm?.value()));
        let time = 4.0 * effective * ((all - effective) / all).max(0.0);
        let error = item.and_then(|item| {
            let arm = arm?;
            let plain = item.variance() + arm.variance() - 2.0 * within / all;
            let alike = arm.variance() * arm.persons() as f64 * (vv / (v * v) - 1.0 / all);
            let error = plain.max(alike).max(0.0).sqrt();
            if error > 0.0 && error.is_finite() && time > 0.0 { Ok(error) } else { Err(Undefined::NoVariance) }
        });
        let moving = self.maturity == Maturity::Live && self.has_window;
        let anytime = match self.question.method {
            Method::Frequentist | Method::Bayesian => ONE_READING,
            Method::Sequential if moving => MOVING,
            Method::Sequential if contributors < CONTRIBUTORS => TOO_FEW,
            Method::Sequential => BY_SEQUENCE,
        };
        let z = error.and_then(|error| Ok(difference? / error));
        let p_value = match self.question.method {
            Method::Bayesian => Err(Undefined::BayesianGivesNoTest),
            Method::Frequentist => z.and_then(|z| {
                let tail = normal_sf(z.abs()).ok_or(Undefined::OutOfRange)?;
                Ok((2.0 * tail).clamp(f64::MIN_POSITIVE, 1.0))
            }),
            Method::Sequential => self
                .setting
                .tuning
                .and_then(|tuning| Ok((-log_e_value(z?, time, tuning.rho())).exp().clamp(f64::MIN_POSITIVE, 1.0))),
        };
        let mut versus = VersusArm {
            difference: Value { value: difference, interval: Err(Undefined::NoVariance) },
            p_value,
            p_value_adjusted: p_value,
            anytime,
            verdict: (Verdict::NoData, None),
            error,
            time,
        };
        versus.difference.interval =
            self.setting.level.and_then(|level| interval(self.question, self.setting, &versus, &level));
        if moving {
            versus.verdict.1 = Some(MOVING.reason);
        }
        versus
    }
}

/// The share of persons with a value, at least.
fn of_values(shown: &ItemSums) -> f64 {
    super::super::gate::share_of_alike(shown.valued(), shown.y, shown.yy)
}

/// `sum v (y - m)^2 / sum v`, in units of one squared.
fn spread(sums: &ItemSums) -> f64 {
    let unit = UNIT as f64;
    let exact = sums.vyy.checked_mul(sums.v).zip(sums.vy.checked_mul(sums.vy)).map(|(all, mean)| (all - mean).as_f64());
    let (v, vy) = (sums.v.as_f64(), sums.vy.as_f64());
    let spread = exact.map_or_else(|| sums.vyy.as_f64() / v - (vy / v).powi(2), |exact| exact / v / v);
    spread.max(0.0) / unit / unit
}

fn interval(
    question: &Question<'_>,
    setting: &Setting,
    versus: &VersusArm,
    level: &Level,
) -> Result<Interval, Undefined> {
    let width = match question.method {
        Method::Sequential => two_sided_width(versus.time, setting.tuning?.rho(), level.alpha()),
        Method::Frequentist | Method::Bayesian => level.normal(),
    };
    let (value, half) = (versus.difference.value?, width * versus.error?);
    Ok(Interval { low: value - half, high: value + half })
}

/// Adjusts the p-values over the items of all arms, conversions and values each a family of their own, widens the intervals
/// as Bonferroni asks for, and says what follows.
pub(super) fn adjust(question: &Question<'_>, arms: &mut [ArmItems]) {
    let setting = Setting::of(question);
    for of in [Drawn::of_rate, Drawn::of_value] {
        let mut family: Vec<&mut VersusArm> = arms
            .iter_mut()
            .flat_map(|arm| arm.items.iter_mut())
            .filter_map(|item| item.drawn.as_mut().ok())
            .map(of)
            .collect();
        let p_values: Vec<Option<f64>> = family.iter().map(|versus| versus.p_value.ok()).collect();
        let level = Level::new(bonferroni_confidence(question.confidence, family.len()));
        for (versus, adjusted) in family.iter_mut().zip(holm(&p_values)) {
            versus.p_value_adjusted = versus.p_value.and_then(|_| adjusted.ok_or(Undefined::NoVariance));
            versus.difference.interval = level.and_then(|level| interval(question, &setting, versus, &level));
            versus.verdict = verdict(question, versus);
        }
    }
}

/// More is better: conversions and their value.
fn verdict(question: &Question<'_>, versus: &VersusArm) -> (Verdict, Option<&'static str>) {
    let (Ok(p), Ok(difference)) = (versus.p_value_adjusted, versus.difference.value) else {
        return (Verdict::NoData, None);
    };
    if versus.verdict.1.is_some() {
        return (Verdict::Inconclusive, versus.verdict.1);
    }
    if question.method == Method::Sequential && !versus.anytime.holds {
        return (Verdict::Inconclusive, Some(versus.anytime.reason));
    }
    if p >= 1.0 - question.confidence {
        (Verdict::Inconclusive, None)
    } else if difference > 0.0 {
        (Verdict::Better, None)
    } else {
        (Verdict::Worse, None)
    }
}
