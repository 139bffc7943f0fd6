//! However contributions come, go, grow and merge, a tally is what folding all events from scratch gives.

use std::hash::{DefaultHasher, Hash, Hasher};

use journey::{CrossoverPolicy, Definition, Happening};
use proptest::prelude::*;
use proptest::sample::Index;

use super::histories::{World, journey, worlds};
use super::{add, cases, definition, filled, remove, rows, tally, through};
use crate::contribution::Contribution;
use crate::fold::{Widening, extend, fold};
use crate::journal::{Cause, Journal};
use crate::plan::Plan;
use crate::reading::read;
use crate::tally::Tally;

/// A contribution as it is after it was stored and loaded.
fn stored(contribution: &Contribution) -> Contribution {
    Contribution::from_bytes(&contribution.to_bytes()).unwrap()
}

fn contributions(plan: &Plan, study: usize, journeys: &[Vec<Happening>]) -> Vec<Contribution> {
    journeys.iter().map(|journey| fold(plan, study, journey)).collect()
}

/// Whether the events before would be needed to go on with `later`, by the rules.
fn needs_all(world: &World, study: usize, before: &Contribution, later: &[Happening]) -> bool {
    let key = &world.definitions[study].experiment.key;
    match &before.assignment {
        None => later.iter().any(|event| event.exposure.as_ref().is_some_and(|exposure| exposure.experiment == *key)),
        Some(assignment) => later.iter().any(|event| event.at <= assignment.at),
    }
}

/// The items in the order that `seed` gives them.
fn shuffled<T: Clone>(items: &[T], seed: u64) -> Vec<T> {
    let place = |at: &usize| {
        let mut hasher = DefaultHasher::new();
        (seed, at).hash(&mut hasher);
        hasher.finish()
    };
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(place);
    order.into_iter().map(|at| items[at].clone()).collect()
}

