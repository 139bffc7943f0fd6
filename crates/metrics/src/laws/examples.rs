//! The worked examples of the field, and the rules where they are easy to get wrong, by hand.

use std::sync::Arc;

use ethnum::I256;
use journey::{
    Align, Amount, Arm, CrossoverPolicy, Day, Definition, EventId, Experiment, ExperimentDraft, Fact, Goal, Instant,
    Lifespan, Method, Metric, MetricDraft, MetricKind, Path, Pattern, Selector, Zone,
};

use super::histories::{Deed, World, journey, name};
use super::{rows, tally, through};
use crate::fold::{extend, fold};
use crate::inference::{compare, mean};
use crate::moments::Moments;
use crate::reading::{Reading, read};

const UNIT: i64 = 1_000_000;

fn at(text: &str) -> Instant {
    Instant::parse(text, "").unwrap()
}

fn day(text: &str) -> Day {
    Day::parse(text, "").unwrap()
}

fn deed(id: u8, time: &str, name: &'static str, value: i64) -> Deed {
    Deed {
        at: at(time),
        id: EventId::from_bytes([id; 16]),
        name,
        channel: None,
        stage: None,
        value: (value != 0).then_some(value * UNIT),
        foreign: false,
        exposure: None,
        category: Fact::None,
        plan: Fact::None,
        cost: None,
        answer: Fact::None,
    }
}

fn exposure(id: u8, time: &str, arm: &'static str) -> Deed {
    Deed { exposure: Some(("x", arm)), ..deed(id, time, "Experiment Viewed", 0) }
}

fn selector(event: &str) -> Selector {
    Selector { event: Pattern::parse(event, "").unwrap(), filters: Vec::new() }
}

fn metric(kind: MetricKind, window_days: Option<u32>) -> Metric {
    let (cap, goal, unit, description) = (None, Goal::Increase, None, None);
    Metric::validate(MetricDraft { key: name("m"), kind, window_days, cap, goal, unit, description }).unwrap()
}

/// An experiment without a window and without dates, with one dimension, `plan`.
fn world(zone: &str, metrics: Vec<Metric>, people: Vec<Vec<Deed>>) -> World {
    let one = Amount::from_units(UNIT).unwrap();
    let arm = |key: &str| Arm { key: name(key), weight: one, intensity: None, cost: journey::Cost::default() };
    let draft = ExperimentDraft {
        key: name("x"),
        name: None,
        tactic: None,
        hypothesis: None,
        owner: None,
        control: name("control"),
        arms: vec![arm("control"), arm("treated")],
        starts_at: None,
        ends_at: None,
        window_days: None,
        crossovers: CrossoverPolicy::First,
        method: Method::Frequentist,
        planned_persons: journey::DEFAULT_PLANNED_PERSONS,
        metrics: Vec::new(),
        dimensions: vec![Path::parse("plan", "").unwrap()],
        holdout: None,
        phases: Vec::new(),
        archived: false,
    };
    let definition = Definition { experiment: Experiment::validate(draft).unwrap(), metrics };
    let zone = Zone::parse(zone, "").unwrap();
    World { zone, definitions: vec![Arc::new(definition)], people, middle: day("2026-10-25") }
}

/// Everyone's reading as of the end of a day.
fn reading(world: &World, day: Day) -> Reading {
    let plan = world.plan();
    let tally = tally(&plan, 0, &world.journeys(&plan));
    let through = through(world.zone, day, day);
    read(&world.definitions[0], rows(&tally, 0), through, CrossoverPolicy::First).remove("").unwrap_or_default()
}

fn matured(world: &World, as_of: &str) -> Moments {
    reading(world, day(as_of)).arms[0].matured[0].clone().unwrap()
}

