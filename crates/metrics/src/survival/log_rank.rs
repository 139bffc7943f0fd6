//! Do arms differ in how long their persons stay? The log-rank test.

use std::collections::BTreeSet;

use super::durations::{Durations, Ends};
use crate::inference::tails::chi_square_sf;
use crate::inference::{Undefined, finite};
use crate::numeric::solve_positive;

/// Events of an arm against what it would have if all arms were alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ArmEvents {
    /// Persons.
    pub persons: u64,
    /// Events.
    pub observed: u64,
    /// Events expected: at each time the events of all arms, divided in proportion to the persons at risk.
    pub expected: f64,
}

/// The log-rank comparison of survival curves.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRank {
    /// One for each arm, in the order of the input.
    pub arms: Vec<ArmEvents>,
    /// The statistic.
    pub chi_square: f64,
    /// Arms that ever were at risk beside another one, less one.
    pub degrees_of_freedom: u32,
    /// The probability of a statistic at least as large if all arms are alike; valid for one reading.
    pub p_value: f64,
}

/// The log-rank test of equal survival in two or more arms (Mantel 1966; Peto and Peto 1972).
///
/// At each time with `d` events among `n` persons at risk, arm `a` having `n_a` of them, the expected events are `d n_a
/// / n` and their hypergeometric covariances `d (n - d) / (n - 1) (n_a / n) ([a = b] - n_b / n)`; summed over times to
/// `O - E` and `V`, the statistic is `(O - E)' V^- (O - E)`, chi-square with arms less one degrees of freedom. With two
/// arms it is `(O_1 - E_1)^2 / V_11`.
///
/// [`Undefined::FewerThanTwoArms`] where fewer than two arms were ever at risk together, [`Undefined::NoVariance`]
/// where no event tells them apart.
pub fn log_rank(arms: &[&Durations]) -> Result<LogRank, Undefined> {
    if arms.len() < 2 {
        return Err(Undefined::FewerThanTwoArms);
    }
    let mut counts = Vec::with_capacity(arms.len());
    for arm in arms {
        // An arm without persons takes no part; an impossible one spoils the test.
        let persons = match arm.persons() {
            Err(Undefined::NoPersons) => 0,
            persons => persons?,
        };
        counts.push(ArmEvents { persons, observed: 0, expected: 0.0 });
    }
    let mut at_risk: Vec<f64> = counts.iter().map(|arm| arm.persons as f64).collect();
    let mut covariance = vec![vec![0.0; arms.len()]; arms.len()];
    let times: BTreeSet<u32> = arms.iter().flat_map(|arm| arm.iter().map(|(time, _)| time)).collect();
    let mut ends: Vec<_> = arms.iter().map(|arm| arm.iter().peekable()).collect();
    for time in times {
        let now: Vec<Ends> = ends
            .iter_mut()
            .map(|arm| arm.next_if(|(at, _)| *at == time).map_or(Ends::default(), |(_, ends)| ends))
            .collect();
        let n: f64 = at_risk.iter().sum();
        let d: f64 = now.iter().map(|ends| ends.events as f64).sum();
        if d > 0.0 {
            let spread = if n > 1.0 { d * (n - d) / (n - 1.0) } else { 0.0 };
            for (a, arm) in counts.iter_mut().enumerate() {
                arm.observed += now[a].events.unsigned_abs();
                arm.expected += d * at_risk[a] / n;
                for (b, cell) in covariance[a].iter_mut().enumerate() {
                    *cell += spread * at_risk[a] / n * (f64::from(u8::from(a == b)) - at_risk[b] / n);
                }
            }
        }
        for (risk, ends) in at_risk.iter_mut().zip(&now) {
            *risk -= (ends.events + ends.censored) as f64;
        }
    }
    // One arm follows from the others; arms that were never at risk beside another have no say.
    let telling: Vec<usize> = (0..arms.len()).filter(|arm| covariance[*arm][*arm] > 0.0).collect();
    if counts.iter().filter(|arm| arm.persons > 0).count() < 2 {
        return Err(Undefined::FewerThanTwoArms);
    }
    let Some((_, free)) = telling.split_last() else { return Err(Undefined::NoVariance) };
    let distance: Vec<f64> = free.iter().map(|arm| counts[*arm].observed as f64 - counts[*arm].expected).collect();
    let matrix: Vec<Vec<f64>> = free.iter().map(|a| free.iter().map(|b| covariance[*a][*b]).collect()).collect();
    let solved = solve_positive(&matrix, &distance).ok_or(Undefined::NoVariance)?;
    let chi_square: f64 = finite(distance.iter().zip(&solved).map(|(left, right)| left * right).sum())?.max(0.0);
    let degrees_of_freedom = u32::try_from(free.len()).map_err(|_| Undefined::OutOfRange)?;
    Ok(LogRank {
        arms: counts,
        chi_square,
        degrees_of_freedom,
        p_value: chi_square_sf(chi_square, degrees_of_freedom).ok_or(Undefined::OutOfRange)?,
    })
}
