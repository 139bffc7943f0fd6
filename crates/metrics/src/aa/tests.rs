//! Rates that are promised, on persons of known law.

use super::*;
use crate::contribution::{Assignment, Step, Trace};
use crate::report::tests::{conversion, definition_by, revenue};
use journey::{Instant, Role, UNIT};

fn zone() -> Zone {
    Zone::parse("UTC", "").unwrap()
}

fn day(number: i64) -> Instant {
    Instant::parse("2026-06-01T12:00:00Z", "").unwrap().plus_days(number)
}

/// Persons who come over thirty days; one in ten orders at once, for a value of its own, small ones more often.
fn persons(n: u32) -> Vec<Contribution> {
    let mut random = Random::new(3);
    (0..n)
        .map(|person| {
            let at = day(i64::from(person % 30));
            let on = zone().day_of(at);
            let closed = Some(zone().day_of(at.plus_days(14)));
            let bought = random.uniform() < 0.1;
            let spent = i128::from((random.bits() % 5_000 + 1) * (random.bits() % 5_000 + 1));
            let trace = |y: i128| Trace {
                matured: closed,
                window_units: 14 * UNIT,
                x: 0,
                u: 0,
                steps: if bought { vec![Step { day: on, y, d: 0, orders: 1 }] } else { Vec::new() },
            };
            let assignment = Assignment {
                // Whatever the arm did, dealing forgets it.
                arm: u16::from(bought),
                at,
                day: on,
                matured: closed,
                crossed: None,
                values: Vec::new(),
                foreign: Vec::new(),
                walks: Vec::new(),
                traces: vec![trace(1), trace(spent)],
            };
            Contribution { strays: Vec::new(), assignment: Some(assignment) }
        })
        .collect()
}

fn ready(n: u32, last: i64) -> Persons {
    let x = definition_by(&[1, 1], &[conversion(Role::Primary), revenue(Role::Secondary)], Some(14), &[]);
    let last = zone().day_of(day(last));
    let through = Through { live: last, matured: last, end: zone().end_of(last) };
    Persons::of(&x, &persons(n), through, zone(), 0.95)
}

#[test]
fn the_same_seed_gives_the_same_rates_however_the_runs_are_cut() {
    let persons = ready(3_000, 60);
    assert_eq!((persons.count(), persons.days(0)), (3_000, 30));
    let whole = persons.deal(7, 0..60);
    let mut parts = persons.deal(7, 0..25);
    parts += persons.deal(7, 25..60);
    assert_eq!(whole, parts);
    assert_ne!(whole, persons.deal(8, 0..60));
}

/// The realised rates of 400 dealings: at most 5 %, three standard errors (3.3 points) allowed; a test of one reading that is read
/// every day is wrong far more often.
#[test]
fn what_is_promised_is_kept_and_peeking_is_not() {
    let found = ready(6_000, 60).deal(1, 0..400);
    for metric in 0..2 {
        let rate = |way: usize| found.rate(metric, way).unwrap().0;
        assert!(rate(0) <= 0.05, "sequential {} of metric {metric}", rate(0));
        assert!((0.017..0.083).contains(&rate(1)), "frequentist, once: {} of metric {metric}", rate(1));
        assert!(rate(2) > 0.12, "frequentist, every day: {} of metric {metric}", rate(2));
        assert!(rate(4) > rate(3), "bayesian, every day: {} of metric {metric}", rate(4));
        let (rate, interval) = found.rate(metric, 1).unwrap();
        assert!(interval.low < rate && rate < interval.high);
    }
    assert_eq!(promised(WAYS[0], 0.95).map(|rate| (rate * 1e9).round()), Some(5e7));
    assert_eq!(promised(WAYS[2], 0.95), None);
}

