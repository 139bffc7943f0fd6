//! Does an arm pay? What it brings and costs more than the baseline, what is left of it, and what that means for the money that
//! was put in.
//!
//! The verdict is on net value per person, margin × value − cost, which is judged like any other metric. Costs that no person
//! causes (fixed, setting up, running, hours of work) have no spread: they are taken off the total. With `n` the persons of the
//! arm in the reading, `F` the lump costs beyond the baseline's, spread over everyone exposed, and differences to the baseline:
//!
//! ```text
//! net after lump costs      n dz - F
//! ROI                       m dy / (dc + F / n) - 1                 Fieller's set, value and cost of one person going together
//! cost per conversion       (dc + F / n) / dp                       from the ends of both intervals, see below
//! payback                   O / dz persons; O / (l dz - R) days     O: lump costs once, R: per day, l: persons of the arm per day
//! break-even holdout        N - F / dz of all N persons exposed     the most that can be left out while F is still earned
//! foregone                  n_C dz                                  what holding the baseline out has cost
//! ```
//!
//! Cost and conversions are of different metrics, whose products no tally holds. Whatever their covariance, `|dc - r dp|` is
//! within the widths of both intervals, `w (s_c + |r| s_p)`, so the quotients of the ends bound `r` at the same confidence: wider
//! than need be, never too narrow.

mod alert;
mod differences;
mod dose;
mod lump;
mod projection;
mod wasted;

use journey::Amount;

use self::differences::{Differences, of_interval};
use super::claims::NOTHING_YET;
use super::kpi::{Setting, of_arms};
use super::versus::{Claim, Versus};
use super::{Maturity, MetricReport, Question, Verdict, report};
use crate::inference::{Bounds, Undefined};
use crate::reading::Reading;

pub use dose::{Dose, DoseStep};
pub use lump::Lines;
pub use wasted::{Wasted, wasted};

/// What is asked of the money.
#[derive(Debug, Clone, Copy)]
pub struct Money {
    /// The index of the net metric.
    pub metric: usize,
    /// The index of the metric whose incremental conversions are paid for.
    pub conversion: Option<usize>,
    /// Days that the experiment has run, the first and the last included.
    pub days: u32,
    /// Persons who join in a day, all arms together, where it is known.
    pub persons_per_day: Option<f64>,
}

/// A number with what may be said of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// The number.
    pub value: Result<f64, Undefined>,
    /// The ends of its interval.
    pub bounds: Bounds,
    /// How it was found.
    pub method: &'static str,
    /// Whether it stays valid however often it is read.
    pub anytime: Claim,
    /// Whether it is an effect.
    pub causal: Claim,
}

/// Whether money is made or lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pays {
    /// The lower bound is above 0.
    Pays,
    /// The upper bound is below 0.
    DoesNotPay,
    /// Neither.
    NotShown,
}

impl Pays {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pays => "pays",
            Self::DoesNotPay => "does_not_pay",
            Self::NotShown => "not_shown",
        }
    }

    /// What follows from a comparison of net values, with the reason where nothing does.
    pub(super) fn of(versus: &Versus) -> (Self, Option<&'static str>) {
        match versus.verdict {
            (Verdict::Better, _) => (Self::Pays, None),
            (Verdict::Worse, _) => (Self::DoesNotPay, None),
            (_, reason) => (Self::NotShown, reason),
        }
    }
}

/// Everything that is said of the money of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct RoiReport {
    /// The report of the net metric.
    pub net: MetricReport,
    /// What each arm has cost so far.
    pub lines: Vec<Lines>,
    /// Every arm but the baseline.
    pub arms: Vec<ArmRoi>,
    /// The response to more of the personalisation, or why there is none.
    pub dose: Result<Dose, &'static str>,
}

/// The money of an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmRoi {
    /// The index of the arm.
    pub arm: usize,
    /// In the main reading.
    pub main: Sums,
    /// Of everyone exposed, where the main reading is of closed windows.
    pub live: Option<Sums>,
    /// What is plain to see: the lift is up and money is lost.
    pub alert: Option<String>,
}

