//! Survival against the remission times that every textbook uses, and laws.

use proptest::prelude::*;

use super::*;
use crate::inference::{Interval, Undefined};

/// Weeks of remission of 21 leukaemia patients under 6-mercaptopurine; a plus (negative here) is censored. Freireich
/// and others, Blood 1963.
const TREATED: [i32; 21] = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35];
/// The same of 21 patients under placebo.
const PLACEBO: [i32; 21] = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23];

fn durations(signed: impl IntoIterator<Item = i32>) -> Durations {
    signed
        .into_iter()
        .map(|weeks| {
            let event = i64::from(weeks > 0);
            (weeks.unsigned_abs(), Ends { events: event, censored: 1 - event })
        })
        .collect()
}

#[track_caller]
fn close(actual: f64, expected: f64, relative: f64) {
    assert!((actual - expected).abs() <= relative * expected.abs(), "{actual:e} is not {expected:e}");
}

/// Source: lifelines 0.30.3, `KaplanMeierFitter`.
#[test]
fn remission_curve() {
    let curve = kaplan_meier(&durations(TREATED), 0.95).unwrap();
    for (time, survival, low, high) in [
        (6, 0.857142857142857, 0.6197179552659838, 0.9515517476469969),
        (10, 0.7529411764705878, 0.5031995107999564, 0.8893618351692651),
        (23, 0.44817927170868327, 0.18805200595923233, 0.6801426284952412),
    ] {
        let point = curve.at(time).unwrap();
        close(point.survival, survival, 1e-12);
        let Interval { low: from, high: to } = point.interval.unwrap();
        close(from, low, 1e-12);
        close(to, high, 1e-12);
    }
    // Source: lifelines, `restricted_mean_survival_time`.
    close(curve.restricted_mean(30).unwrap().value, 21.04649859943977, 1e-12);
    assert_eq!(curve.time_to(0.5), Some(23));
    assert_eq!(curve.time_to(0.4), None);
    assert_eq!(curve.survival(5), Some(1.0));
    assert_eq!(curve.survival(36), None);
    assert_eq!(curve.persons(), 21);
    let placebo = kaplan_meier(&durations(PLACEBO), 0.95).unwrap();
    assert_eq!(placebo.survival(1_000), Some(0.0));
    assert_eq!(placebo.points().last().unwrap().interval, Err(Undefined::NoVariance));
}

/// Source: lifelines 0.30.3, `logrank_test`, and `multivariate_logrank_test` with a third arm whose times are those of
/// the placebo plus 3, every other one censored.
#[test]
fn remission_log_rank() {
    let (treated, placebo) = (durations(TREATED), durations(PLACEBO));
    let two = log_rank(&[&treated, &placebo]).unwrap();
    close(two.chi_square, 16.792940989216547, 1e-12);
    close(two.p_value, 4.168809109334511e-5, 1e-11);
    assert_eq!(two.degrees_of_freedom, 1);
    assert_eq!(two.arms.iter().map(|arm| arm.observed).sum::<u64>(), 30);
    close(two.arms.iter().map(|arm| arm.expected).sum::<f64>(), 30.0, 1e-13);
    let later = PLACEBO.iter().enumerate().map(|(index, time)| if index % 2 == 1 { time + 3 } else { -time - 3 });
    let third = durations(later);
    let three = log_rank(&[&treated, &placebo, &third]).unwrap();
    close(three.chi_square, 21.46764519725455, 1e-11);
    close(three.p_value, 2.1795160709221078e-5, 1e-10);
    // An arm without persons takes no part.
    let empty = Durations::default();
    assert_eq!(log_rank(&[&treated, &empty, &placebo]).unwrap().degrees_of_freedom, 1);
    assert_eq!(log_rank(&[&treated, &empty]), Err(Undefined::FewerThanTwoArms));
    assert_eq!(log_rank(&[&treated]), Err(Undefined::FewerThanTwoArms));
    let watched = durations([-3, -4]);
    assert_eq!(log_rank(&[&watched, &watched]), Err(Undefined::NoVariance));
}

