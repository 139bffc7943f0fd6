//! What is planned before the first exposure, fixed by it, and how far the traffic will lead.

mod outlook;
mod plan;

pub fn cases() -> Vec<tests::Case> {
    [plan::cases(), outlook::cases()].concat()
}
