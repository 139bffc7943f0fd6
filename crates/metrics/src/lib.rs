//! The arithmetic of journey measurement, pure: no I/O, no clock, no randomness.
//!
//! The road through this crate: a [`plan`] makes definitions ready; [`fold`] turns a person's journey into a
//! [`contribution`]; a [`tally`] adds contributions up, exactly; [`moments`] says what the sums are;
//! [`reading`] sums them as of a day; [`inference`] turns them into estimates with their uncertainty.

pub mod contribution;
pub mod fold;
pub mod inference;
pub mod moments;
pub mod plan;
pub mod reading;
pub mod report;
pub mod tally;
mod varint;

#[cfg(test)]
mod laws;
