//! What happened long before a first exposure need not be known to fold it.

use journey::{Definition, Happening};
use proptest::prelude::*;
use proptest::sample::select;

use super::cases;
use super::histories::worlds;
use crate::fold::{fold, fold_since};

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn what_is_missing_from_long_before_an_exposure_does_not_matter(
        world in worlds(0.05),
        days in select(vec![0i64, 1, 13, 14, 15, 28, 29]),
        beside in -1i64..=1,
        (kept_dimensions, has_lenses, kept) in (prop::collection::vec(any::<bool>(), 9), proptest::bool::weighted(0.1), any::<u8>()),
    ) {
        let mut world = world;
        for definition in &mut world.definitions {
            let mut own = Definition::clone(definition);
            let mut is_kept = kept_dimensions.iter().cycle();
            own.experiment.dimensions.retain(|_| *is_kept.next().unwrap());
            own.experiment.lenses.retain(|_| has_lenses);
            *definition = own.into();
        }
        for deed in world.people.iter_mut().flatten().filter(|deed| deed.exposure.is_none() && deed.id.bytes()[0] % 8 > 0) {
            // Most of what happens lies long before the exposures.
            deed.at = deed.at.plus_days(-20);
        }
        let plan = world.plan();
        for journey in &world.journeys(&plan) {
            for study in 0..plan.studies.len() {
                let experiment = &world.definitions[study].experiment;
                let is_exposure = |event: &&Happening| event.exposure.as_ref().is_some_and(|e| e.experiment == experiment.key);
                let Some(first) = journey.iter().find(is_exposure) else { continue };
                let since = first.at.plus_days(-days).plus_micros(beside.min(days));
                // Some of what happened before is there all the same.
                let is_there = |event: &&Happening| event.at >= since || event.id.bytes()[0] < kept;
                let known: Vec<Happening> = journey.iter().filter(is_there).cloned().collect();
                let whole = fold(&plan, study, journey);
                let folded = fold_since(&plan, study, &known, since);
                let plain = experiment.lenses.is_empty() && experiment.dimensions.is_empty();
                let enough = !plain || days <= 14 || folded.is_some();
                prop_assert!(enough, "fourteen days are enough where no dimension looks further back");
                prop_assert!(folded.is_none_or(|folded| folded == whole));
            }
        }
    }
}
