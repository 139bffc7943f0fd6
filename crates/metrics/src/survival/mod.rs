//! How long do persons stay, when not all have been watched to the end? Survival curves, their comparison, and the
//! rate of leaving, from counts per time.
//!
//! A person's *duration* runs from the exposure to the event (leaving, second order) or, if it has not happened yet,
//! to the end of what was observed: then the duration is *censored*. What an arm amounts to is, for each whole time,
//! how many durations ended with the event and how many were censored ([`Durations`]): integers that add up and can
//! be taken away, like every tally.
//!
//! Conditions of everything here: whether a person is censored tells nothing about when the event would have come
//! (true where censoring is nothing but the date of the exposure), and each curve is read once. None of these numbers
//! may be read again and again until it pleases (`anytime: false`).
//!
//! Sources: Kaplan and Meier (JASA 1958), Greenwood (1926), Kalbfleisch and Prentice (1980) for the interval, Mantel
//! (1966) and Peto and Peto (1972) for the log-rank test.

mod churn;
mod curve;
mod durations;
mod log_rank;
#[cfg(test)]
mod tests;

pub use churn::{ChurnRate, churn_rate};
pub use curve::{Curve, Point, RestrictedMean, kaplan_meier};
pub use durations::{Durations, Ends};
pub use log_rank::{ArmEvents, LogRank, log_rank};
