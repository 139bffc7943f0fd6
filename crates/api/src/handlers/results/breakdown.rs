//! The results by the values of a dimension.

use metrics::reading::{Group, read_largest};
use metrics::report::{Check, Question, check_composition, report_values};
use store::MAX_DIMENSION_VALUES;

use super::look::Look;
use crate::wire::results::build::{self, Telling};
use crate::wire::results::tell_segments::value_name;
use crate::wire::results::{Breakdown, ValueResult};

/// The most values that are told one by one; the others are told together.
pub(super) const SHOWN: usize = 50;

/// Whether the arms are composed alike by the dimension that was asked for, where it is known.
pub(super) fn composition(look: &Look) -> Option<Check> {
    let index = look.plan.dimension?;
    let by_value = look.measured.dimension.as_ref().filter(|_| look.measured.complete)?;
    if by_value.too_many_values {
        return None;
    }
    let rows = by_value.rows.iter().map(|(key, row)| (key, row));
    Some(check_composition(&look.measured.definition, index, rows, look.through.live))
}

/// The values of the dimension that was asked for, the `most` largest one by one; or why there are none.
pub(super) fn groups(look: &Look, most: usize) -> Result<Vec<Group>, String> {
    let by_value = match &look.measured.dimension {
        Some(by_value) if look.measured.complete => by_value,
        _ => return Err("measuring: the experiment is being measured for the first time".to_owned()),
    };
    if by_value.too_many_values {
        let count = MAX_DIMENSION_VALUES + 1;
        return Err(format!(
            "the dimension has {count} values or more, and at most {MAX_DIMENSION_VALUES} are told: use one that groups persons"
        ));
    }
    let rows = by_value.rows.iter().map(|(key, row)| (key, row));
    Ok(read_largest(&look.measured.definition, rows, look.through, look.plan.policy, most))
}

/// The breakdown, where one was asked for. `composed_alike`: whether [`composition`] passed.
pub(super) fn breakdown(
    look: &Look,
    question: &Question<'_>,
    composed_alike: bool,
    telling: Telling<'_>,
) -> Option<Breakdown> {
    let index = look.plan.dimension?;
    let dimension = look.measured.definition.experiment.dimensions[index].as_str().to_owned();
    let groups = match groups(look, SHOWN) {
        Ok(groups) => groups,
        Err(reason) => return Some(Breakdown { dimension, reason: Some(reason), values: None }),
    };
    // How fast the persons with one value join is not known.
    let telling = Telling { persons_per_day: None, ..telling };
    let reports = report_values(question, &groups, composed_alike);
    let told = groups.into_iter().zip(reports).map(|(group, reports)| ValueResult {
        is_rest: group.value.is_none(),
        value: value_name(group.value.as_deref()),
        persons: group.persons,
        arms: build::arm_counts(&question.definition.experiment, Some(&group.reading)),
        metrics: reports
            .iter()
            .filter(|report| look.plan.metric.is_none_or(|only| only == report.metric))
            .map(|report| build::metric(question.definition, report, telling))
            .collect(),
    });
    Some(Breakdown { dimension, reason: None, values: Some(told.collect()) })
}