/// What an arm brings and costs beyond the baseline, in one reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Sums {
    /// Persons of the arm.
    pub persons: i64,
    /// Value for a person.
    pub value_per_person: Number,
    /// Value of all persons of the arm.
    pub value: Number,
    /// Costs for a person, without lump costs.
    pub cost_per_person: Number,
    /// Costs of all persons of the arm, without lump costs.
    pub cost: Number,
    /// Conversions of all persons of the arm.
    pub conversions: Option<Number>,
    /// Net value of all persons of the arm, before lump costs.
    pub net: Number,
    /// Lump costs beyond those of the baseline that fall on these persons.
    pub lump: f64,
    /// Net value after them.
    pub net_after_lump: Number,
    /// Whether net value per person is above 0, with the reason where that is not shown.
    pub pays: (Pays, Option<&'static str>),
    /// The same after lump costs.
    pub pays_after_lump: (Pays, Option<&'static str>),
    /// Return on what the arm costs more.
    pub roi: Number,
    /// Cost for each conversion more.
    pub cost_per_conversion: Option<Number>,
    /// Persons until the lump costs that come once are earned.
    pub payback_persons: Number,
    /// Days until then, at the present pace.
    pub payback_days: Number,
    /// The most persons, of arm and baseline together, that can be held out while lump costs are earned.
    pub holdout_persons: Number,
    /// The same as a share of them.
    pub holdout_share: Number,
    /// What holding the baseline out has cost.
    pub foregone: Number,
}

pub(super) const PROJECTED: Claim =
    Claim::no("a projection: it takes today's effect, costs and pace as lasting, which no comparison shows");
const MOVING: &str = "a live reading moves while windows close, so nothing is shown by it";

/// What is said of the money of an experiment. The metric of `money` is a net metric of the question's definition.
#[must_use]
pub fn roi(question: &Question<'_>, reading: &Reading, money: &Money) -> RoiReport {
    let setting = Setting::of(question);
    let reports = report(question, reading);
    let net = &reports[money.metric];
    let conversions = money.conversion.and_then(|at| reports.get(at));
    let definition = question.definition;
    let lines: Vec<Lines> =
        (0..definition.experiment.arms.len()).map(|arm| lump::lines(definition, reading, money, arm)).collect();
    let arms = (0..definition.experiment.arms.len()).filter(|arm| *arm != question.baseline).map(|arm| {
        let of = |maturity: Maturity, is_main: bool| {
            let read = Read { question, setting: &setting, reading, money, lines: &lines, maturity, is_main };
            read.sums(arm, net, conversions)
        };
        let main = of(net.maturity, true);
        let live = (net.maturity == Maturity::Matured).then(|| of(Maturity::Live, false));
        let alert = alert::alert(question, arm, &main, net, conversions);
        ArmRoi { arm, main, live, alert }
    });
    RoiReport {
        arms: arms.collect(),
        dose: dose::response(question, &setting, reading, money.metric, net.maturity),
        lines: lines.clone(),
        net: net.clone(),
    }
}

/// One reading of the money.
struct Read<'a> {
    question: &'a Question<'a>,
    setting: &'a Setting,
    reading: &'a Reading,
    money: &'a Money,
    lines: &'a [Lines],
    maturity: Maturity,
    is_main: bool,
}

