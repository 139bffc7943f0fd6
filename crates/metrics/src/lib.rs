//! The arithmetic of journey measurement, pure: no I/O, no clock, no randomness without a seed.
//!
//! The road through this crate: a [`plan`] makes definitions ready; [`fold`] turns a person's journey into a
//! [`contribution`]; a [`tally`] adds contributions up, exactly; [`moments`] says what the sums are;
//! [`reading`] sums them as of a day; [`inference`] turns them into estimates with their uncertainty.
//!
//! Beside the road: a [`histogram`] keeps how values are distributed, [`survival`] how long persons stay, [`clv`] what
//! they are still going to buy; a [`lens`] what of the order of events matters, for [`channels`] among others;
//! [`attribution`] divides conversions among touches; [`curves`] makes durations of what tallies hold, [`customers`] cells
//! of purchases;
//! [`published`] turns what others publish into sums; [`aa`] deals persons out anew, to see what
//! is called an effect where there is none.

pub mod aa;
pub mod attribution;
pub mod channels;
pub mod clv;
pub mod contribution;
pub mod curves;
pub mod customers;
pub mod fold;
pub mod funnel;
pub mod histogram;
pub mod inference;
pub mod journal;
pub mod lens;
pub mod lifespan;
pub mod moments;
pub mod net;
mod numeric;
pub mod paths;
pub mod plan;
pub mod published;
pub mod random;
pub mod reading;
pub mod report;
pub mod stages;
pub mod survival;
pub mod tally;
mod varint;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod oracles;
