//! Which share of persons is still there after a time? The Kaplan-Meier curve.

use super::durations::Durations;
use crate::inference::tails::normal_isf;
use crate::inference::{Interval, Undefined, finite, miss_rate};

/// The curve just after a time at which durations ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The time.
    pub time: u32,
    /// Persons whose duration is at least this long.
    pub at_risk: u64,
    /// Events at this time.
    pub events: u64,
    /// Durations censored at this time; they count as at risk of its events.
    pub censored: u64,
    /// The share of persons without the event: the product of `1 - events / at_risk` so far.
    pub survival: f64,
    /// Greenwood's sum so far, `d / (n (n - d))`: the variance of `ln survival`. None once everybody has had the event.
    pub log_variance: Option<f64>,
    /// The interval of the survival, or why there is none.
    pub interval: Result<Interval, Undefined>,
}

impl Point {
    /// Greenwood's standard error of the survival, `survival sqrt(sum d / (n (n - d)))`; zero where nobody is left.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        self.log_variance.map_or(0.0, |variance| self.survival * variance.sqrt())
    }
}

/// A survival curve: a step function that starts at 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    points: Vec<Point>,
    persons: u64,
}

/// The expected time without the event, of the first so many units of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RestrictedMean {
    /// The area under the curve.
    pub value: f64,
    /// Its variance.
    pub variance: f64,
}

/// The Kaplan-Meier estimate of the share of persons without the event (JASA 1958).
///
/// At each time `t_i` with `d_i` events among `n_i` persons at risk, `S` is multiplied by `1 - d_i / n_i`; events come
/// before censorings of the same time. Interval at `confidence`: `S^exp(+- z sqrt(V) / ln S)`, `V = sum d_i / (n_i
/// (n_i - d_i))` (Greenwood), symmetric on the scale of `ln(-ln S)`, so that it stays inside `(0, 1)`. It does not
/// exist before the first event ([`Undefined::NoVariance`]) nor once nobody is left.
pub fn kaplan_meier(durations: &Durations, confidence: f64) -> Result<Curve, Undefined> {
    let z = normal_isf(miss_rate(confidence)? / 2.0).ok_or(Undefined::OutOfRange)?;
    let persons = durations.persons()?;
    let mut at_risk = persons;
    let mut survival = 1.0;
    let mut log_variance = Some(0.0);
    let mut points = Vec::new();
    for (time, ends) in durations.iter() {
        let (events, censored) = (ends.events.unsigned_abs(), ends.censored.unsigned_abs());
        let left = at_risk - events;
        survival *= left as f64 / at_risk as f64;
        log_variance = match log_variance {
            Some(sum) if left > 0 => Some(sum + events as f64 / at_risk as f64 / left as f64),
            _ => None,
        };
        let interval = match log_variance {
            Some(variance) if variance > 0.0 => log_log_interval(survival, variance, z),
            _ => Err(Undefined::NoVariance),
        };
        points.push(Point { time, at_risk, events, censored, survival, log_variance, interval });
        at_risk = left - censored;
    }
    Ok(Curve { points, persons })
}

fn log_log_interval(survival: f64, log_variance: f64, z: f64) -> Result<Interval, Undefined> {
    let log = survival.ln();
    // The logarithm is negative: the larger power gives the lower end.
    let spread = finite(z * log_variance.sqrt() / log)?.abs();
    Ok(Interval { low: finite((log * spread.exp()).exp())?, high: finite((log * (-spread).exp()).exp())? })
}

impl Curve {
    /// One point for each time at which a duration ended, in order.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The persons that the curve stands on.
    #[must_use]
    pub fn persons(&self) -> u64 {
        self.persons
    }

    /// The last point at or before a time; `None` before the first, where the survival is 1.
    #[must_use]
    pub fn at(&self, time: u32) -> Option<&Point> {
        self.points[..self.points.partition_point(|point| point.time <= time)].last()
    }

    /// The share of persons without the event after `time`, or `None` where nobody was watched that long: beyond the
    /// last duration the curve is known only if it has reached zero.
    #[must_use]
    pub fn survival(&self, time: u32) -> Option<f64> {
        let Some(point) = self.at(time) else { return Some(1.0) };
        let watched = self.points.last().is_some_and(|last| time <= last.time);
        (watched || point.survival == 0.0).then_some(point.survival)
    }

    /// The first time at which the curve is at or below a share (0.5: the median time to the event); `None` where it
    /// never is.
    #[must_use]
    pub fn time_to(&self, share: f64) -> Option<u32> {
        self.points.iter().find(|point| point.survival <= share).map(|point| point.time)
    }

    /// The expected time without the event within the first `until` units: the area under the curve, with Greenwood's
    /// variance `sum_i A_i^2 d_i / (n_i (n_i - d_i))`, `A_i` the area from the time of the events on. Defined under
    /// censoring, where the mean is not (Irwin 1949); `None` where nobody was watched that long.
    #[must_use]
    pub fn restricted_mean(&self, until: u32) -> Option<RestrictedMean> {
        self.survival(until)?;
        let mut area = 0.0;
        let mut variance = 0.0;
        let mut end = until;
        // From the right, so that the area beyond each time is at hand.
        for point in self.points.iter().rev().filter(|point| point.time < until) {
            area += point.survival * f64::from(end - point.time);
            end = point.time;
            let left = (point.at_risk - point.events) as f64;
            if left > 0.0 {
                variance += area * area * point.events as f64 / (point.at_risk as f64 * left);
            }
        }
        Some(RestrictedMean { value: area + f64::from(end), variance })
    }
}
