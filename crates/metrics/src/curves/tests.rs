//! Curves from tallies are those of the persons themselves.

use journey::{
    Amount, Arm, CrossoverPolicy, Experiment, ExperimentDraft, Goal, Keeps, Method, Metric, MetricDraft, MetricUse,
    Name, Pattern, Role, Selector, UNIT,
};
use proptest::prelude::*;

use super::*;
use crate::survival::Ends as Counted;
use crate::tally::detail::SpanKey;
use crate::tally::{Count, SPANS, Tally};

fn name(text: &str) -> Name {
    Name::parse(text, "").unwrap()
}

fn definition(window_days: Option<u32>) -> Definition {
    let selector = Selector { event: Pattern::parse("Order Completed", "").unwrap(), filters: Vec::new() };
    let (goal, unit, description) = (Goal::Increase, None, None);
    let kind = MetricKind::Count(selector);
    let draft = MetricDraft { key: name("m"), kind, window_days: None, cap: None, goal, unit, description };
    let metric = Metric::validate(draft).unwrap().keeping(Keeps { curve: true, ..Keeps::default() }).unwrap();
    let weight = Amount::from_units(UNIT).unwrap();
    let arm = |key: &str| Arm { key: name(key), weight, intensity: None, cost: journey::Cost::default() };
    let draft = ExperimentDraft {
        planned_persons: journey::DEFAULT_PLANNED_PERSONS,
        key: name("x"),
        name: None,
        tactic: None,
        hypothesis: None,
        owner: None,
        control: name("off"),
        arms: vec![arm("off"), arm("on")],
        starts_at: None,
        ends_at: None,
        window_days,
        crossovers: CrossoverPolicy::First,
        method: Method::Sequential,
        metrics: vec![MetricUse { metric: metric.key.clone(), role: Role::Primary, max_harm: None, cuped: true }],
        dimensions: Vec::new(),
        holdout: None,
        phases: Vec::new(),
        archived: false,
    };
    Definition { experiment: Experiment::validate(draft).unwrap(), metrics: vec![metric] }
}

/// A person: the arm, the day of the exposure, and the days after it on which something happened, ascending.
type Person = (i16, i32, Vec<u32>);

fn row<'a>(tally: &'a mut Tally, dimension: i16, value: &str, arm: i16, day: i32) -> &'a mut Row {
    let key = RowKey { dimension, value: value.into(), arm, day: Day::from_number(day) };
    tally.rows.entry(key).or_default()
}

/// What the persons enter, as `metrics::tally` does it; activity is entered as far as it is watched.
fn tally(persons: &[Person], window: Option<u32>) -> Tally {
    let mut tally = Tally::default();
    for (arm, exposed, days) in persons {
        row(&mut tally, 0, "", *arm, *exposed).all.counts[Count::Persons as usize] += 1;
        let mut entries: Vec<(i32, SpanKey, i64)> = Vec::new();
        let mut enter = |series, origin: i32, days: u32| {
            entries.push((origin + i32::try_from(days).unwrap(), SpanKey { series, origin, days }, 1));
        };
        if let Some(first) = days.first() {
            enter(Series::First, *exposed, *first);
        }
        if let [first, second, ..] = days[..] {
            enter(Series::Second, *exposed, second);
            enter(Series::Repeat, *exposed + i32::try_from(first).unwrap(), second - first);
        }
        let watched: Vec<u32> = days.iter().copied().filter(|day| window.is_none_or(|window| *day < window)).collect();
        for day in &watched {
            enter(Series::Active, *exposed, *day);
            enter(Series::Last, *exposed, *day);
        }
        for pair in watched.windows(2) {
            let key = SpanKey { series: Series::Last, origin: *exposed, days: pair[0] };
            entries.push((exposed + i32::try_from(pair[1]).unwrap(), key, -1));
        }
        for (day, key, sign) in entries {
            row(&mut tally, SPANS, "0", *arm, day).all.detail.get_or_insert_default().add_span(key, sign);
        }
    }
    tally
}

fn split(tally: &Tally, dimension: i16) -> impl Iterator<Item = (&RowKey, &Row)> {
    tally.rows.iter().filter(move |(key, _)| key.dimension == dimension)
}

fn persons() -> impl Strategy<Value = Vec<Person>> {
    let days = prop::collection::btree_set(0u32..25, 0..6).prop_map(|days| days.into_iter().collect::<Vec<_>>());
    prop::collection::vec((0i16..2, 100i32..120, days), 0..40)
}

fn known(days: &[u32], last: u32) -> Vec<u32> {
    days.iter().copied().filter(|day| *day <= last).collect()
}

