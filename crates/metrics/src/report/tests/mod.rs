//! What do reports say of experiments whose outcome is known?

mod checks;
mod fuzz;
mod outlook;
mod ratings;
mod roi;
mod segments;
mod sentences;
mod sums;
mod verdicts;

use ethnum::I256;
use journey::{
    Amount, Arm, CrossoverPolicy, Definition, Experiment, ExperimentDraft, Goal, Method, Metric, MetricDraft,
    MetricKind, MetricUse, Name, Pattern, Role, Selector, UNIT,
};

use super::*;
use crate::moments::Moments;
use crate::reading::ArmReading;

fn name(text: &str) -> Name {
    Name::parse(text, "").unwrap()
}

fn selector() -> Selector {
    Selector { event: Pattern::parse("Order Completed", "").unwrap(), filters: Vec::new() }
}

/// An experiment whose arms have these weights, with metrics of these kinds and roles.
fn definition(weights: &[i64], metrics: &[(MetricKind, Role, Goal)], window_days: Option<u32>) -> Definition {
    definition_by(weights, metrics, window_days, &[])
}

/// The same with dimensions.
pub(crate) fn definition_by(
    weights: &[i64],
    metrics: &[(MetricKind, Role, Goal)],
    window_days: Option<u32>,
    dimensions: &[&str],
) -> Definition {
    let made: Vec<Metric> = metrics
        .iter()
        .enumerate()
        .map(|(at, (kind, _, goal))| {
            let key = name(&format!("m{at}"));
            let (kind, goal) = (kind.clone(), *goal);
            let draft = MetricDraft { key, kind, window_days, cap: None, goal, unit: None, description: None };
            Metric::validate(draft).unwrap()
        })
        .collect();
    let arm = |(at, weight): (usize, &i64)| Arm {
        key: name(&format!("a{at}")),
        weight: Amount::from_units(weight * UNIT).unwrap(),
        intensity: None,
        cost: journey::Cost::default(),
    };
    let uses = made.iter().zip(metrics).map(|(metric, (_, role, _))| MetricUse {
        metric: metric.key.clone(),
        role: *role,
        max_harm: (*role == Role::Guardrail).then(|| Amount::from_units(50_000).unwrap()),
        cuped: false,
    });
    let draft = ExperimentDraft {
        key: name("x"),
        name: None,
        tactic: None,
        hypothesis: None,
        owner: None,
        control: name("a0"),
        arms: weights.iter().enumerate().map(arm).collect(),
        starts_at: None,
        ends_at: None,
        window_days,
        crossovers: CrossoverPolicy::First,
        method: Method::Sequential,
        planned_persons: journey::DEFAULT_PLANNED_PERSONS,
        metrics: uses.collect(),
        dimensions: dimensions.iter().map(|path| journey::Path::parse(path, "").unwrap()).collect(),
        holdout: None,
        phases: Vec::new(),
        archived: false,
    };
    Definition { experiment: Experiment::validate(draft).unwrap(), metrics: made }
}

pub(crate) fn conversion(role: Role) -> (MetricKind, Role, Goal) {
    (MetricKind::Conversion(selector()), role, Goal::Increase)
}

pub(crate) fn revenue(role: Role) -> (MetricKind, Role, Goal) {
    (MetricKind::Sum(selector()), role, Goal::Increase)
}

/// `converted` of `n` persons.
pub(super) fn converted(n: i64, converted: i64) -> Moments {
    let (unit, one) = (I256::from(UNIT), I256::from(converted) * I256::from(UNIT));
    Moments { n, y: one, yy: one * unit, yyy: one * unit * unit, ..Moments::default() }
}

/// `n` persons, of whom `each` of the amounts (in whole money) are spent by `times` persons.
pub(super) fn spent(n: i64, amounts: &[(i64, i64)]) -> Moments {
    let mut sums = Moments { n, ..Moments::default() };
    for (amount, times) in amounts {
        let (y, times) = (I256::from(*amount) * I256::from(UNIT), I256::from(*times));
        sums.y += times * y;
        sums.yy += times * y * y;
        sums.yyy += times * y * y * y;
    }
    sums
}

/// The same sums matured and live, arm by arm.
pub(super) fn reading(arms: &[Vec<Moments>]) -> Reading {
    let arms = arms.iter().map(|metrics| ArmReading {
        persons: metrics[0].n,
        matured_persons: metrics[0].n,
        live: metrics.clone(),
        matured: metrics.iter().cloned().map(Some).collect(),
        ..ArmReading::default()
    });
    Reading { arms: arms.collect(), outside: 0, unknown_arm: 0 }
}

fn only(definition: &Definition, arms: &[Vec<Moments>], change: impl FnOnce(&mut Question<'_>)) -> ArmReport {
    let mut question = Question::planned(definition);
    change(&mut question);
    report(&question, &reading(arms)).swap_remove(0).arms.swap_remove(1)
}

fn versus(definition: &Definition, arms: &[Vec<Moments>], change: impl FnOnce(&mut Question<'_>)) -> Versus {
    only(definition, arms, change).main.versus.unwrap()
}
