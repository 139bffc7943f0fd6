//! The laws of measurement, tried on random worlds.
//!
//! - [`prefix`]: every reading is what a naive [`model`] of the rules computes, and looks only at what happened before
//!   the end of its day.
//! - [`moves`]: however contributions come, go, grow and merge, a tally is what folding everything from scratch gives.
//! - [`since`]: what is missing from long before a first exposure changes nothing.
//! - [`slips`]: each of a list of seeded mistakes breaks a law, so the worlds are wild enough.
//! - [`examples`]: the worked examples of the field, by hand.

mod definitions;
mod examples;
mod histories;
mod model;
mod moves;
mod prefix;
mod since;
mod slip;
mod slips;

use std::collections::{BTreeMap, HashMap};

use journey::{Day, Definition, Happening, Zone};
use proptest::test_runner::Config;

use crate::contribution::Contribution;
use crate::fold::fold;
use crate::plan::Plan;
use crate::reading::Through;
use crate::tally::{Direction, Row, RowKey, Tally};

/// So many cases, where the environment asks for no other number.
fn cases(cases: u32) -> Config {
    let config = Config::default();
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    Config { cases: if asked { config.cases } else { cases }, ..config }
}

/// The tally of these journeys, folded whole.
fn tally(plan: &Plan, study: usize, journeys: &[Vec<Happening>]) -> Tally {
    let mut tally = Tally::default();
    for journey in journeys {
        add(&mut tally, plan, study, &fold(plan, study, journey));
    }
    tally
}

fn definition(plan: &Plan, study: usize) -> &Definition {
    &plan.studies[study].definition
}

fn add(tally: &mut Tally, plan: &Plan, study: usize, contribution: &Contribution) {
    tally.apply(definition(plan, study), contribution, Direction::Add);
}

fn remove(tally: &mut Tally, plan: &Plan, study: usize, contribution: &Contribution) {
    tally.apply(definition(plan, study), contribution, Direction::Remove);
}

/// The rows that hold something. Rows that were taken back to zero are as good as absent.
fn filled(tally: &Tally) -> HashMap<&RowKey, &Row> {
    tally.rows.iter().filter(|(_, row)| !row.is_zero()).collect()
}

/// The rows of one dimension.
fn rows(tally: &Tally, dimension: usize) -> BTreeMap<&RowKey, &Row> {
    tally.rows.iter().filter(|(key, _)| usize::try_from(key.dimension) == Ok(dimension)).collect()
}

fn through(zone: Zone, live: Day, matured: Day) -> Through {
    Through { live, matured, end: zone.end_of(live) }
}