proptest! {
    #[test]
    fn durations_are_those_of_the_persons(
        persons in persons(),
        window in proptest::option::of(1u32..12),
        through in 98i32..150,
        inactive in 1u32..9,
    ) {
        let definition = definition(window);
        let tally = tally(&persons, window);
        let arms = read(&definition, 0, split(&tally, 0), split(&tally, SPANS), Day::from_number(through));
        for (number, arm) in arms.iter().enumerate() {
            let (mut first, mut second, mut again, mut stay) =
                (Durations::default(), Durations::default(), Durations::default(), Durations::default());
            let mut seen: Vec<[i64; 2]> = Vec::new();
            for (_, exposed, days) in persons.iter().filter(|(of, ..)| usize::try_from(*of) == Ok(number)) {
                let Ok(since) = u32::try_from(through - exposed) else { continue };
                let last = window.map_or(since, |window| since.min(window - 1));
                let days = known(days, last);
                let end = |durations: &mut Durations, event: Option<u32>, censored: u32| match event {
                    Some(time) => durations.add(time, Counted { events: 1, censored: 0 }),
                    None => durations.add(censored, Counted { events: 0, censored: 1 }),
                };
                end(&mut first, days.first().copied(), last);
                end(&mut second, days.get(1).copied(), last);
                if let Some(begun) = days.first() {
                    end(&mut again, days.get(1).map(|day| day - begun), last - begun);
                }
                if let Some(limit) = last.checked_sub(inactive) {
                    let latest = days.last().copied().unwrap_or(0);
                    end(&mut stay, (latest <= limit).then_some(latest), limit);
                }
                seen.resize(seen.len().max(last as usize + 1), [0, 0]);
                (0..=last).for_each(|day| seen[day as usize][0] += 1);
                for day in days {
                    seen[day as usize][1] += 1;
                }
            }
            prop_assert_eq!(arm.until(Series::First), first);
            prop_assert_eq!(arm.until(Series::Second), second);
            prop_assert_eq!(arm.until_again(), window.is_none().then_some(again));
            prop_assert_eq!(stays(arm, inactive), stay);
            let found: Vec<[i64; 2]> = active_days(arm, 0.95).iter().map(|day| [day.persons, day.active]).collect();
            prop_assert_eq!(found, seen);
        }
    }
}

#[test]
fn a_curve_has_its_interval_its_test_and_its_reasons() {
    let definition = definition(None);
    // In one arm everyone buys on day 2, in the other half do, on day 9.
    let persons: Vec<Person> = (0..40)
        .map(|i| {
            (
                i % 2,
                100,
                if i % 2 == 1 {
                    vec![2]
                } else if i < 20 {
                    vec![9]
                } else {
                    vec![]
                },
            )
        })
        .collect();
    let tally = tally(&persons, None);
    let arms = read(&definition, 0, split(&tally, 0), split(&tally, SPANS), Day::from_number(112));
    let found = curves(&arms, Ends::First, 7, 0.95);
    let [off, on] = &found.arms[..] else { panic!("{found:?}") };
    let curve = off.curve.as_ref().unwrap();
    assert_eq!((curve.survival(8), curve.survival(9), curve.survival(12)), (Some(1.0), Some(0.5), Some(0.5)));
    assert!(curve.at(9).unwrap().interval.is_ok());
    assert_eq!(on.curve.as_ref().unwrap().survival(2), Some(0.0));
    // 10 events in 10 x 9 + 10 x 12 days.
    assert!((off.rate.unwrap().rate - 10.0 / 210.0).abs() < 1e-12);
    assert!(found.log_rank.unwrap().p_value < 1e-6);
    let again = curves(&arms, Ends::Repeat, 7, 0.95);
    assert!(again.arms[0].curve.as_ref().unwrap().survival(3) == Some(1.0));
    assert_eq!((repeat_share(&arms[0], 0.95).persons, repeat_share(&arms[0], 0.95).repeated), (10, 0));
    // Before anyone was exposed there is nobody, and under a window no time from the first to the second.
    let nobody = read(&definition, 0, split(&tally, 0), split(&tally, SPANS), Day::from_number(99));
    assert_eq!(curves(&nobody, Ends::First, 7, 0.95).arms[0].curve, Err(Undefined::NoPersons));
    let windowed =
        read(&super::tests::definition(Some(7)), 0, split(&tally, 0), split(&tally, SPANS), Day::from_number(112));
    assert_eq!(curves(&windowed, Ends::Repeat, 7, 0.95).arms[0].curve, Err(Undefined::WindowOfRepeats));
    assert_eq!(curves(&windowed, Ends::First, 7, 0.95).arms[0].curve.as_ref().unwrap().survival(6), Some(1.0));
}
