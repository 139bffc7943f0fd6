//! Are sums that somebody brings along judged as an experiment's own?

use super::*;
use crate::inference::Harm;

fn brought(weights: &[i64], kind: (MetricKind, Role, Goal), arms: &[Moments], weighted: bool) -> MetricReport {
    let definition = definition(weights, &[kind], Some(14));
    report_sums(&Question::planned(&definition), arms, weighted).unwrap()
}

#[test]
fn they_are_what_the_experiment_would_report() {
    let arms = [spent(5000, &[(20, 800), (5, 300)]), spent(5200, &[(20, 1000), (5, 400)])];
    let definition = definition(&[1, 1], &[revenue(Role::Primary)], Some(14));
    let question = Question::planned(&definition);
    let whole = report(&question, &reading(&arms.clone().map(|sums| vec![sums]))).swap_remove(0);
    let alone = report_sums(&question, &arms, true).unwrap();
    assert_eq!(alone.arms[1].main, whole.arms[1].main);
    assert_eq!(alone.arms[0].main, whole.arms[0].main);
    assert!(alone.notes.is_empty() && alone.arms[1].live.is_none());
    assert_eq!(alone.arms[1].main.versus.as_ref().unwrap().verdict.0, Verdict::Better);
}

#[test]
fn sizes_that_do_not_fit_their_weights_withhold_the_verdict() {
    let arms = [converted(5000, 500), converted(9000, 1200)];
    let told = brought(&[1, 1], conversion(Role::Primary), &arms, true);
    let versus = told.arms[1].main.versus.as_ref().unwrap();
    assert_eq!(versus.verdict.0, Verdict::Inconclusive);
    assert!(!versus.causal.holds && told.notes.iter().any(|note| note.contains("do not fit their weights")));
    // Without weights nothing says what the sizes should be.
    let told = brought(&[5000, 9000], conversion(Role::Primary), &arms, false);
    assert_eq!(told.arms[1].main.versus.as_ref().unwrap().verdict.0, Verdict::Better);
    assert!(told.notes.iter().any(|note| note.contains("no weights were sent")));
}

#[test]
fn arms_that_differed_before_withhold_the_verdict() {
    let with_past = |sums: Moments, past: Moments| Moments { x: past.y, xx: past.yy, ..sums };
    let arms = [
        with_past(spent(5000, &[(20, 800)]), spent(5000, &[(20, 500)])),
        with_past(spent(5000, &[(20, 1000)]), spent(5000, &[(20, 900)])),
    ];
    let told = brought(&[1, 1], revenue(Role::Primary), &arms, true);
    assert!(told.notes.iter().any(|note| note.contains("already differed")), "{:?}", told.notes);
    assert_eq!(told.arms[1].main.versus.as_ref().unwrap().verdict.0, Verdict::Inconclusive);
}

#[test]
fn unknown_cubes_promise_nothing() {
    // One of 100 persons spends everything: one contributor, whatever the cubes would say.
    let bare = |sums: Moments| Moments { yyy: I256::ZERO, without_cubes: true, ..sums };
    let arms = [bare(spent(100, &[(100, 1)])), bare(spent(100, &[(100, 1)]))];
    let told = brought(&[1, 1], revenue(Role::Primary), &arms, true);
    let versus = told.arms[1].main.versus.as_ref().unwrap();
    assert!((versus.expected_contributors - 1.0).abs() < 1e-9, "{}", versus.expected_contributors);
    assert!(told.notes.iter().any(|note| note.contains("no sums of cubes")));
    assert!(!told.notes.iter().any(|note| note.contains("too skewed for this number of persons: ")));
}

/// Where arm sizes stand in for weights, the exact test is one of those sizes, which nobody knew beforehand.
#[test]
fn without_weights_converters_are_no_draws() {
    let arms = [converted(900, 4), converted(1_100, 29)];
    let versus = |weighted| {
        let report = brought(&[900, 1_100], conversion(Role::Guardrail), &arms, weighted);
        report.arms[1].main.versus.clone().unwrap()
    };
    let (with, without) = (versus(true), versus(false));
    assert_eq!((with.inference, without.inference), (Inference::ExactConverters, Inference::ExactConverters));
    assert!(with.anytime.holds && !without.anytime.holds);
    assert!(without.anytime.reason.contains("sizes stand in"), "{}", without.anytime.reason);
    assert_eq!(with.p_value, without.p_value);
    assert_eq!((with.verdict.0, without.verdict.0), (Verdict::Better, Verdict::Inconclusive));
    let harm = without.guardrail.unwrap();
    assert_eq!((harm.harm, harm.reason), (Harm::Undecided, Some(without.anytime.reason)));
    assert_eq!(with.guardrail.unwrap().harm, Harm::Safe);
}
