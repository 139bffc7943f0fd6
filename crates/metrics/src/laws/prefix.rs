//! A reading as of a day is what the rules say of the events before the day's end, and of nothing else.

use std::collections::BTreeMap;

use journey::{CrossoverPolicy, Day, LensKind, Method};
use proptest::prelude::*;
use proptest::sample::Index;

use super::histories::{Deed, SPAN, World, journey, worlds};
use super::model::{AsOf, Model};
use super::{cases, definition, rows, tally, through};
use crate::lens::{self, MAX_MARKS};
use crate::plan::Plan;
use crate::reading::read;
use crate::report::{Question, report, timeline};
use crate::tally::detail::Detail;
use crate::tally::{LENSES, Sums, Tally};

/// The tally of the events before the end of `day`.
fn tally_of_prefix(world: &World, plan: &Plan, study: usize, day: Day) -> Tally {
    let end = world.zone.end_of(day);
    let before = |deeds: &Vec<Deed>| deeds.iter().filter(|deed| deed.at < end).cloned().collect::<Vec<_>>();
    let journeys: Vec<_> = world.people.iter().map(|deeds| journey(&before(deeds), plan)).collect();
    tally(plan, study, &journeys)
}

/// Compares all readings of `day` with the model's and with those of the prefix.
fn check(world: &World, plan: &Plan, tallies: &[Tally], day: Day) -> Result<(), TestCaseError> {
    for (study, tally) in tallies.iter().enumerate() {
        let definition = definition(plan, study);
        let model = Model { definition, zone: world.zone, slip: None };
        let prefix = tally_of_prefix(world, plan, study, day);
        check_details(world, &model, [tally, &prefix], day)?;
        check_lenses(world, &model, [tally, &prefix], day)?;
        for matured in [day, day.previous()] {
            let through = through(world.zone, day, matured);
            for &policy in CrossoverPolicy::ALL {
                for dimension in 0..=definition.experiment.dimensions.len() {
                    let reading = read(definition, rows(tally, dimension), through, policy);
                    let expected = model.read(&world.people, dimension, AsOf { live: day, matured }, policy);
                    prop_assert_eq!(&reading, &expected, "study {}, dimension {}, {}", study, dimension, policy);
                    let of_prefix = read(definition, rows(&prefix, dimension), through, policy);
                    prop_assert_eq!(&reading, &of_prefix, "prefix, study {}, dimension {}", study, dimension);
                }
            }
        }
    }
    Ok(())
}

/// Compares what metrics keep beside their sums, as of `day`, with what the model makes of the events themselves, and with
/// what is kept of the prefix.
fn check_details(world: &World, model: &Model<'_>, tallies: [&Tally; 2], day: Day) -> Result<(), TestCaseError> {
    for (at, metric) in model.definition.metrics.iter().enumerate() {
        if !metric.keeps.curve && !metric.keeps.customers {
            continue;
        }
        let expected = model.detail(&world.people, at, AsOf { live: day, matured: day });
        for tally in tallies {
            let mut found: BTreeMap<usize, Detail> = BTreeMap::new();
            for (key, row) in tally.rows.iter().filter(|(key, _)| key.dimension < 0 && key.day <= day) {
                if *key.value != at.to_string() || key.dimension <= LENSES {
                    continue;
                }
                if let Some(detail) = &row.all.detail {
                    found.entry(usize::try_from(key.arm).unwrap()).or_default().add(detail, 1);
                }
                prop_assert_eq!(&row.crossed, &Sums::default());
            }
            found.retain(|_, detail| !detail.is_empty());
            prop_assert_eq!(&found, &expected, "metric {} {:?}", at, metric);
        }
    }
    Ok(())
}

/// Compares what lenses show as of `day` with what the model sees in the events themselves, and with what is kept of the
/// prefix.
fn check_lenses(world: &World, model: &Model<'_>, tallies: [&Tally; 2], day: Day) -> Result<(), TestCaseError> {
    for at in 0..model.definition.experiment.lenses.len() {
        let lens = &model.definition.experiment.lenses[at];
        // The model of these two knows no bound on what one person leaves.
        let is_bounded = matches!(lens.kind, LensKind::Channels(_) | LensKind::Items(_))
            && world.people.iter().any(|deeds| deeds.len() > MAX_MARKS);
        let expected = if is_bounded {
            lens::read(model.definition, at, &tallies[1].rows, through(world.zone, day, day))
        } else {
            model.lens(&world.people, at, AsOf { live: day, matured: day })
        };
        for tally in tallies {
            let found = lens::read(model.definition, at, &tally.rows, through(world.zone, day, day));
            prop_assert_eq!(&found, &expected, "{:?}", model.definition.experiment.lenses[at]);
        }
    }
    Ok(())
}

fn tallies(world: &World, plan: &Plan) -> Vec<Tally> {
    let journeys = world.journeys(plan);
    (0..plan.studies.len()).map(|study| tally(plan, study, &journeys)).collect()
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn a_reading_is_what_the_rules_say_of_the_events_before_the_end_of_its_day(
        world in worlds(0.05),
        days in prop::collection::vec(SPAN, 2),
    ) {
        let plan = world.plan();
        let tallies = tallies(&world, &plan);
        for offset in days {
            check(&world, &plan, &tallies, world.day(offset))?;
        }
    }
}

proptest! {
    #![proptest_config(cases(3))]

    #[test]
    fn so_it_is_on_every_day_of_a_world(world in worlds(0.05)) {
        let plan = world.plan();
        let tallies = tallies(&world, &plan);
        for offset in SPAN {
            check(&world, &plan, &tallies, world.day(offset))?;
        }
    }
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn so_it_is_where_sums_are_too_large(world in worlds(1.0), days in prop::collection::vec(-2..=12, 2)) {
        let plan = world.plan();
        let tallies = tallies(&world, &plan);
        for offset in days {
            check(&world, &plan, &tallies, world.day(offset))?;
        }
    }
}

proptest! {
    #![proptest_config(cases(6))]

    #[test]
    fn a_timeline_is_the_report_of_every_day(world in worlds(0.0), metric in any::<Index>(), method in any::<Index>(), matured in SPAN) {
        let plan = world.plan();
        let tally = tally(&plan, 0, &world.journeys(&plan));
        let definition = definition(&plan, 0);
        let method = [Method::Sequential, Method::Frequentist, Method::Bayesian][method.index(3)];
        let question = Question { baseline: 0, cuped: Some(true), method, ..Question::planned(definition) };
        let metric = metric.index(definition.metrics.len());
        let everyone: Vec<_> = rows(&tally, 0).into_iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        let last = through(world.zone, world.day(*SPAN.end()), world.day(matured));
        let mut expected = Vec::new();
        for day in SPAN.map(|offset| world.day(offset)) {
            let as_of = through(world.zone, day, day.min(last.matured));
            let reading = read(definition, rows(&tally, 0), as_of, CrossoverPolicy::First).remove("");
            expected.extend(reading.map(|reading| (day, report(&question, &reading).swap_remove(metric).arms)));
        }
        let timeline = timeline(&question, metric, &everyone, world.zone, last, (CrossoverPolicy::First, None));
        let timeline: Vec<_> = timeline.into_iter().map(|point| (point.day, point.arms)).collect();
        prop_assert_eq!(timeline, expected);
    }
}
