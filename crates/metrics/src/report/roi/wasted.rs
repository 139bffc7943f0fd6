//! Where is money wasted? Segments in which net value is below what nothing would have brought.

use std::sync::Arc;

use journey::UNIT;

use super::{Number, scaled};
use crate::inference::Bounds;
use crate::report::{Question, SegmentsReport, Verdict};

/// A segment in which an arm loses money.
#[derive(Debug, Clone, PartialEq)]
pub struct Wasted {
    /// The value of the dimension, empty where it is unknown; `None`: the values beyond the largest ones, together.
    pub value: Option<Arc<str>>,
    /// The index of the arm.
    pub arm: usize,
    /// Persons of the arm in the segment.
    pub persons: i64,
    /// What the arm has cost there, without lump costs.
    pub spent: f64,
    /// Net value beyond the baseline of all these persons, in the interval that goes with the adjusted p-value.
    pub net: Number,
    /// The p-value after Holm's correction over values and arms.
    pub p_value_adjusted: f64,
}

/// The segments whose net value is below the baseline's after Holm's correction over values and arms, those that lose the most
/// first. Whatever else looks bad is not shown to be.
#[must_use]
pub fn wasted(question: &Question<'_>, report: &SegmentsReport) -> Vec<Wasted> {
    let mut found: Vec<Wasted> = Vec::new();
    for value in &report.values {
        for arm in value.arms.iter().filter(|arm| arm.arm != question.baseline) {
            let Some(versus) = arm.main.versus.as_ref().filter(|versus| versus.verdict.0 == Verdict::Worse) else {
                continue;
            };
            let bounds =
                versus.adjusted.map_or(Bounds::from(versus.difference.interval), |adjusted| adjusted.difference);
            let per_person = Number {
                value: versus.difference.value,
                bounds,
                method: versus.inference.word(),
                anytime: versus.anytime,
                causal: versus.causal,
            };
            let persons = arm.main.moments.n;
            found.push(Wasted {
                value: value.value.clone(),
                arm: arm.arm,
                persons,
                spent: arm.main.moments.net.as_ref().map_or(0.0, |flows| flows.cost.as_f64() / UNIT as f64),
                net: scaled(&per_person, persons.max(0) as f64, 0.0),
                p_value_adjusted: versus.p_value_adjusted.unwrap_or(1.0),
            });
        }
    }
    found.sort_by(|a, b| {
        let lost = |wasted: &Wasted| wasted.net.value.unwrap_or(0.0);
        lost(a).total_cmp(&lost(b)).then_with(|| a.value.cmp(&b.value))
    });
    found
}
