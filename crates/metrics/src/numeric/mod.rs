//! Which plain numerical methods do the models stand on? Functions, roots and optimisers, without statistics in them.
//!
//! Private to the crate: what a reader of a report needs to know is said where a method is used.

mod linear;
mod root;

pub(crate) use linear::solve_positive;
pub(crate) use root::root;