#[test]
fn a_conversion_of_3_per_cent_against_2_is_a_lift_of_one_half_and_an_impact_score_of_50() {
    let arm = |arm: &'static str, buyers: usize| {
        (0..100).map(move |person| {
            let mut deeds = vec![exposure(1, "2026-10-01T10:00:00Z", arm)];
            if person < buyers {
                // Twice is once: a person converts or does not.
                deeds.push(deed(2, "2026-10-01T11:00:00Z", "Order Completed", 5));
                deeds.push(deed(3, "2026-10-02T11:00:00Z", "Order Completed", 5));
            }
            deeds
        })
    };
    let people = arm("control", 2).chain(arm("treated", 3)).collect();
    let world = world("UTC", vec![metric(MetricKind::Conversion(selector("Order Completed")), Some(7))], people);
    let reading = reading(&world, day("2026-10-08"));
    let estimates: Vec<_> = reading
        .arms
        .iter()
        .map(|arm| {
            let Moments { n, y, yy, .. } = arm.matured[0].clone().unwrap();
            mean(n, y, yy).unwrap()
        })
        .collect();
    assert!((estimates[0].value() - 0.02).abs() < 1e-15);
    assert!((estimates[1].value() - 0.03).abs() < 1e-15);
    let lift = compare(&estimates[0], &estimates[1], 0.95).unwrap().lift.unwrap();
    assert!((lift.value - 0.5).abs() < 1e-12);
    assert!((lift.impact_score() - 50.0).abs() < 1e-10);
}

#[test]
fn customer_lifetime_value_is_average_value_times_frequency_times_lifespan() {
    // Two persons of one arm, observed for 20 and 10 days by the end of 2026-10-20: three orders worth 90 less a
    // refund of 30. Average value 60 / 3 = 20, frequency 3 orders in 30 days, lifespan 730 days: 20 × 0.1 × 730 = 1460.
    let people = vec![
        vec![
            exposure(1, "2026-10-01T00:00:00Z", "control"),
            deed(2, "2026-10-01T00:00:00Z", "Order Completed", 40),
            deed(3, "2026-10-05T09:00:00Z", "Order Completed", 20),
            deed(4, "2026-10-06T09:00:00Z", "Order Refunded", 30),
            deed(5, "2026-10-21T00:00:00Z", "Order Completed", 999),
        ],
        vec![exposure(1, "2026-10-11T00:00:00Z", "control"), deed(2, "2026-10-12T09:00:00Z", "Order Completed", 30)],
    ];
    let kind = MetricKind::Clv { selector: selector("Order Completed"), lifespan: Lifespan::Days(730) };
    let world = world("UTC", vec![metric(kind, None)], people);
    let live = reading(&world, day("2026-10-20")).arms[0].live[0].clone();
    assert_eq!((live.n, live.orders), (2, 3));
    assert_eq!((live.y, live.d), (I256::from(60 * UNIT), I256::from(30 * UNIT)));
    let (value, orders, days) = (live.y.as_f64() / 1e6, live.orders as f64, live.d.as_f64() / 1e6);
    assert!(((value / orders) * (orders / days) * 730.0 - 1460.0).abs() < 1e-9);
    // The refund stands against one person's value: squares and products are of 30 and 30 over 20 and 10 days.
    let square = I256::from(UNIT) * I256::from(UNIT);
    assert_eq!((live.yy, live.dd, live.yd), (square * 1_800, square * 500, square * 900));
}

#[test]
fn a_window_of_7_days_is_7_times_86_400_seconds_over_a_clock_change() {
    // The clocks of Berlin go back on 2026-10-25, so that the window of an exposure at 12:00 ends at 11:00.
    let people = |order: &'static str| {
        vec![vec![exposure(1, "2026-10-20T12:00:00+02:00", "control"), deed(2, order, "Order Completed", 1)]]
    };
    let kind = || metric(MetricKind::Count(selector("Order Completed")), Some(7));
    let orders = |order| matured(&world("Europe/Berlin", vec![kind()], people(order)), "2026-10-27").y;
    assert_eq!(orders("2026-10-27T10:59:59.999999+01:00"), I256::from(UNIT));
    assert_eq!(orders("2026-10-27T11:00:00+01:00"), I256::ZERO);
    // It has not closed the day before, however many orders there are.
    let open = world("Europe/Berlin", vec![kind()], people("2026-10-20T13:00:00+02:00"));
    assert_eq!(matured(&open, "2026-10-26").n, 0);
    assert_eq!(matured(&open, "2026-10-27").n, 1);
}

