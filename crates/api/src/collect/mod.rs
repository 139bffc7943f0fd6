//! From bodies to events: cutting, reading, validating, and the outcome of each event.

pub(crate) mod clock;
pub(crate) mod money;
pub(crate) mod native;
pub(crate) mod outcome;
pub(crate) mod segment;
pub(crate) mod split;
