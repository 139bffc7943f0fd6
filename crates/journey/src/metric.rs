//! Metrics: definitions of KPIs.

mod kind;

use crate::amount::Amount;
use crate::channel::words;
use crate::invalid::Invalid;
use crate::keeps::Keeps;
use crate::of::Of;
use crate::text::{Key, Name};

pub use kind::{Costs, Filter, Lifespan, Measure, MetricKind, Part, Pattern, Selector};

/// The covariate is the same metric over this many days that end at the exposure.
pub const COVARIATE_DAYS: i64 = 14;

/// The longest window, in days.
const MAX_DAYS: u32 = 3_650;

/// The most events that a conversion can ask for.
const MAX_AT_LEAST: u32 = 1_000;

words! {
    /// The direction in which a KPI improves.
    Goal {
        /// More is better.
        Increase = "increase",
        /// Less is better.
        Decrease = "decrease",
    }
}

words! {
    /// How the days of a retention are counted.
    Align {
        /// Days of 24 hours that begin with the exposure: the same for everyone, whatever the clocks do.
        Exposure = "exposure",
        /// Days of the tenant's calendar; day 0 is that of the exposure.
        Calendar = "calendar",
    }
}

/// A metric before validation. Selectors are already made of valid parts.
#[derive(Debug, Clone)]
pub struct MetricDraft {
    /// The key within the tenant.
    pub key: Key,
    /// What it computes.
    pub kind: MetricKind,
    /// Its own window in days; `None`: the experiment's.
    pub window_days: Option<u32>,
    /// A person counts for at most this much.
    pub cap: Option<Amount>,
    /// The direction in which it improves.
    pub goal: Goal,
    /// The unit that people see.
    pub unit: Option<Name>,
    /// For people.
    pub description: Option<String>,
}

/// A valid metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// The key within the tenant.
    pub key: Key,
    /// What it computes.
    pub kind: MetricKind,
    /// Its own window in days; `None`: the experiment's.
    pub window_days: Option<u32>,
    /// A person counts for at most this much (for a ratio: in the numerator).
    pub cap: Option<Amount>,
    /// The direction in which it improves.
    pub goal: Goal,
    /// The unit that people see.
    pub unit: Option<Name>,
    /// For people.
    pub description: Option<String>,
    /// What it keeps beside its sums.
    pub keeps: Keeps,
    /// Whether it gives verdicts; else it describes.
    pub decides: bool,
}

/// Why a lifespan can't be estimated within a window.
pub(crate) fn never_seen(inactive_days: u32, window_days: u32) -> String {
    format!(
        "{inactive_days} days without a purchase, after some with one, are never seen in a window of {window_days} days: make \
         inactive_days at most {}, or window_days at least {}",
        window_days.saturating_sub(2),
        inactive_days.saturating_add(2),
    )
}