#[test]
fn the_day_on_which_a_window_closes_is_the_local_one() {
    // 23:30 in Berlin's summer; seven days of 24 hours later it is 22:30, and in the spring it would be 00:30.
    let of = |time| {
        let kind = metric(MetricKind::Count(selector("*")), Some(7));
        world("Europe/Berlin", vec![kind], vec![vec![exposure(1, time, "control")]])
    };
    let autumn = of("2026-10-20T23:30:00+02:00");
    assert_eq!((matured(&autumn, "2026-10-26").n, matured(&autumn, "2026-10-27").n), (0, 1));
    let spring = of("2026-03-25T23:30:00+01:00");
    assert_eq!((matured(&spring, "2026-04-01").n, matured(&spring, "2026-04-02").n), (0, 1));
}

#[test]
fn retention_of_day_7_is_a_return_from_7_times_24_hours_to_8() {
    let kind =
        || MetricKind::Retention { selector: selector("*"), from_day: 7, to_day: Some(8), align: Align::Exposure };
    let returned = |time: &'static str, name: &'static str| {
        let deeds = vec![exposure(1, "2026-10-20T12:00:00+02:00", "control"), deed(2, time, name, 0)];
        let world = world("Europe/Berlin", vec![metric(kind(), None)], vec![deeds]);
        // The span is its window: the person counts once it has passed.
        assert_eq!(matured(&world, "2026-10-27").n, 0);
        let sums = matured(&world, "2026-10-28");
        assert_eq!(sums.n, 1);
        sums.y == I256::from(UNIT)
    };
    assert!(!returned("2026-10-27T10:59:59.999999+01:00", "Page Viewed"));
    assert!(returned("2026-10-27T11:00:00+01:00", "Page Viewed"));
    assert!(returned("2026-10-28T10:59:59.999999+01:00", "Page Viewed"));
    assert!(!returned("2026-10-28T11:00:00+01:00", "Page Viewed"));
    // Nor is it one where the window stays open for longer.
    let late = vec![exposure(1, "2026-10-01T12:00:00Z", "control"), deed(2, "2026-10-09T12:00:00Z", "Page Viewed", 0)];
    let longer = world("UTC", vec![metric(kind(), Some(14))], vec![late]);
    assert_eq!((matured(&longer, "2026-10-15").n, matured(&longer, "2026-10-15").y), (1, I256::ZERO));
    // What is done to a person is no return.
    assert!(!returned("2026-10-27T12:00:00+01:00", "Email Opened"));
}

#[test]
fn a_refund_takes_the_square_back_too() {
    let deeds = vec![
        exposure(1, "2026-10-01T10:00:00Z", "control"),
        deed(2, "2026-10-02T10:00:00Z", "Order Completed", 50),
        deed(3, "2026-10-04T10:00:00Z", "Order Refunded", -20),
    ];
    let world = world("UTC", vec![metric(MetricKind::Sum(selector("Order Completed")), None)], vec![deeds]);
    let squares = |as_of| reading(&world, day(as_of)).arms[0].live[0].yy;
    let square = I256::from(UNIT) * I256::from(UNIT);
    assert_eq!(squares("2026-10-01"), I256::ZERO);
    assert_eq!(squares("2026-10-03"), square * 2_500);
    assert_eq!(squares("2026-10-04"), square * 900);
}

#[test]
fn a_sum_beyond_1e12_is_left_out_until_a_refund_brings_it_back() {
    let order = |id: u16, time, name, value| {
        let mut bytes = [9; 16];
        bytes[..2].copy_from_slice(&id.to_be_bytes());
        Deed { id: EventId::from_bytes(bytes), ..deed(0, time, name, value) }
    };
    let mut deeds = vec![exposure(1, "2026-10-01T10:00:00Z", "control")];
    deeds.extend((0..1_000).map(|id| order(id, "2026-10-01T11:00:00Z", "Order Completed", 1_000_000_000)));
    deeds.push(order(1_000, "2026-10-02T11:00:00Z", "Order Completed", 1));
    deeds.push(order(1_001, "2026-10-03T11:00:00Z", "Order Refunded", 1));
    let world = world("UTC", vec![metric(MetricKind::Sum(selector("Order Completed")), None)], vec![deeds]);
    let live = |as_of| reading(&world, day(as_of)).arms[0].live[0].clone();
    // Exactly 1e12 is within the bound, and its cube is exact.
    let sum = I256::from(1_000_000_000_000_000_000i64);
    let first = live("2026-10-01");
    assert_eq!((first.n, first.left_out, first.y, first.yyy), (1, 0, sum, sum * sum * sum));
    assert_eq!(live("2026-10-02"), Moments { left_out: 1, ..Moments::default() });
    assert_eq!(live("2026-10-03"), first);
}

