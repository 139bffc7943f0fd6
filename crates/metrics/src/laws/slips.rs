//! Each seeded mistake breaks a law: the worlds are wild enough to show it.
//!
//! A mistake is put into the model and not into the fold, which is as good: what tells a wrong model from the right
//! fold would tell the wrong fold from the right model.

use journey::CrossoverPolicy;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::histories::{SPAN, World, worlds};
use super::model::{AsOf, Model};
use super::slip::Slip;

/// Worlds that are tried before a mistake counts as unseen.
const WORLDS: usize = 5_000;

/// Strikes off the mistakes that a reading of the world shows.
fn strike_off(slips: &mut Vec<Slip>, world: &World, offset: i32) {
    let definition = &world.definitions[0];
    let right = Model { definition, zone: world.zone, slip: None };
    // Every eleventh day, other ones in each world.
    for day in SPAN.filter(|day| (day + offset).rem_euclid(11) == 0) {
        let day = world.day(day);
        let as_of = AsOf { live: day, matured: day };
        // The last dimension where there is one, else everyone.
        let dimension = definition.experiment.dimensions.len();
        let read = |model: Model| model.read(&world.people, dimension, as_of, CrossoverPolicy::Exclude);
        let expected = read(right);
        slips.retain(|slip| read(Model { slip: Some(*slip), ..right }) == expected);
    }
}

#[test]
fn every_slip_shows() {
    // What is too large takes a whale to show, and whales make worlds slow.
    let is_large = |slip: &Slip| matches!(slip, Slip::LargeSumsKept | Slip::LargeCovariateKept);
    let (large, small) = Slip::ALL.iter().copied().partition::<Vec<Slip>, _>(is_large);
    for (whales, mut slips) in [(0.0, small), (1.0, large)] {
        let mut runner = TestRunner::deterministic();
        for offset in (0..11).cycle().take(WORLDS) {
            if slips.is_empty() {
                break;
            }
            let world = worlds(whales).new_tree(&mut runner).unwrap().current();
            strike_off(&mut slips, &world, offset);
        }
        assert!(slips.is_empty(), "no world shows {slips:?}");
    }
}
