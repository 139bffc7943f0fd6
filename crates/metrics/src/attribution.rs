//! Which touches get the credit for a conversion? Models of attribution, from the steps of journeys.
//!
//! [`tell`] says what one person's steps add: credit by the [`Heuristic`]s, conversion by conversion; moves between touches
//! for [`markov`]; what was converted per set of labels for [`mod@shapley`]. All of it adds up over persons, so that the answer
//! of an arm is a read of sums.
//!
//! Credit is counted in whole units of 1e-6 and divided by [`apportion()`], so that it adds up exactly to what there is to
//! credit. No model here says what a touch *caused*: who is touched differs from who is not, and every model hands out all
//! conversions, also those that would have come anyway. What an arm caused stands beside: the difference to control.

mod apportion;
mod decay;
mod effect;
mod heuristic;
mod markov;
mod model;
mod shapley;
mod table;
#[cfg(test)]
mod tests;
mod told;

pub use apportion::apportion;
pub use effect::Effects;
pub use heuristic::{Heuristic, Touch};
pub use markov::{Chain, Moves, Place, Removal};
pub use model::Model;
pub use shapley::{MAX_PLAYERS, shapley};
pub use table::{ArmCredit, Attribution, Both, Caused, Line, Who, attribution};
pub use told::{Moment, Rules, Step, Sum, Told, tell};