/// Persons who buy on one day of three until they leave, one of eight on each day, for values that are skewed: what is promised of a value
/// over an estimated lifespan is kept. Bounds as of 200 dealings below.
#[test]
fn lifespans_are_dealt_with_their_uncertainty() {
    use journey::{Lifespan, MetricKind};
    let mut x = definition_by(&[1, 1], &[revenue(Role::Primary), revenue(Role::Secondary)], Some(14), &[]);
    for metric in &mut x.metrics {
        let MetricKind::Sum(selector) = metric.kind.clone() else { panic!("revenue is a sum") };
        metric.kind = MetricKind::Clv { selector, lifespan: Lifespan::Estimated { inactive_days: 5 } };
    }
    let last = zone().day_of(day(60));
    let through = Through { live: last, matured: last, end: zone().end_of(last) };
    let mut random = Random::new(11);
    let mut all = persons(6_000);
    for contribution in &mut all {
        let assignment = contribution.assignment.as_mut().unwrap();
        let mut steps = Vec::new();
        for later in 0..14 {
            if random.uniform() < 1.0 / 3.0 {
                let y = i128::from((random.bits() % 5_000 + 1) * (random.bits() % 5_000 + 1));
                steps.push(Step { day: zone().day_of(assignment.at.plus_days(later)), y, d: 0, orders: 1 });
            }
            if random.uniform() < 1.0 / 8.0 {
                break;
            }
        }
        assignment.traces.iter_mut().for_each(|trace| trace.steps.clone_from(&steps));
    }
    let found = Persons::of(&x, &all, through, zone(), 0.95).deal(1, 0..200);
    let rate = |way: usize| found.rate(0, way).unwrap().0;
    assert!(rate(0) <= 0.05, "sequential: {}", rate(0));
    assert!((0.005..0.12).contains(&rate(1)), "frequentist, once: {}", rate(1));
    assert!(rate(2) > rate(1), "frequentist, every day: {}", rate(2));
}

/// The 95th percentile, and values cut at it: what a test of one reading promises is kept, no sequence is told of a quantile, and
/// that of cut values keeps its promise.
#[test]
fn distributions_are_dealt_like_sums() {
    use journey::{Keeps, MetricKind, PercentileCap, Share};
    let share = Share::from_millionths(950_000).unwrap();
    let mut x = definition_by(&[1, 1], &[revenue(Role::Primary), revenue(Role::Secondary)], Some(14), &[]);
    let MetricKind::Sum(selector) = x.metrics[0].kind.clone() else { panic!("revenue is a sum") };
    x.metrics[0].kind = MetricKind::Quantile { measure: journey::Measure { selector, of: journey::Of::Value }, share };
    x.metrics[1].keeps =
        Keeps { percentile_cap: Some(PercentileCap { share, ignore_zeros: true }), ..Keeps::default() };
    let last = zone().day_of(day(60));
    let through = Through { live: last, matured: last, end: zone().end_of(last) };
    // Both metrics look at the same values.
    let all: Vec<Contribution> = persons(6_000)
        .into_iter()
        .map(|mut contribution| {
            let traces = &mut contribution.assignment.as_mut().unwrap().traces;
            traces[0] = traces[1].clone();
            contribution
        })
        .collect();
    let found = Persons::of(&x, &all, through, zone(), 0.95).deal(1, 0..200);
    assert_eq!(found.rate(0, 0), Err(Undefined::NoSequenceOfQuantiles));
    assert!(found.rate(1, 0).unwrap().0 <= 0.05);
    for metric in 0..2 {
        let rate = |way: usize| found.rate(metric, way).unwrap().0;
        // Four and a half standard errors of 200 dealings.
        assert!((0.005..0.12).contains(&rate(1)), "frequentist, once: {} of metric {metric}", rate(1));
        assert!(rate(2) > rate(1), "frequentist, every day: {} of metric {metric}", rate(2));
    }
}

