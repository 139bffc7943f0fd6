//! Do other programs come to the same numbers? The reference values of `tests/oracles`, held to a billionth.
//!
//! The scripts there make tallies from a seed and compute everything anew, from the definitions; `data` holds what they
//! found. Each row of a file is one case.

mod attribution;
mod comparisons;
mod items;
mod models;
mod peers;
mod uplift;

use ethnum::I256;

/// Relative tolerance of what is computed in one go.
pub(crate) const EXACT: f64 = 1e-9;

/// Relative tolerance of what is found by iteration on either side.
const ITERATED: f64 = 1e-6;

/// The rows of a file of reference values, without its header.
pub(crate) fn rows(name: &str) -> Vec<Vec<String>> {
    let path = format!("{}/../../tests/oracles/data/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// A number, or none where the reference has none.
fn number(field: &str) -> Option<f64> {
    (field != "-").then(|| field.parse().unwrap())
}

/// Numbers separated by blanks.
pub(crate) fn numbers<T: std::str::FromStr<Err: std::fmt::Debug>>(field: &str) -> Vec<T> {
    field.split(' ').map(|number| number.parse().unwrap()).collect()
}

/// Persons and sums of an arm.
fn sums(field: &str) -> (i64, Vec<I256>) {
    let (n, sums) = field.split_once(' ').unwrap();
    (n.parse().unwrap(), numbers(sums))
}

/// What does not agree, as lines to print.
#[derive(Default)]
pub(crate) struct Disagreements {
    lines: Vec<String>,
    compared: usize,
}

impl Disagreements {
    /// Compares a number with its reference to `tolerance` of `scale`, or that both are missing.
    pub(crate) fn check<E>(
        &mut self,
        what: &str,
        found: Result<f64, E>,
        expected: Option<f64>,
        tolerance: f64,
        scale: f64,
    ) {
        self.compared += 1;
        let agree = match (&found, expected) {
            (Ok(found), Some(expected)) => (found - expected).abs() <= tolerance * scale.max(expected.abs()),
            (Err(_), None) => true,
            _ => false,
        };
        if !agree {
            self.lines.push(format!("{what}: {:?}, not {expected:?}", found.ok()));
        }
    }

    /// Compares a number with its reference to a part of itself.
    pub(crate) fn close(&mut self, what: &str, found: f64, expected: f64, tolerance: f64) {
        self.check::<()>(what, Ok(found), Some(expected), tolerance, 0.0);
    }

    /// Fails where anything disagreed, or where fewer numbers were compared than there should be.
    #[track_caller]
    pub(crate) fn none(self, at_least: usize) {
        let first: Vec<&str> = self.lines.iter().take(30).map(String::as_str).collect();
        assert!(self.lines.is_empty(), "{} of {} disagree:\n{}", self.lines.len(), self.compared, first.join("\n"));
        assert!(self.compared >= at_least, "only {} numbers were compared", self.compared);
    }
}
