//! From the report of segments to the shapes that are answered.

use journey::Definition;
use metrics::inference::Bounds;
use metrics::report::{ArmSegments, PostStratified, SegmentComparison, SegmentsReport, Value, ValueReport};

use super::Estimated;
use super::build::{Telling, arm_result};
use super::segments::{
    BestSegment, Heterogeneity, OneReading, PostStratifiedInfo, SegmentResult, SegmentShift, SegmentsComparison,
};

/// How a value of a dimension is named: null where it is unknown, `other` where it stands for many.
pub(crate) fn value_name(value: Option<&str>) -> Option<String> {
    match value {
        Some("") => None,
        Some(value) => Some(value.to_owned()),
        None => Some("other".to_owned()),
    }
}

/// The values with their arms.
pub(crate) fn values(definition: &Definition, report: &SegmentsReport, telling: Telling<'_>) -> Vec<SegmentResult> {
    let all: i64 = report.values.iter().map(|value| value.persons).sum();
    let told = report.values.iter().map(|value| SegmentResult {
        value: value_name(value.value.as_deref()),
        is_rest: value.value.is_none(),
        persons: value.persons,
        share: if all > 0 { value.persons as f64 / all as f64 } else { 0.0 },
        arms: value
            .arms
            .iter()
            .map(|arm| arm_result(definition, report.metric, report.maturity, arm, telling))
            .collect(),
        notes: value.notes.clone(),
    });
    told.collect()
}

/// The values beside each other, in one arm.
pub(crate) fn comparison(definition: &Definition, report: &SegmentsReport, arm: &ArmSegments) -> SegmentsComparison {
    let (best, best_reason) = match &arm.best {
        Ok(best) => (best_segment(definition, report, arm, *best), None),
        Err(reason) => (None, Some(reason.clone())),
    };
    let (post_stratified, post_stratified_reason) = match &arm.post_stratified {
        Ok(found) => (Some(of_strata(arm, found)), None),
        Err(reason) => (None, Some(reason.clone())),
    };
    SegmentsComparison {
        arm: definition.experiment.arms[arm.arm].key.as_str().to_owned(),
        heterogeneity: heterogeneity(arm),
        common_lift: of_one_reading(arm, arm.common),
        values: report.values.iter().zip(&arm.values).map(|(value, found)| shift(arm, value, found)).collect(),
        best,
        best_reason,
        post_stratified,
        post_stratified_reason,
    }
}

fn heterogeneity(arm: &ArmSegments) -> Heterogeneity {
    let compared = arm.compared.as_ref().ok();
    let always = arm.sequential.as_ref();
    let p_value = match always {
        Some(judged) => judged.as_ref().map(|judged| judged.p_value),
        None => arm.compared.as_ref().map(|compared| compared.p_value),
    };
    Heterogeneity {
        test: if always.is_some() { "value_against_rest" } else { "cochran_q" },
        p_value: p_value.ok(),
        anytime: arm.anytime.holds,
        anytime_reason: arm.anytime.reason,
        causal: arm.causal.holds,
        causal_reason: arm.causal.reason,
        q: compared.map(|found| found.q),
        degrees_of_freedom: compared.map(|found| found.degrees_of_freedom),
        p_value_one_reading: compared.map(|found| found.p_value),
        i_squared: compared.map(|found| found.i_squared),
        between: compared.map(|found| found.between),
        reason: p_value.err().map(ToString::to_string),
    }
}

fn shift(arm: &ArmSegments, value: &ValueReport, found: &Result<SegmentComparison, String>) -> SegmentShift {
    let none = Estimated { value: None, low: None, high: None };
    let of = |part: fn(&SegmentComparison) -> f64| found.as_ref().ok().map(part);
    SegmentShift {
        value: value_name(value.value.as_deref()),
        is_rest: value.value.is_none(),
        shrunken_lift: of_one_reading(arm, found.as_ref().ok().map(|found| found.shrunken)),
        kept: of(|found| found.kept),
        versus_rest: found.as_ref().map_or(none, |found| estimated(found.versus_rest)),
        p_value: of(|found| found.p_value),
        p_value_adjusted: of(|found| found.p_value_adjusted),
        reason: found.as_ref().err().cloned(),
    }
}

fn best_segment(
    definition: &Definition,
    report: &SegmentsReport,
    arm: &ArmSegments,
    best: usize,
) -> Option<BestSegment> {
    let found = arm.values[best].as_ref().ok()?;
    let value = value_name(report.values[best].value.as_deref());
    let metric = definition.metrics[report.metric].key.as_str();
    let lift = of_one_reading(arm, Some(found.shrunken));
    let percent = |number: Option<f64>| number.map_or("?".to_owned(), |number| format!("{:+.1} %", 100.0 * number));
    let sentence = format!(
        "{} responded best to {}, beyond what the best of {} values shows by chance: as of this reading a lift of {metric} \
         between {} and {} is to be expected.",
        value.as_deref().unwrap_or("Persons whose value is unknown"),
        definition.experiment.arms[arm.arm].key.as_str(),
        report.values.len(),
        percent(lift.low),
        percent(lift.high),
    );
    Some(BestSegment { value, shrunken_lift: lift, p_value_adjusted: Some(found.p_value_adjusted), sentence })
}

fn of_strata(arm: &ArmSegments, found: &PostStratified) -> PostStratifiedInfo {
    let ends = |bounds: &Bounds| (bounds.low.ok(), bounds.high.ok());
    let (low, high) = ends(&found.lift_bounds);
    PostStratifiedInfo {
        strata: found.strata,
        merged: found.merged,
        baseline_value: found.control,
        difference: estimated(found.difference),
        lift: Estimated { value: found.lift.value.ok(), low, high },
        p_value: found.p_value.ok(),
        inference: found.inference.word(),
        anytime: found.anytime.holds,
        anytime_reason: found.anytime.reason,
        causal: arm.causal.holds,
        causal_reason: arm.causal.reason,
        variance_saved: found.variance_saved,
    }
}

/// A lift that follows from those of all values.
fn of_one_reading(arm: &ArmSegments, lift: Option<Value>) -> OneReading {
    let Estimated { value, low, high } = lift.map_or(Estimated { value: None, low: None, high: None }, estimated);
    OneReading {
        value,
        low,
        high,
        anytime: arm.estimates_anytime.holds,
        anytime_reason: arm.estimates_anytime.reason,
        causal: arm.causal.holds,
        causal_reason: arm.causal.reason,
    }
}

fn estimated(value: Value) -> Estimated {
    let ends = value.interval.ok();
    Estimated { value: value.value.ok(), low: ends.map(|ends| ends.low), high: ends.map(|ends| ends.high) }
}
