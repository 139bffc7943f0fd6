//! The results by the values of a dimension.

use metrics::reading::read_largest;
use metrics::report::{Question, report};
use store::MAX_DIMENSION_VALUES;

use super::look::Look;
use crate::wire::results::build::{self, Telling};
use crate::wire::results::{Breakdown, ValueResult};

/// The most values that are told one by one; the others are told together.
const SHOWN: usize = 50;

/// The breakdown, where one was asked for.
pub(super) fn breakdown(look: &Look, question: &Question<'_>, telling: Telling<'_>) -> Option<Breakdown> {
    let index = look.plan.dimension?;
    let dimension = look.measured.definition.experiment.dimensions[index].as_str().to_owned();
    let without = |reason: String| Breakdown { dimension: dimension.clone(), reason: Some(reason), values: None };
    if !look.measured.complete {
        return Some(without("measuring: the experiment is being measured for the first time".to_owned()));
    }
    let by_value = look.measured.dimension.as_ref()?;
    if let Some(count) = by_value.too_many_values {
        return Some(without(format!(
            "the dimension has {count} values, more than {MAX_DIMENSION_VALUES}: use one that groups persons"
        )));
    }
    let rows = by_value.rows.iter().map(|(key, row)| (key, row));
    // How fast the persons with one value join is not known.
    let telling = Telling { persons_per_day: None, ..telling };
    let groups = read_largest(&look.measured.definition, rows, look.through, look.plan.policy, SHOWN);
    let told = groups.into_iter().map(|group| ValueResult {
        is_rest: group.value.is_none(),
        value: match group.value.as_deref() {
            Some("") => None,
            Some(value) => Some(value.to_owned()),
            None => Some("other".to_owned()),
        },
        persons: group.persons,
        arms: build::arm_counts(&question.definition.experiment, Some(&group.reading)),
        metrics: report(question, &group.reading)
            .iter()
            .filter(|report| look.plan.metric.is_none_or(|only| only == report.metric))
            .map(|report| build::metric(question.definition, report, telling))
            .collect(),
    });
    Some(Breakdown { dimension, reason: None, values: Some(told.collect()) })
}
