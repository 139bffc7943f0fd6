//! The results by the values of a dimension.

use std::collections::BTreeMap;
use std::sync::Arc;

use metrics::reading::{Reading, read};
use metrics::report::{Question, report};
use metrics::tally::{Row, RowKey};
use store::{MAX_DIMENSION_VALUES, Measured};

use super::look::Look;
use crate::wire::results::build::{self, Telling};
use crate::wire::results::{Breakdown, ValueResult};

/// The most values that are told one by one; the others are told together.
const SHOWN: usize = 50;

/// The key under which the others stand. No event holds it: texts with U+0000 are refused.
const REST: &str = "\0rest";

/// The breakdown, where one was asked for.
pub(super) fn breakdown(look: &Look, question: &Question<'_>, telling: Telling) -> Option<Breakdown> {
    let index = look.plan.dimension?;
    let dimension = look.measured.definition.experiment.dimensions[index].as_str().to_owned();
    let without = |reason: String| Breakdown { dimension: dimension.clone(), reason: Some(reason), values: None };
    if !look.measured.complete {
        return Some(without("measuring: the experiment is being measured for the first time".to_owned()));
    }
    let Some(measured) = &look.dimension else {
        return Some(without("the experiment was changed while it was read: ask again".to_owned()));
    };
    if let Some(count) = measured.too_many_values {
        return Some(without(format!(
            "the dimension has {count} values, more than {MAX_DIMENSION_VALUES}: use one that groups persons"
        )));
    }
    let values = groups(look, measured);
    let told = values.into_iter().map(|(value, persons, reading)| ValueResult {
        is_rest: &*value == REST,
        value: match &*value {
            "" => None,
            REST => Some("other".to_owned()),
            value => Some(value.to_owned()),
        },
        persons,
        arms: build::arm_counts(&question.definition.experiment, Some(&reading)),
        metrics: report(question, &reading)
            .iter()
            .filter(|report| look.plan.metric.is_none_or(|only| only == report.metric))
            .map(|report| build::metric(question.definition, report, telling))
            .collect(),
    });
    Some(Breakdown { dimension, reason: None, values: Some(told.collect()) })
}

/// The values with their persons and readings: the largest by persons, then by value, and at the end all others.
fn groups(look: &Look, measured: &Measured) -> Vec<(Arc<str>, i64, Reading)> {
    let rows = || measured.rows.iter().map(|(key, row)| (key, row));
    let mut all = sized(read(&measured.definition, rows(), look.through, look.plan.policy));
    if all.len() <= SHOWN {
        return all;
    }
    all.truncate(SHOWN);
    let rest: Vec<(RowKey, &Row)> = rows()
        .filter(|(key, _)| !all.iter().any(|(value, ..)| *value == key.value))
        .map(|(key, row)| (RowKey { value: REST.into(), ..key.clone() }, row))
        .collect();
    all.extend(sized(read(
        &measured.definition,
        rest.iter().map(|(key, row)| (key, *row)),
        look.through,
        look.plan.policy,
    )));
    all
}

fn sized(values: BTreeMap<Arc<str>, Reading>) -> Vec<(Arc<str>, i64, Reading)> {
    let mut sized: Vec<_> = values
        .into_iter()
        .map(|(value, reading)| (value, reading.arms.iter().map(|arm| arm.persons).sum::<i64>(), reading))
        .collect();
    sized.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sized
}