impl Read<'_> {
    /// The comparison of an arm in a metric's report that belongs to this reading.
    fn versus<'r>(&self, report: &'r MetricReport, arm: usize) -> Option<&'r Versus> {
        let arm = &report.arms[arm];
        let kpi = if self.is_main { Some(&arm.main) } else { arm.live.as_ref() };
        kpi.and_then(|kpi| kpi.versus.as_ref())
    }

    fn sums(&self, arm: usize, net: &MetricReport, conversions: Option<&MetricReport>) -> Sums {
        let baseline = self.question.baseline;
        let sums = of_arms(self.reading, self.money.metric, self.maturity);
        let exposed = |arm: usize| self.reading.arms[arm].live[self.money.metric].n.max(0) as f64;
        let persons = sums[arm].n;
        let n = persons.max(0) as f64;
        // Lump costs bought the arm for everyone exposed, also for those whose window is still open.
        let all_lump = self.lines[arm].lump_beyond(&self.lines[baseline]);
        let lump = if exposed(arm) > 0.0 { all_lump * (n / exposed(arm)).min(1.0) } else { all_lump };
        let versus = self.versus(net, arm);
        let (anytime, causal) = versus.map_or((NOTHING_YET, NOTHING_YET), |versus| (versus.anytime, versus.causal));
        let number = |value: Result<f64, Undefined>, bounds: Bounds, method: &'static str| Number {
            value,
            bounds,
            method,
            anytime,
            causal,
        };
        let differences = Differences::between(
            self.question,
            self.setting,
            &self.question.definition.metrics[self.money.metric].kind,
            [sums[baseline], sums[arm]],
            self.maturity == Maturity::Live,
        );
        let of_one = |part: fn(&Differences) -> Number| match &differences {
            Ok(found) => Number { anytime, causal, ..part(found) },
            Err(reason) => number(Err(*reason), Bounds::none(*reason), "difference"),
        };
        let (value_per_person, cost_per_person) = (of_one(Differences::value), of_one(Differences::cost));
        let net_per_person = match versus {
            Some(versus) => number(versus.difference.value, versus.difference.interval.into(), versus.inference.word()),
            None => number(Err(Undefined::NoPersons), Bounds::none(Undefined::NoPersons), "difference"),
        };
        let net_of_all = scaled(&net_per_person, n, 0.0);
        let net_after_lump = scaled(&net_per_person, n, -lump);
        let lump_per_person = if n > 0.0 { lump / n } else { 0.0 };
        let margin = self.margin();
        let roi = match &differences {
            Ok(found) => Number { anytime, causal, ..found.roi(margin, lump_per_person) },
            Err(reason) => number(Err(*reason), Bounds::none(*reason), "fieller"),
        };
        let converted = conversions.and_then(|report| self.versus(report, arm));
        let conversion = converted.map(|versus| Number {
            value: versus.difference.value,
            bounds: versus.difference.interval.into(),
            method: versus.inference.word(),
            anytime: versus.anytime,
            causal: versus.causal,
        });
        let paid = scaled(&cost_per_person, 1.0, lump_per_person);
        let pays = versus.map_or((Pays::NotShown, None), Pays::of);
        let ahead = projection::Ahead {
            per_person: &net_per_person,
            once: self.lines[arm].once_beyond(&self.lines[baseline]),
            per_day: self.lines[arm].per_day_beyond(&self.lines[baseline]),
            lump: all_lump,
            exposed: exposed(arm) + exposed(baseline),
            joining: self.joining(arm),
        };
        Sums {
            persons,
            value: scaled(&value_per_person, n, 0.0),
            value_per_person,
            cost: scaled(&cost_per_person, n, 0.0),
            conversions: conversion.as_ref().map(|number| scaled(number, n, 0.0)),
            cost_per_conversion: conversion.as_ref().map(|number| of_interval(&paid, number)),
            cost_per_person,
            net: net_of_all,
            lump,
            pays_after_lump: self.after_lump(&net_after_lump, lump, pays),
            net_after_lump,
            pays,
            roi,
            payback_persons: ahead.payback_persons(),
            payback_days: ahead.payback_days(),
            holdout_persons: ahead.holdout_persons(),
            holdout_share: ahead.holdout_share(),
            foregone: scaled(&net_per_person, sums[baseline].n.max(0) as f64, 0.0),
        }
    }

    fn margin(&self) -> f64 {
        match &self.question.definition.metrics[self.money.metric].kind {
            journey::MetricKind::Net { margin, .. } => as_money(*margin),
            _ => 1.0,
        }
    }

    /// Persons of the arm who join in a day.
    fn joining(&self, arm: usize) -> Option<f64> {
        let arms = &self.question.definition.experiment.arms;
        let all: f64 = arms.iter().map(|arm| as_money(arm.weight)).sum();
        self.money.persons_per_day.map(|persons| persons * as_money(arms[arm].weight) / all)
    }

    /// Whether anything is left after lump costs. Without any it is what is said of a person.
    fn after_lump(
        &self,
        left: &Number,
        lump: f64,
        per_person: (Pays, Option<&'static str>),
    ) -> (Pays, Option<&'static str>) {
        if lump == 0.0 {
            return per_person;
        }
        let moving =
            self.maturity == Maturity::Live && self.question.definition.window_days(self.money.metric).is_some();
        if moving {
            return (Pays::NotShown, Some(MOVING));
        }
        let decides = self.question.method != journey::Method::Sequential || left.anytime.holds;
        match (left.bounds.low, left.bounds.high) {
            _ if !left.causal.holds => (Pays::NotShown, Some(left.causal.reason)),
            _ if !decides => (Pays::NotShown, Some(left.anytime.reason)),
            (Ok(low), _) if low > 0.0 => (Pays::Pays, None),
            (_, Ok(high)) if high < 0.0 => (Pays::DoesNotPay, None),
            _ => (Pays::NotShown, None),
        }
    }
}

/// An amount in units of one.
pub(super) fn as_money(amount: Amount) -> f64 {
    amount.units() as f64 / journey::UNIT as f64
}

/// `factor` × number + `shift`; the factor is not below 0.
fn scaled(number: &Number, factor: f64, shift: f64) -> Number {
    let of = |part: Result<f64, Undefined>| part.and_then(|part| crate::inference::finite(factor * part + shift));
    Number {
        value: of(number.value),
        bounds: Bounds { low: of(number.bounds.low), high: of(number.bounds.high) },
        ..*number
    }
}