#[test]
fn an_event_on_the_instant_of_the_exposure_is_not_folded_onto_it() {
    // It comes later in the journey, and yet it changes the dimension: "at or before the first exposure".
    let first = exposure(1, "2026-10-01T10:00:00Z", "control");
    let trait_sent = Deed { plan: Fact::One("pro".into()), ..deed(2, "2026-10-01T10:00:00Z", "Identified", 0) };
    let metrics = vec![metric(MetricKind::Count(selector("*")), None)];
    let world = world("UTC", metrics, vec![vec![first.clone(), trait_sent.clone()]]);
    let plan = world.plan();
    let mut contribution = fold(&plan, 0, &journey(&[first], &plan));
    assert!(!extend(&plan, 0, &mut contribution, &journey(&[trait_sent], &plan)));
    let whole = fold(&plan, 0, &world.journeys(&plan)[0]).assignment.unwrap();
    assert_eq!(*whole.values[0], *"pro");
}

#[test]
fn a_value_that_comes_up_after_the_day_is_not_named_on_it() {
    let deeds = |time, plan: &str| vec![Deed { plan: Fact::One(plan.into()), ..exposure(1, time, "control") }];
    let people = vec![deeds("2026-10-01T10:00:00Z", "free"), deeds("2026-10-03T10:00:00Z", "pro")];
    let world = world("UTC", vec![metric(MetricKind::Count(selector("*")), Some(7))], people);
    let plan = world.plan();
    let tally = tally(&plan, 0, &world.journeys(&plan));
    let values = |as_of| {
        let through = through(world.zone, day(as_of), day(as_of));
        read(&world.definitions[0], rows(&tally, 1), through, CrossoverPolicy::First).into_keys().collect::<Vec<_>>()
    };
    assert_eq!(values("2026-10-02"), ["free".into()]);
    assert_eq!(values("2026-10-03"), ["free".into(), "pro".into()]);
}

#[test]
fn a_crossover_is_excluded_from_the_day_of_crossing_on() {
    let deeds = vec![
        exposure(1, "2026-10-01T10:00:00Z", "control"),
        deed(2, "2026-10-02T10:00:00Z", "Order Completed", 50),
        exposure(3, "2026-10-04T10:00:00Z", "treated"),
        deed(4, "2026-10-05T10:00:00Z", "Order Completed", 7),
    ];
    let world = world("UTC", vec![metric(MetricKind::Sum(selector("Order Completed")), Some(7))], vec![deeds]);
    let plan = world.plan();
    let tally = tally(&plan, 0, &world.journeys(&plan));
    let read = |as_of, policy| {
        let through = through(world.zone, day(as_of), day(as_of));
        read(&world.definitions[0], rows(&tally, 0), through, policy).remove("").unwrap().arms.remove(0)
    };
    let value = |as_of, policy| read(as_of, policy).live[0].y / I256::from(UNIT);
    let (first, exclude) = (CrossoverPolicy::First, CrossoverPolicy::Exclude);
    assert_eq!((value("2026-10-03", first), value("2026-10-03", exclude)), (I256::from(50), I256::from(50)));
    assert_eq!((value("2026-10-04", first), value("2026-10-04", exclude)), (I256::from(50), I256::ZERO));
    assert_eq!((value("2026-10-08", first), value("2026-10-08", exclude)), (I256::from(57), I256::ZERO));
    let (kept, taken) = (read("2026-10-08", first), read("2026-10-08", exclude));
    assert_eq!((kept.persons, kept.crossovers, taken.persons, taken.crossovers), (1, 1, 0, 1));
    assert_eq!(kept.matured[0].as_ref().map(|sums| sums.n), Some(1));
    assert_eq!(taken.matured[0].as_ref().map(|sums| sums.n), Some(0));
}
