//! What do arms make of conversions and their value, and of the credit of a label? The report of a mean per person, for sums that
//! an attribution keeps.

use std::sync::Arc;

use ethnum::I256;
use journey::{Definition, Goal, Key, Metric, MetricDraft, MetricKind, MetricUse, Pattern, Role, Selector};

use super::model::Model;
use crate::lens::CreditSums;
use crate::moments::Moments;
use crate::reading::{ArmReading, Reading};
use crate::report::{MetricReport, Question, Versus, report};

/// What a person has an amount of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Amount {
    Conversions,
    Value,
    /// Of conversions, what is credited to a label.
    ConversionsOf(Arc<str>),
    /// Of their value, what is credited to a label.
    ValueOf(Arc<str>),
}

/// Amounts per person, judged like metrics.
#[derive(Debug, Clone)]
pub struct Effects {
    /// The experiment with a metric for each amount in place of its own: first `conversions`, then `value`.
    pub definition: Definition,
    /// One per amount, in their order.
    pub reports: Vec<MetricReport>,
}

impl Effects {
    /// The comparison of an amount in the main reading; `None`: there is no such amount, or the arm is the baseline.
    pub(super) fn versus(&self, amount: usize, arm: usize) -> Option<&Versus> {
        self.reports.get(amount)?.arms.get(arm)?.main.versus.as_ref()
    }
}

/// Reports `amounts`, from live and matured sums with the persons that they are of.
pub(super) fn effects(
    question: &Question<'_>,
    readings: &[[Option<(i64, CreditSums)>; 2]],
    amounts: &[Amount],
    model: Model,
    window_days: Option<u32>,
) -> Effects {
    let mut definition = question.definition.clone();
    definition.experiment.window_days = window_days;
    definition.metrics = amounts.iter().enumerate().filter_map(|(at, amount)| metric(at, amount)).collect();
    definition.experiment.metrics = definition
        .metrics
        .iter()
        .map(|metric| MetricUse { metric: metric.key.clone(), role: Role::Secondary, max_harm: None, cuped: false })
        .collect();
    let of = |reading: &Option<(i64, CreditSums)>, amount: &Amount| {
        reading.as_ref().map(|(persons, sums)| moments(*persons, sums, amount, model))
    };
    let arms = readings.iter().map(|[live, matured]| ArmReading {
        persons: live.as_ref().map_or(0, |(persons, _)| *persons),
        matured_persons: matured.as_ref().map_or(0, |(persons, _)| *persons),
        live: amounts.iter().filter_map(|amount| of(live, amount)).collect(),
        matured: amounts.iter().map(|amount| of(matured, amount)).collect(),
        ..ArmReading::default()
    });
    let reading = Reading { arms: arms.collect(), outside: 0, unknown_arm: 0 };
    let reports = report(&Question { definition: &definition, cuped: Some(false), ..*question }, &reading);
    Effects { definition, reports }
}

fn metric(at: usize, amount: &Amount) -> Option<Metric> {
    let selector = Selector { event: Pattern::Any, filters: Vec::new() };
    let (key, kind) = match amount {
        Amount::Conversions => ("conversions".to_owned(), MetricKind::Count(selector)),
        Amount::Value => ("value".to_owned(), MetricKind::Sum(selector)),
        Amount::ConversionsOf(_) => (format!("conversions_{at}"), MetricKind::Count(selector)),
        Amount::ValueOf(_) => (format!("value_{at}"), MetricKind::Sum(selector)),
    };
    let (window_days, cap, unit, description) = (None, None, None, None);
    let key = Key::parse(&key, "").ok()?;
    Metric::validate(MetricDraft { key, kind, window_days, cap, goal: Goal::Increase, unit, description }).ok()
}

fn moments(persons: i64, sums: &CreditSums, amount: &Amount, model: Model) -> Moments {
    let of = |label: &Arc<str>, at: usize| match model {
        Model::Heuristic(heuristic) => {
            let slots = sums.labels.get(label).map(|by_model| &by_model[heuristic as usize]);
            slots.map_or((I256::ZERO, I256::ZERO), |slots| (slots[at], slots[at + 1]))
        }
        Model::Markov | Model::Shapley => (I256::ZERO, I256::ZERO),
    };
    let (y, yy, yyy) = match amount {
        Amount::Conversions => (sums.all[0], sums.all[1], Some(sums.all[2])),
        Amount::Value => (sums.all[3], sums.all[4], Some(sums.all[5])),
        Amount::ConversionsOf(label) => (of(label, 0).0, of(label, 0).1, None),
        Amount::ValueOf(label) => (of(label, 3).0, of(label, 3).1, None),
    };
    let cubes = yyy.unwrap_or(I256::ZERO);
    Moments { n: persons, y, yy, yyy: cubes, without_cubes: yyy.is_none(), ..Moments::default() }
}
