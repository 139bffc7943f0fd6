//! What is said of the values of a dimension whose lifts are known?

use std::sync::Arc;

use journey::Role;

use super::*;
use crate::inference::{Stratum, StratumSums, compare_stratified};
use crate::reading::Group;

/// A value in which these of these many persons converted, in control and in the arm.
fn group(value: Option<&str>, [control, arm]: [(i64, i64); 2]) -> Group {
    let reading = reading(&[vec![converted(control.0, control.1)], vec![converted(arm.0, arm.1)]]);
    Group { value: value.map(Arc::from), persons: control.0 + arm.0, reading }
}

fn told(groups: &[Group], alike: bool, change: impl FnOnce(&mut Question<'_>)) -> SegmentsReport {
    let x = definition_by(&[1, 1], &[conversion(Role::Primary)], Some(14), &["device"]);
    let mut question = Question::planned(&x);
    change(&mut question);
    segments(&question, 0, groups, alike)
}

fn unlike() -> [Group; 4] {
    [
        group(Some("web"), [(10_000, 1_000), (10_000, 1_010)]),
        group(Some("ios"), [(8_000, 800), (8_000, 1_300)]),
        group(Some(""), [(5_000, 510), (5_000, 500)]),
        group(None, [(90, 9), (100, 11)]),
    ]
}

#[test]
fn who_responded_best_is_named_where_it_beats_the_rest() {
    for method in [Method::Sequential, Method::Frequentist] {
        let report = told(&unlike(), true, |question| question.method = method);
        let arm = &report.arms[0];
        assert_eq!((arm.arm, &arm.best), (1, &Ok(1)), "{method:?}");
        assert_eq!(arm.anytime.holds, method == Method::Sequential);
        assert!(!arm.estimates_anytime.holds, "shrunken and common lifts are of one reading");
        assert!(arm.causal.holds);
        let compared = arm.compared.as_ref().unwrap();
        assert_eq!(compared.degrees_of_freedom, 2, "the last has too few contributors to be compared");
        assert!(compared.p_value < 1e-6);
        let reason = arm.values[3].as_ref().unwrap_err();
        assert!(reason.contains("fewer than 25 contributors"), "{reason}");
        let ios = arm.values[1].as_ref().unwrap();
        // Shrinking goes from the measured lift, 62.5 %, towards the common one.
        let shrunken = ios.shrunken.value.unwrap();
        assert!(shrunken < 0.625 && shrunken > compared.common.value);
        assert!(ios.p_value_adjusted >= ios.p_value && ios.p_value_adjusted < 0.05);
        // p < 5 % exactly where the interval of the difference from the rest excludes zero.
        for value in arm.values.iter().flatten() {
            let interval = value.versus_rest.interval.unwrap();
            assert_eq!(value.p_value < 0.05, interval.low > 0.0 || interval.high < 0.0, "{value:?}");
        }
        // Verdicts stand in a family of their own: four values by one arm.
        let versus = report.values[1].arms[1].main.versus.as_ref().unwrap();
        let adjusted = versus.adjusted.unwrap();
        assert_eq!((adjusted.family, adjusted.size, adjusted.correction), (Family::Values, 4, Correction::Holm));
        assert_eq!(versus.verdict.0, Verdict::Better);
        let alone = versus.p_value.unwrap();
        assert!((versus.p_value_adjusted.unwrap() - 4.0 * alone).abs() <= 1e-12 * alone);
    }
}

#[test]
fn nobody_is_named_without_a_reason_to() {
    let reason = |groups: &[Group], alike, change: fn(&mut Question<'_>)| {
        told(groups, alike, change).arms[0].best.clone().unwrap_err()
    };
    let alike =
        [group(Some("web"), [(10_000, 1_000), (10_000, 1_010)]), group(Some("ios"), [(8_000, 800), (8_000, 830)])];
    assert!(reason(&alike, true, |_| {}).contains("none beats the rest after Holm"));
    assert!(reason(&unlike(), false, |_| {}).contains("composed differently"));
    assert!(reason(&unlike(), true, |question| question.blocked = true).contains("blocking check"));
    assert!(reason(&unlike(), true, |question| question.maturity = Maturity::Live).contains("moves"));
    assert!(reason(&unlike(), true, |question| question.method = Method::Bayesian).contains("bayesian"));
    let exclude: fn(&mut Question<'_>) = |question| question.policy = CrossoverPolicy::Exclude;
    assert!(reason(&unlike(), true, exclude).contains("crosses over"));
    assert!(reason(&unlike()[..1], true, |_| {}).contains("fewer than two segments"));
    assert!(told(&[], true, |_| {}).values.is_empty());
    // What stands for many values has no name.
    let mut others = unlike();
    others[1].value = None;
    assert!(reason(&others, true, |_| {}).contains("a larger limit"));
    // Where the composition differs no value has a verdict either.
    let report = told(&unlike(), false, |_| {});
    for value in &report.values {
        let versus = value.arms[1].main.versus.as_ref().unwrap();
        assert!(matches!(versus.verdict, (Verdict::Inconclusive, Some(_))), "{:?}", versus.verdict);
        assert!(!versus.causal.holds);
    }
}

/// The same as the function of the inference gives for the same strata.
#[test]
fn the_whole_is_compared_within_values() {
    let report = told(&unlike(), true, |question| question.method = Method::Frequentist);
    let whole = report.arms[0].post_stratified.clone().unwrap();
    let sums = |(n, k): (i64, i64)| {
        let sums = converted(n, k);
        StratumSums { n, y: sums.y, yy: sums.yy }
    };
    let strata = [
        [(10_000, 1_000), (10_000, 1_010)],
        [(8_000, 800), (8_000, 1_300)],
        [(5_000, 510), (5_000, 500)],
        [(90, 9), (100, 11)],
    ]
    .map(|[control, arm]| Stratum { control: sums(control), treatment: sums(arm) });
    let expected = compare_stratified(&strata, 0.95).unwrap();
    assert_eq!(whole.difference.value, Ok(expected.gap.difference));
    assert_eq!(whole.p_value, expected.comparison.test.map(|test| test.p_value));
    assert_eq!((whole.strata, whole.merged), (4, 0));
    // Equal rates in control: strata save next to nothing.
    assert!(whole.variance_saved.unwrap().abs() < 0.02, "{:?}", whole.variance_saved);
    // Where values differ in their level they save much.
    let levels =
        [group(Some("new"), [(5_000, 250), (5_000, 300)]), group(Some("old"), [(5_000, 4_500), (5_000, 4_550)])];
    let sequential = told(&levels, true, |_| {}).arms[0].post_stratified.clone().unwrap();
    assert!(sequential.variance_saved.unwrap() > 0.5 && sequential.anytime.holds);
    let ends = sequential.difference.interval.unwrap();
    assert_eq!(sequential.p_value.unwrap() < 0.05, ends.low > 0.0 || ends.high < 0.0);
}

/// A breakdown of results says of a value what the segments say of it: both look at all values and arms as one family.
#[test]
fn breakdowns_and_segments_are_one_family() {
    let kinds = [conversion(Role::Primary), conversion(Role::Guardrail)];
    let x = definition_by(&[1, 1], &kinds, Some(14), &["device"]);
    let groups = unlike().map(|mut group| {
        for arm in &mut group.reading.arms {
            arm.live.push(arm.live[0].clone());
            arm.matured.push(arm.matured[0].clone());
        }
        group
    });
    for (method, alike) in [(Method::Sequential, true), (Method::Frequentist, true), (Method::Sequential, false)] {
        let question = Question { method, ..Question::planned(&x) };
        let values = report_values(&question, &groups, alike);
        assert!(values.len() == 4 && values.iter().all(|reports| reports.len() == 2));
        for metric in [0, 1] {
            let told = segments(&question, metric, &groups, alike);
            for (value, reports) in told.values.iter().zip(&values) {
                let (one, other) = (&value.arms[1].main.versus, &reports[metric].arms[1].main.versus);
                assert_eq!(one, other, "{method:?} {metric}");
                assert_eq!(one.as_ref().unwrap().adjusted.map(|adjusted| adjusted.size), Some(4));
            }
        }
    }
}
