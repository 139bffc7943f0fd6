//! What is asked of an outlook, and what it tells.

use journey::Method;

use super::super::Maturity;
use crate::inference::Undefined;
use crate::inference::power::Persons;

/// How persons are split between control and arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Split {
    /// As the weights of the experiment say.
    Current,
    /// In parts, of which control gets the first and the arm the second; both above zero.
    Parts(f64, f64),
}

/// What the experiment should be able to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Goals {
    /// The effect, relative to the KPI of control and above zero; the goal of the metric gives its direction.
    pub effect: f64,
    /// The probability of a verdict where that is the effect; above the error rate, below 1.
    pub power: f64,
    /// The splits to look at.
    pub splits: Vec<Split>,
    /// Persons who join in a day, all arms together, where that is known.
    pub persons_per_day: Option<f64>,
}

/// The outlook of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The persons that it speaks of: matured ones where the metric has a window.
    pub maturity: Maturity,
    /// Comparisons in the metric's family: the confidence of tests is what a lone effect among them needs (Bonferroni's, the
    /// first step of Holm as of Benjamini and Hochberg).
    pub comparisons: usize,
    /// Every arm but the baseline.
    pub arms: Vec<ArmOutlook>,
}

/// The outlook of an arm against the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmOutlook {
    /// The index of the arm.
    pub arm: usize,
    /// Persons of the reading in both arms together.
    pub persons: u64,
    /// Persons exposed in both arms together: the windows of the others are still open.
    pub exposed: u64,
    /// The KPI of control.
    pub value: Result<f64, Undefined>,
    /// The variance between persons, after the covariate where the metric is adjusted by one. For values pooled within both
    /// arms; for rates that of control's.
    pub variance: Result<f64, Undefined>,
    /// The effect as a difference, with its sign.
    pub effect: Result<f64, Undefined>,
    /// The persons of both arms from which a confidence sequence gives verdicts at an equal split.
    pub persons_of_gate: Result<f64, Undefined>,
    /// The N* that the effect asks for, at the current split: where the sequence should be tightest.
    pub planned_persons: Result<f64, Undefined>,
    /// Split by split.
    pub splits: Vec<SplitOutlook>,
}

/// The outlook at a split.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitOutlook {
    /// The split.
    pub split: Split,
    /// The arm's share of the persons of both.
    pub share: f64,
    /// Whether the persons of today count: at another split the experiment begins anew.
    pub continues: bool,
    /// The persons of both arms from which normal theory is to be trusted; what is told of fewer may be off.
    pub trusted_from: Result<f64, Undefined>,
    /// Method by method.
    pub methods: Vec<MethodOutlook>,
}

impl SplitOutlook {
    /// Whether normal theory is to be trusted with so many persons of both arms.
    #[must_use]
    pub fn trusts(&self, persons: f64) -> bool {
        self.trusted_from.is_ok_and(|from| persons >= from)
    }
}

/// The outlook of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodOutlook {
    /// The method.
    pub method: Method,
    /// The confidence of the two-sided statement that its verdict is.
    pub confidence: f64,
    /// The smallest effect, as a difference with its sign, that today's number of persons shows with the power asked for.
    pub detectable: Result<f64, Undefined>,
    /// The power at today's number of persons.
    pub power: Result<f64, Undefined>,
    /// The persons that the effect needs.
    pub needed: Result<Persons, Undefined>,
    /// How many of them are still to come.
    pub more: Result<f64, Undefined>,
    /// How many days that takes at the present pace, windows included.
    pub days: Result<f64, Undefined>,
    /// The power at rising numbers of persons in both arms together.
    pub by_persons: Vec<(f64, Result<f64, Undefined>)>,
}