/// The events with the facts that going on looks at, as the measurement loads them.
fn with_facts(plan: &Plan, events: &[Happening]) -> Vec<Happening> {
    let Some(names) = plan.names_with_facts() else { return events.to_vec() };
    let is_read = |event: &Happening| names.iter().any(|name| **name == *event.name);
    let mut events = events.to_vec();
    events.iter_mut().filter(|event| !is_read(event)).for_each(|event| event.facts.clear());
    events
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn a_contribution_that_grows_is_one_folded_whole(
        world in worlds(0.05),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let plan = world.plan();
        for journey in &world.journeys(&plan) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(journey.len() + 1)).collect();
            cuts.push(journey.len());
            cuts.sort_unstable();
            for study in 0..plan.studies.len() {
                let mut contribution = fold(&plan, study, &journey[..cuts[0]]);
                for pair in cuts.windows(2) {
                    let later = &journey[pair[0]..pair[1]];
                    let before = stored(&contribution);
                    contribution = before.clone();
                    let extended = extend(&plan, study, &mut contribution, &with_facts(&plan, later));
                    let needed = needs_all(&world, study, &before, later);
                    // Where events of one instant come apart, a lens needs all of them, too.
                    let may_need = needed || !world.definitions[study].experiment.lenses.is_empty();
                    prop_assert!((extended && !needed) || (!extended && may_need));
                    if !extended {
                        prop_assert_eq!(&contribution, &before);
                        contribution = fold(&plan, study, &journey[..pair[1]]);
                    }
                }
                prop_assert_eq!(contribution, fold(&plan, study, journey));
            }
        }
    }

    #[test]
    fn the_journal_takes_back_what_it_told(world in worlds(0.05), cut in any::<Index>(), today in -5i32..20) {
        let plan = world.plan();
        for study in 0..plan.studies.len() {
            let (mut before, mut after, mut journal) = (Tally::default(), Tally::default(), Journal::default());
            for journey in &world.journeys(&plan) {
                let old = fold(&plan, study, &journey[..cut.index(journey.len() + 1)]);
                let new = fold(&plan, study, journey);
                add(&mut before, &plan, study, &old);
                add(&mut after, &plan, study, &new);
                let mut change = Tally::default();
                change.replace(definition(&plan, study), &old, &new);
                let cause = Cause::of(std::slice::from_ref(&old), false, &new, world.day(today));
                prop_assert_eq!(cause == Cause::NewPersons, old.assignment.is_none() && new.assignment.is_some());
                journal.note(cause, &change);
            }
            let journal = Journal::from_bytes(&journal.to_bytes()).unwrap();
            for (key, row) in Cause::ALL.into_iter().flat_map(|cause| journal.of(cause)) {
                after.rows.entry(key).or_default().subtract(row);
            }
            let everyone = |tally: &Tally| {
                let rows = filled(tally).into_iter().filter(|(key, _)| key.dimension == 0);
                rows.map(|(key, row)| (key.clone(), row.clone())).collect::<std::collections::BTreeMap<_, _>>()
            };
            prop_assert_eq!(everyone(&after), everyone(&before));
        }
    }

    #[test]
    fn a_contribution_to_fewer_metrics_is_widened_to_one_folded_whole(
        world in worlds(0.05),
        before in prop::collection::vec(any::<bool>(), 12),
    ) {
        let plan = world.plan();
        let journeys = world.journeys(&plan);
        for (study, to) in world.definitions.iter().enumerate() {
            let mut from = Definition::clone(to);
            let mut kept = before.iter().cycle();
            from.metrics.retain(|_| *kept.next().unwrap());
            from.metrics.reverse();
            from.experiment.lenses.retain(|_| *kept.next().unwrap());
            // A phase that is begun later is known from where a person stands.
            from.experiment.phases.clear();
            from.experiment.dimensions.retain(|path| path.as_str() != "exposure.phase");
            let narrow = Plan::new(vec![from.clone().into()], world.zone);
            let widening = Widening::between(&from, to, world.zone).unwrap();
            for (deeds, whole) in world.people.iter().zip(&journeys) {
                let stored = stored(&fold(&narrow, 0, &journey(deeds, &narrow)));
                let mut seen = journey(deeds, &widening.plan);
                if let Some(names) = widening.names() {
                    seen.retain(|event| names.iter().any(|name| **name == *event.name));
                }
                let has_foreign = whole.iter().any(|event| event.foreign);
                match widening.widen(&stored, &seen) {
                    Some(widened) => prop_assert_eq!(widened, fold(&plan, study, whole)),
                    None => prop_assert!(has_foreign),
                }
            }
        }
    }

    #[test]
    fn what_is_taken_away_in_any_order_leaves_nothing(world in worlds(0.05), order in any::<u64>(), away in any::<u64>()) {
        let plan = world.plan();
        let journeys = world.journeys(&plan);
        for study in 0..plan.studies.len() {
            let contributions = contributions(&plan, study, &journeys);
            let mut one = Tally::default();
            for contribution in &shuffled(&contributions, order) {
                add(&mut one, &plan, study, contribution);
            }
            // The order of persons does not matter.
            let whole = tally(&plan, study, &journeys);
            prop_assert_eq!(filled(&one), filled(&whole));
            for contribution in &shuffled(&contributions, away) {
                remove(&mut one, &plan, study, &stored(contribution));
            }
            prop_assert!(one.rows.values().all(crate::tally::Row::is_zero));
        }
    }

    #[test]
    fn events_in_any_order_and_any_batches_give_what_all_at_once_give(
        world in worlds(0.05),
        order in any::<u64>(),
        size in 1usize..20,
    ) {
        let plan = world.plan();
        let arrivals: Vec<(usize, usize)> = world.people.iter().enumerate()
            .flat_map(|(person, deeds)| (0..deeds.len()).map(move |deed| (person, deed)))
            .collect();
        for study in 0..plan.studies.len() {
            let mut tally = Tally::default();
            let mut known = vec![Vec::new(); world.people.len()];
            let mut held = vec![Contribution::default(); world.people.len()];
            for batch in shuffled(&arrivals, order).chunks(size.max(arrivals.len() / 12)) {
                for person in 0..world.people.len() {
                    let new: Vec<_> = batch.iter().filter(|(owner, _)| *owner == person)
                        .map(|(_, deed)| world.people[person][*deed].clone()).collect();
                    if new.is_empty() {
                        continue;
                    }
                    let new_events = journey(&new, &plan);
                    known[person].extend(new);
                    let old = stored(&held[person]);
                    held[person] = old.clone();
                    // Late ones among them, in the order of their arrival.
                    if !extend(&plan, study, &mut held[person], &with_facts(&plan, &shuffled(&new_events, order))) {
                        held[person] = fold(&plan, study, &journey(&known[person], &plan));
                    }
                    tally.replace(&plan.studies[study].definition, &old, &held[person]);
                    prop_assert_eq!(&held[person], &fold(&plan, study, &journey(&known[person], &plan)));
                }
            }
            let whole = super::tally(&plan, study, &world.journeys(&plan));
            prop_assert_eq!(filled(&tally), filled(&whole));
            // Rows that were taken back to zero don't show in a reading.
            let day = world.day(9);
            let definition = &world.definitions[study];
            let all = |tally: &Tally, dimension| {
                read(definition, rows(tally, dimension), through(world.zone, day, day), CrossoverPolicy::Exclude)
            };
            for dimension in 0..=definition.experiment.dimensions.len() {
                prop_assert_eq!(all(&tally, dimension), all(&whole, dimension));
            }
        }
    }

    #[test]
    fn two_persons_that_turn_out_to_be_one_count_as_one(world in worlds(0.05), a in any::<Index>(), b in any::<Index>()) {
        let plan = world.plan();
        let people = world.people.len();
        let a = a.index(people);
        let b = (a + 1 + b.index(people - 1)) % people;
        let mut merged = world.clone();
        let other = std::mem::take(&mut merged.people[b]);
        merged.people[a].extend(other);
        for study in 0..plan.studies.len() {
            let journeys = world.journeys(&plan);
            let mut tally = tally(&plan, study, &journeys);
            for former in [a, b] {
                remove(&mut tally, &plan, study, &stored(&fold(&plan, study, &journeys[former])));
            }
            add(&mut tally, &plan, study, &fold(&plan, study, &journey(&merged.people[a], &plan)));
            let whole = super::tally(&plan, study, &merged.journeys(&plan));
            prop_assert_eq!(filled(&tally), filled(&whole));
        }
    }
}