/// Of quantiles, of values cut at a percentile and of plain ones, with a window and without: what is dealt to an arm is read as if the
/// arm had been so from the start, to the last digit.
#[test]
fn a_dealing_is_read_as_an_experiment_is() {
    use crate::tally::{Direction, Tally};
    use journey::{CrossoverPolicy, Keeps, Lifespan, MetricKind, PercentileCap, Share};
    let share = |millionths: u32| Share::from_millionths(millionths).unwrap();
    let mut x = definition_by(&[1, 1], &vec![revenue(Role::Primary); 7], Some(14), &[]);
    for metric in [0, 1] {
        let MetricKind::Sum(selector) = x.metrics[metric].kind.clone() else { panic!("revenue is a sum") };
        let measure = journey::Measure { selector, of: journey::Of::Value };
        x.metrics[metric].kind = MetricKind::Quantile { measure, share: share(700_000) };
    }
    for (metric, ignore_zeros) in [(2, false), (3, true)] {
        let percentile_cap = Some(PercentileCap { share: share(900_000), ignore_zeros });
        x.metrics[metric].keeps = Keeps { percentile_cap, ..Keeps::default() };
    }
    for metric in [5, 6] {
        let MetricKind::Sum(selector) = x.metrics[metric].kind.clone() else { panic!("revenue is a sum") };
        x.metrics[metric].kind = MetricKind::Clv { selector, lifespan: Lifespan::Estimated { inactive_days: 3 } };
    }
    for metric in [1, 2, 6] {
        x.metrics[metric].window_days = None;
    }
    // Most buy something within their window, on up to three days, so that values leave buckets for others.
    let mut random = Random::new(5);
    let mut all = persons(400);
    for contribution in &mut all {
        let assignment = contribution.assignment.as_mut().unwrap();
        let steps = (0..random.bits() % 4).map(|step| Step {
            day: zone().day_of(assignment.at.plus_days(2 * i64::try_from(step).unwrap())),
            y: i128::from(random.bits() % 90_000_000),
            d: 0,
            orders: 1,
        });
        let steps: Vec<Step> = steps.collect();
        let trace = |metric: usize| Trace {
            matured: x.window_days(metric).and(assignment.matured),
            steps: steps.clone(),
            ..assignment.traces[1].clone()
        };
        assignment.traces = (0..7).map(trace).collect();
    }
    let of_person: Vec<u8> = (0..all.len()).map(|person| u8::from(person % 3 == 0)).collect();
    let mut tally = Tally::default();
    for (contribution, arm) in all.iter_mut().zip(&of_person) {
        contribution.assignment.as_mut().unwrap().arm = (*arm).into();
        tally.apply(&x, contribution, Direction::Add);
    }
    for last in [20, 34, 60] {
        let last = zone().day_of(day(last));
        let through = Through { live: last, matured: last, end: zone().end_of(last) };
        let rows = tally.rows.iter().filter(|(key, _)| key.dimension == 0);
        let read = crate::reading::read(&x, rows, through, CrossoverPolicy::First).remove("").unwrap();
        let dealt = Persons::of(&x, &all, through, zone(), 0.95);
        let known: Vec<u8> =
            of_person[..].iter().zip(&all).filter(|(_, person)| is_known(person, last)).map(|(arm, _)| *arm).collect();
        for (metric, entries) in dealt.metrics.iter().enumerate() {
            let mut sums = entries.nobody(2);
            let mut values = entries.values.nobody(2);
            entries.days.iter().for_each(|day| entries.add(day, &known, &mut sums, &mut values));
            let found = entries.reading(&sums, &values, through);
            for (found, read) in found.arms.iter().zip(&read.arms) {
                if x.window_days(metric).is_some() {
                    assert_eq!(found.matured[0], read.matured[metric], "metric {metric} on {last}");
                } else {
                    assert_eq!(found.live[0], read.live[metric], "metric {metric} on {last}");
                }
            }
        }
    }
}

fn is_known(person: &Contribution, last: Day) -> bool {
    person.assignment.as_ref().is_some_and(|assignment| assignment.day <= last)
}

/// As of now, today is not over, and so no whole day on which nothing was bought.
#[test]
fn a_day_that_is_not_over_is_no_whole_day() {
    let x = definition_by(&[1, 1], &[conversion(Role::Primary), revenue(Role::Secondary)], None, &[]);
    let today = zone().day_of(day(29));
    let through = Through { live: today, matured: today.previous(), end: zone().end_of(today) };
    let dealt = Persons::of(&x, &persons(300), through, zone(), 0.95);
    let days: Vec<(Day, Day)> =
        dealt.metrics[1].days.iter().map(|day| (day.through.live, day.through.matured)).collect();
    assert_eq!((days[28], days[29]), ((today.previous(), today.previous()), (today, today.previous())));
}

#[test]
fn who_is_exposed_later_takes_no_part_and_nobody_raises_no_alarm() {
    assert_eq!(ready(3_000, 9).count(), 1_000);
    // No window has closed on the tenth day.
    assert_eq!(ready(3_000, 9).days(0), 0);
    let nobody = ready(0, 60);
    assert_eq!(nobody.deal(1, 0..10).alarms, vec![[0; WAYS.len()]; 2]);
    assert!(FalseAlarms::default().rate(0, 0).is_err());
}