/// Source: scipy 1.17.1, `chi2.ppf` (Garwood's interval).
#[test]
fn churn() {
    let rate = churn_rate(&durations(TREATED), 0.95).unwrap();
    assert_eq!((rate.events, rate.person_time.to_bits()), (9, 359f64.to_bits()));
    close(rate.rate, 9.0 / 359.0, 1e-15);
    close(rate.interval.low, 0.011463434811638813, 1e-12);
    close(rate.interval.high, 0.04758998175882776, 1e-12);
    let none = churn_rate(&durations([-1]), 0.95).unwrap();
    assert_eq!((none.rate.to_bits(), none.interval.low.to_bits()), (0, 0));
    close(none.interval.high, 3.6888794541139354, 1e-12);
    let many = |events| churn_rate(&Durations::from_iter([(1, Ends { events, censored: 0 })]), 0.95).unwrap();
    let Interval { low, high } = many(1000).interval;
    close(low, 938.9730184076952 / 1000.0, 1e-12);
    close(high, 1063.952136016302 / 1000.0, 1e-12);
    // Beyond the exact counts: within 1e-5 of the width.
    let Interval { low, high } = many(5000).interval;
    close(low, 4862.359188694899 / 5000.0, 5e-7);
    close(high, 5140.5489485350045 / 5000.0, 5e-7);
    assert_eq!(churn_rate(&durations([0]), 0.95), Err(Undefined::ZeroDenominator));
    assert_eq!(churn_rate(&Durations::default(), 0.95), Err(Undefined::NoPersons));
}

#[test]
fn impossible_counts() {
    let mut durations = durations(TREATED);
    durations.add(99, Ends { events: -1, censored: 0 });
    assert_eq!(kaplan_meier(&durations, 0.95), Err(Undefined::ImpossibleSums));
    assert_eq!(kaplan_meier(&Durations::default(), 0.95), Err(Undefined::NoPersons));
}

fn any_durations() -> impl Strategy<Value = Vec<(u32, bool)>> {
    prop::collection::vec((0u32..40, any::<bool>()), 1..60)
}

fn tally(persons: &[(u32, bool)]) -> Durations {
    persons.iter().map(|(time, event)| (*time, Ends { events: (*event).into(), censored: (!*event).into() })).collect()
}

proptest! {
    /// Adding and taking away in any order is the tally of who is left.
    #[test]
    fn durations_add_up(left in any_durations(), right in any_durations()) {
        let both: Vec<_> = left.iter().chain(&right).copied().collect();
        let mut sum = tally(&right);
        sum.merge(&tally(&left));
        prop_assert_eq!(&sum, &tally(&both));
        for (time, event) in &right {
            sum.add(*time, Ends { events: -i64::from(*event), censored: -i64::from(!*event) });
        }
        prop_assert_eq!(sum, tally(&left));
    }

    /// Without censoring the curve is the share of longer durations, Greenwood's variance that of a proportion, and
    /// the restricted mean a plain mean of the capped durations, its variance theirs over n.
    #[test]
    fn without_censoring(persons in prop::collection::vec(0u32..40, 2..60), until in 0u32..45) {
        let curve = kaplan_meier(&tally(&persons.iter().map(|time| (*time, true)).collect::<Vec<_>>()), 0.9).unwrap();
        let n = persons.len() as f64;
        for point in curve.points() {
            let share = persons.iter().filter(|time| **time > point.time).count() as f64 / n;
            prop_assert!((point.survival - share).abs() < 1e-12);
            prop_assert!((point.standard_error() - (share * (1.0 - share) / n).sqrt()).abs() < 1e-9);
        }
        let capped: Vec<f64> = persons.iter().map(|time| f64::from(*time.min(&until))).collect();
        let mean = capped.iter().sum::<f64>() / n;
        let variance = capped.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / n / n;
        let restricted = curve.restricted_mean(until).unwrap();
        prop_assert!((restricted.value - mean).abs() < 1e-9);
        prop_assert!((restricted.variance - variance).abs() < 1e-9);
    }

    /// Every number is finite or has a reason; intervals hold the curve; arms may be named in any order.
    #[test]
    fn finite_or_a_reason(arms in prop::collection::vec(any_durations(), 2..4)) {
        let tallies: Vec<Durations> = arms.iter().map(|arm| tally(arm)).collect();
        for arm in &tallies {
            for point in kaplan_meier(arm, 0.95).unwrap().points() {
                prop_assert!((0.0..=1.0).contains(&point.survival));
                if let Ok(Interval { low, high }) = point.interval {
                    prop_assert!(0.0 <= low && low <= point.survival && point.survival <= high && high <= 1.0);
                }
            }
            if let Ok(rate) = churn_rate(arm, 0.95) {
                prop_assert!(rate.interval.low <= rate.rate && rate.rate <= rate.interval.high);
            }
        }
        let forward = log_rank(&tallies.iter().collect::<Vec<_>>());
        let backward = log_rank(&tallies.iter().rev().collect::<Vec<_>>());
        if let (Ok(forward), Ok(backward)) = (&forward, &backward) {
            prop_assert!((forward.chi_square - backward.chi_square).abs() <= 1e-7 * forward.chi_square.max(1.0));
            prop_assert!(forward.p_value > 0.0 && forward.p_value <= 1.0);
        }
        prop_assert_eq!(forward.is_ok(), backward.is_ok());
    }
}