impl Metric {
    /// Checks what goes together.
    pub fn validate(draft: MetricDraft) -> Result<Self, Invalid> {
        let MetricDraft { key, kind, window_days, cap, goal, unit, description } = draft;
        let days = |days: u32, pointer: &str| {
            if (1..=MAX_DAYS).contains(&days) {
                return Ok(());
            }
            let detail = format!("{days} is no number of days from 1 to {MAX_DAYS}");
            Err(Invalid::new("out_of_range", pointer, detail))
        };
        if let Some(window) = window_days {
            days(window, "/window_days")?;
        }
        match &kind {
            MetricKind::Retention { from_day, to_day, .. } => {
                if *from_day > MAX_DAYS {
                    days(*from_day, "/from_day")?;
                }
                if let Some(to_day) = to_day {
                    days(*to_day, "/to_day")?;
                    if to_day <= from_day {
                        let detail =
                            format!("{to_day} is not after from_day {from_day}: the return needs a span of time");
                        return Err(Invalid::new("out_of_range", "/to_day", detail));
                    }
                    if window_days.is_some_and(|window| window < *to_day) {
                        let detail =
                            format!("closes before to_day {to_day}: leave it out, or make it at least {to_day}");
                        return Err(Invalid::new("out_of_range", "/window_days", detail));
                    }
                }
            }
            MetricKind::Score(parts) if (parts.is_empty() || parts.len() > 50) => {
                let detail = format!("has {} parts: a score has 1 to 50", parts.len());
                return Err(Invalid::new("out_of_range", "/parts", detail));
            }
            MetricKind::Clv { lifespan: Lifespan::Days(lifespan), .. } => days(*lifespan, "/lifespan_days")?,
            MetricKind::Clv { lifespan: Lifespan::Estimated { inactive_days }, .. } => {
                if !(1..=Lifespan::MAX_INACTIVE_DAYS).contains(inactive_days) {
                    let most = Lifespan::MAX_INACTIVE_DAYS;
                    let detail = format!("{inactive_days} is no number of days from 1 to {most}");
                    return Err(Invalid::new("out_of_range", "/inactive_days", detail));
                }
                if let Some(window) = window_days.filter(|window| !Lifespan::fits(*inactive_days, *window)) {
                    let detail = never_seen(*inactive_days, window);
                    return Err(Invalid::new("out_of_range", "/inactive_days", detail));
                }
            }
            MetricKind::Net { margin, costs, .. } => {
                if goal == Goal::Decrease {
                    let detail = "is decrease, and less of a net value is never the goal: leave it out";
                    return Err(Invalid::new("out_of_place", "/goal", detail));
                }
                if !(1..=crate::amount::UNIT).contains(&margin.units()) {
                    let detail = format!("{margin} is no share of the value above 0 and at most 1, such as 0.4");
                    return Err(Invalid::new("out_of_range", "/margin", detail));
                }
                if costs.properties.len() > Costs::MAX_PROPERTIES {
                    let detail =
                        format!("has {} paths: at most {} are allowed", costs.properties.len(), Costs::MAX_PROPERTIES);
                    return Err(Invalid::new("out_of_range", "/costs/property", detail));
                }
            }
            MetricKind::Repeat { at_least, .. } if !(2..=MAX_AT_LEAST).contains(at_least) => {
                let detail = format!("{at_least} is no number of events from 1 to {MAX_AT_LEAST}");
                return Err(Invalid::new("out_of_range", "/at_least", detail));
            }
            MetricKind::PerTime { days: per, .. } => days(*per, "/per")?,
            MetricKind::Latest(measure) | MetricKind::Rating { measure, .. } if measure.of == Of::Count => {
                let detail = format!("count is the same for every event: a {} looks at value or a path", kind.word());
                return Err(Invalid::new("out_of_place", "/of", detail));
            }
            _ => {}
        }
        if let Some(cap) = cap {
            if kind.is_binary() {
                let detail = format!("does nothing in a {}, where a person counts 0 or 1: leave it out", kind.word());
                return Err(Invalid::new("out_of_place", "/cap", detail));
            }
            if matches!(kind, MetricKind::Rating { .. }) {
                let detail = "does nothing in a rating, whose answers have a scale: leave it out";
                return Err(Invalid::new("out_of_place", "/cap", detail));
            }
            if matches!(kind, MetricKind::Quantile { .. }) {
                let detail = "does nothing in a quantile, which large values do not move: leave it out";
                return Err(Invalid::new("out_of_place", "/cap", detail));
            }
            if cap.units() <= 0 {
                return Err(Invalid::new("out_of_range", "/cap", format!("{cap} is not above 0")));
            }
        }
        if let Some(text) = &description
            && (text.chars().count() > 2_000 || text.contains('\0'))
        {
            return Err(Invalid::new("too_long", "/description", "has more than 2000 characters or holds U+0000"));
        }
        let decides = !kind.is_inflated();
        Ok(Self { key, kind, window_days, cap, goal, unit, description, keeps: Keeps::default(), decides })
    }

    /// The metric with what was said of its verdicts; where nothing was said, it decides unless what it counts is inflated.
    #[must_use]
    pub fn deciding(self, said: Option<bool>) -> Self {
        let decides = said.unwrap_or(!self.kind.is_inflated());
        Self { decides, ..self }
    }

    /// Whether a person's contribution is the same under both: only names, goals and units differ.
    #[must_use]
    pub fn measures_like(&self, other: &Self) -> bool {
        self.key == other.key
            && self.kind.measures_like(&other.kind)
            && self.window_days == other.window_days
            && self.cap == other.cap
            && self.keeps == other.keeps
    }
}
