//! Which plain numerical methods do the models stand on? Functions, roots and optimisers, without statistics in them.
//!
//! Private to the crate: what a reader of a report needs to know is said where a method is used.

mod gamma;
mod linear;
mod maximum;
mod root;

pub(crate) use gamma::{digamma, ln_gamma, ln_rising, trigamma};
pub(crate) use linear::{invert_positive, solve_positive};
pub(crate) use maximum::{Local, Outcome, maximise};
pub(crate) use root::{root, root_between};
