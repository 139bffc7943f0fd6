//! How many persons leave per unit of time?

use super::durations::Durations;
use crate::inference::tails::{chi_square_sf, normal_isf};
use crate::inference::{Interval, Undefined, finite, miss_rate};
use crate::numeric::root;

/// A rate of events per person and unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChurnRate {
    /// Events.
    pub events: u64,
    /// Time under observation, summed over persons.
    pub person_time: f64,
    /// Events per person and unit of time.
    pub rate: f64,
    /// The interval of the rate; the lower end is 0 where there was no event.
    pub interval: Interval,
}

/// The churn rate `d / T`: events over the time that all persons together were under observation, the maximum
/// likelihood estimate of a constant hazard under censoring; `1 / rate` is then the expected lifespan.
///
/// Interval: exact for Poisson counts (Garwood 1936), the two rates at which `d` or more, and `d` or fewer, events
/// have the probability `(1 - confidence) / 2`; above 1000 events after Byar, `d (1 - 1 / (9 d) +- z / (3 sqrt d))^3`,
/// which differs by less than 1e-4 of the width there. Condition: some time under observation
/// ([`Undefined::ZeroDenominator`]).
pub fn churn_rate(durations: &Durations, confidence: f64) -> Result<ChurnRate, Undefined> {
    let tail = miss_rate(confidence)? / 2.0;
    durations.persons()?;
    let (mut events, mut person_time) = (0u64, 0.0);
    for (time, ends) in durations.iter() {
        events += ends.events.unsigned_abs();
        person_time += f64::from(time) * (ends.events + ends.censored) as f64;
    }
    if person_time == 0.0 {
        return Err(Undefined::ZeroDenominator);
    }
    let low = if events == 0 { 0.0 } else { poisson_end(events, tail, -1.0)? };
    let high = poisson_end(events, tail, 1.0)?;
    Ok(ChurnRate {
        events,
        person_time,
        rate: finite(events as f64 / person_time)?,
        interval: Interval { low: finite(low / person_time)?, high: finite(high / person_time)? },
    })
}

/// The mean of a Poisson count at which `events` or more (side -1), or `events` or fewer (side 1), have the probability
/// `tail`.
fn poisson_end(events: u64, tail: f64, side: f64) -> Result<f64, Undefined> {
    const EXACT: u64 = 1000;
    let z = normal_isf(tail).ok_or(Undefined::OutOfRange)?;
    let count = events as f64 + f64::from(side > 0.0);
    // Byar's form of the cube-root approximation (Wilson and Hilferty 1931).
    let near = count * (1.0 - 1.0 / (9.0 * count) + side * z / (3.0 * count.sqrt())).max(0.0).powi(3);
    if events > EXACT {
        return Ok(near);
    }
    // P(fewer than k events at mean m) is the chi-square tail of 2 m with 2 k degrees of freedom.
    let k = u32::try_from(events).map_err(|_| Undefined::OutOfRange)?;
    let (df, wanted) = if side > 0.0 { (2 * k + 2, tail) } else { (2 * k, 1.0 - tail) };
    let beyond = |mean: f64| chi_square_sf(2.0 * mean, df).map_or(f64::NAN, |found| found.ln() - wanted.ln());
    root(beyond, 0.0, 4.0 * near + 20.0 - 4.0 * tail.ln(), 1e-14).ok_or(Undefined::OutOfRange)
}
