//! Who stays, who comes back, and when? Curves per arm from the spans of a tally, as of a day.
//!
//! Spans count persons by the local day of their exposure and the whole local days from there, so that the rows of the
//! days up to D say who had done it by the end of D, and who was still being watched: a person who was exposed on day `e`
//! has been watched for the days `e` to D, and no longer than the metric's window. Nothing is read but tallies.
//!
//! Days are those of the calendar, because a curve as of a day knows whole days only; the day of the exposure is day 0. A
//! window of `w` days of 24 hours ends within day `w`, so the curve ends with day `w - 1`.
//!
//! Everything here is for one reading: none of it may be read again and again until it pleases.

mod cohorts;
mod stay;
#[cfg(test)]
mod tests;

use journey::{Day, Definition, MetricKind};

use crate::inference::{Interval, Undefined, wilson_interval};
use crate::survival::{ChurnRate, Curve, Durations, LogRank, churn_rate, kaplan_meier, log_rank};
use crate::tally::detail::Series;
use crate::tally::{Row, RowKey};
pub use cohorts::Cohorts;
pub use stay::{ActiveDay, active_days, stays};

/// What ends a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The first event.
    First,
    /// The second event.
    Second,
    /// The second event, counted from the first.
    Repeat,
    /// The last activity, where none has followed for some time.
    Leaving,
}

impl Ends {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
            Self::Repeat => "repeat",
            Self::Leaving => "leaving",
        }
    }

    /// What the curve shows.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::First => "the share of persons who have not had the event yet, so many days after the exposure",
            Self::Second => {
                "the share of persons who have not had the event twice yet, so many days after the exposure"
            }
            Self::Repeat => {
                "of those who had the event, the share who have not had it again yet, so many days after the first"
            }
            Self::Leaving => {
                "the share of persons who are still active after so many days: seen again later, so far as they were \
                 watched for long enough to tell"
            }
        }
    }

    /// Whether the curve is of everyone exposed, so that a difference between randomised arms is an effect.
    #[must_use]
    pub fn is_of_everyone(self) -> bool {
        self != Self::Repeat
    }
}

/// The curves that a metric has.
#[must_use]
pub fn ends_of(kind: &MetricKind) -> &'static [Ends] {
    match kind {
        MetricKind::Conversion(_) => &[Ends::First],
        MetricKind::Count(_) | MetricKind::Clv { .. } => &[Ends::First, Ends::Second, Ends::Repeat],
        MetricKind::Retention { .. } => &[Ends::Leaving],
        _ => &[],
    }
}

/// The curve of an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmCurve {
    /// The Kaplan-Meier curve.
    pub curve: Result<Curve, Undefined>,
    /// Events per person and day.
    pub rate: Result<ChurnRate, Undefined>,
}

/// The curves of all arms.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// What ends a duration.
    pub ends: Ends,
    /// One per arm, in the order of the experiment.
    pub arms: Vec<ArmCurve>,
    /// The test that all arms are alike.
    pub log_rank: Result<LogRank, Undefined>,
}

/// Which shares of buyers buy again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RepeatShare {
    /// Persons with the event.
    pub persons: i64,
    /// Persons with the event at least twice.
    pub repeated: i64,
    /// Wilson's interval of the share.
    pub interval: Result<Interval, Undefined>,
}

/// The arms of a metric as of the end of `through`, from the rows of everyone and those of the spans.
#[must_use]
pub fn read<'a>(
    definition: &Definition,
    metric: usize,
    everyone: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    spans: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    through: Day,
) -> Vec<Cohorts> {
    let days = match definition.metrics[metric].kind {
        MetricKind::Retention { .. } => definition.curve_days(metric),
        _ => definition.window_days(metric),
    };
    cohorts::read(definition, metric, (everyone, spans), through, days)
}

/// The curves of all arms. `inactive_days`: after so many whole days without activity a person has left.
#[must_use]
pub fn curves(arms: &[Cohorts], ends: Ends, inactive_days: u32, confidence: f64) -> Curves {
    let durations: Vec<Result<Durations, Undefined>> = arms
        .iter()
        .map(|arm| match ends {
            Ends::First => Ok(arm.until(Series::First)),
            Ends::Second => Ok(arm.until(Series::Second)),
            Ends::Repeat => arm.until_again().ok_or(Undefined::WindowOfRepeats),
            Ends::Leaving => Ok(stays(arm, inactive_days)),
        })
        .collect();
    let of = |durations: &Result<Durations, Undefined>| match durations {
        Ok(durations) => {
            ArmCurve { curve: kaplan_meier(durations, confidence), rate: churn_rate(durations, confidence) }
        }
        Err(reason) => ArmCurve { curve: Err(*reason), rate: Err(*reason) },
    };
    let all: Result<Vec<&Durations>, Undefined> = durations.iter().map(|arm| arm.as_ref().map_err(|e| *e)).collect();
    Curves { ends, arms: durations.iter().map(of).collect(), log_rank: all.and_then(|all| log_rank(&all)) }
}

/// The share of those who had the event who have had it at least twice, as they stand: who had it first long ago had more
/// time to have it again.
#[must_use]
pub fn repeat_share(arm: &Cohorts, confidence: f64) -> RepeatShare {
    let (persons, repeated) = (arm.total(Series::First), arm.total(Series::Second));
    RepeatShare { persons, repeated, interval: wilson_interval(repeated, persons, confidence) }
}
