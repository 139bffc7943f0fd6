//! What a metric computes: which events count, and what becomes of them.

use super::Align;
use crate::amount::Amount;
use crate::invalid::Invalid;
use crate::names;
use crate::of::Of;
use crate::path::Path;
use crate::scale::Scale;
use crate::share::Share;
use crate::text::Name;

/// Which event names count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// `*`: every event that the person did, see [`crate::names::is_by_person`].
    Any,
    /// Events of this name.
    Named(Name),
}

impl Pattern {
    /// Reads a name or `*`, which stands at `pointer`.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Invalid> {
        if text.trim() == "*" { Ok(Self::Any) } else { Name::parse(text, pointer).map(Self::Named) }
    }

    /// The name or `*`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::Named(name) => name.as_str(),
        }
    }
}

/// One condition of a `where`: the event's fact at `path` is one of `values`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Where to look.
    pub path: Path,
    /// The texts that pass; numbers and booleans compare as their texts.
    pub values: Vec<String>,
}

/// Which events count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Selector {
    /// By name.
    pub event: Pattern,
    /// And by every one of these conditions.
    pub filters: Vec<Filter>,
}

/// How long a customer stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lifespan {
    /// So many days, as somebody says.
    Days(u32),
    /// As long as the persons of an arm stay, one over their churn rate.
    Estimated {
        /// After so many whole days without a purchase a customer has left.
        inactive_days: u32,
    },
}

impl Lifespan {
    /// After how many days without activity a person has left where nobody says.
    pub const INACTIVE_DAYS: u32 = 7;
    /// The most days.
    pub const MAX_INACTIVE_DAYS: u32 = 365;

    /// The days, where they are given.
    #[must_use]
    pub fn days(self) -> Option<u32> {
        match self {
            Self::Days(days) => Some(days),
            Self::Estimated { .. } => None,
        }
    }

    /// After so many whole days without a purchase a customer has left, where it is estimated.
    #[must_use]
    pub fn inactive_days(self) -> Option<u32> {
        match self {
            Self::Days(_) => None,
            Self::Estimated { inactive_days } => Some(inactive_days),
        }
    }

    /// Whether somebody can be seen to stay for a day, and then to leave, within a window: its first day is that of the exposure.
    #[must_use]
    pub fn fits(inactive_days: u32, window_days: u32) -> bool {
        window_days >= inactive_days.saturating_add(2)
    }
}

/// One side of a ratio.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Measure {
    /// Which events.
    pub selector: Selector,
    /// What of them.
    pub of: Of,
}

/// One part of a score.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Part {
    /// Which events.
    pub selector: Selector,
    /// Points per event.
    pub weight: Amount,
}

/// What a metric computes from a person's events after the exposure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// Share of persons with the event.
    Conversion(Selector),
    /// Events per person.
    Count(Selector),
    /// Value per person.
    Sum(Selector),
    /// Sum over persons of the numerator over that of the denominator.
    Ratio {
        /// The numerator.
        numerator: Measure,
        /// The denominator.
        denominator: Measure,
    },
    /// Share of persons who came back in `[exposure + from, exposure + to)`.
    Retention {
        /// Which events are a return.
        selector: Selector,
        /// Days of 24 hours after the exposure.
        from_day: u32,
        /// Days of 24 hours after the exposure; `None`: any time later (rolling retention).
        to_day: Option<u32>,
        /// How days are counted.
        align: Align,
    },
    /// Weighted count of events per person.
    Score(Vec<Part>),
    /// Average purchase value × purchase frequency × lifespan.
    Clv {
        /// Which events are purchases.
        selector: Selector,
        /// How long a customer stays.
        lifespan: Lifespan,
    },
    /// The value that a share of the persons stay at or below: a person's value is the total of the events'.
    Quantile {
        /// What is added up for a person.
        measure: Measure,
        /// The share.
        share: Share,
    },
    /// Share of persons with at least so many of the events. A person counts on the day of the last one of these.
    Repeat {
        /// Which events.
        selector: Selector,
        /// How many, two or more.
        at_least: u32,
    },
    /// The total per person of a number that the events carry.
    Total(Measure),
    /// What another kind adds up, per person and so many days under observation: from the exposure to now, at most the window.
    PerTime {
        /// A count, a sum, a total or a score.
        of: Box<MetricKind>,
        /// Per so many days.
        days: u32,
    },
    /// The latest number that the events of a person carry; 0 without any.
    Latest(Measure),
    /// The mean score of the latest answer of each person who answered.
    Rating {
        /// Which events are answers, and where the answer stands.
        measure: Measure,
        /// How answers are scored.
        scale: Scale,
    },
    /// Value that is left of a person after costs: margin × value − cost. Costs that an arm's model puts on persons and
    /// exposures are part of it.
    Net {
        /// Whose value counts; refunds take away as for a sum.
        selector: Selector,
        /// The share of the value that is earned, above 0 and at most 1. It can change without measuring again.
        margin: Amount,
        /// Where costs come from.
        costs: Costs,
    },
}

/// Where the costs of a person come from, besides the cost model of the arm.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Costs {
    /// Events whose value is a cost.
    pub event: Option<Selector>,
    /// Properties of any event that are costs (discounts, coupons); of an event whose value is a cost they are not
    /// looked at.
    pub properties: Vec<Path>,
}

impl Costs {
    /// The most properties.
    pub const MAX_PROPERTIES: usize = 10;
}

impl MetricKind {
    /// The word for the kind.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Conversion(_) | Self::Repeat { .. } => "conversion",
            Self::Count(_) => "count",
            Self::Sum(_) | Self::Total(_) => "sum",
            Self::Ratio { .. } => "ratio",
            Self::Retention { .. } => "retention",
            Self::Score(_) => "score",
            Self::Clv { .. } => "clv",
            Self::Quantile { .. } => "quantile",
            Self::PerTime { of, .. } => of.word(),
            Self::Latest(_) => "latest",
            Self::Rating { .. } => "rating",
            Self::Net { .. } => "net",
        }
    }

    /// Whether a person is counted as 0 or 1.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        matches!(self, Self::Conversion(_) | Self::Retention { .. } | Self::Repeat { .. })
    }

    /// Whether it is one sum over persons over another one.
    #[must_use]
    pub fn is_ratio(&self) -> bool {
        matches!(self, Self::Ratio { .. } | Self::Clv { .. } | Self::PerTime { .. } | Self::Rating { .. })
    }

    /// For a metric over the time under observation: per so many days. A value over an estimated lifespan is first told per day.
    #[must_use]
    pub fn per_days(&self) -> Option<u32> {
        match self {
            Self::Clv { lifespan, .. } => Some(lifespan.days().unwrap_or(1)),
            Self::PerTime { days, .. } => Some(*days),
            _ => None,
        }
    }

    /// For a value over an estimated lifespan: after so many whole days without a purchase a customer has left.
    #[must_use]
    pub fn inactive_days(&self) -> Option<u32> {
        match self {
            Self::Clv { lifespan, .. } => lifespan.inactive_days(),
            _ => None,
        }
    }

    /// Whether a person's latest event stands for the person, in place of all events added up.
    #[must_use]
    pub fn is_of_latest(&self) -> bool {
        matches!(self, Self::Latest(_) | Self::Rating { .. })
    }

    /// Whether differences can be adjusted by what persons did before the exposure. Ranks can't; of a value over the time under
    /// observation, and of answers that few have given before, there is no covariate.
    #[must_use]
    pub fn has_covariate(&self) -> bool {
        !self.is_quantile() && (!self.is_ratio() || matches!(self, Self::Ratio { .. }))
    }

    /// Whether it is about a rank, not a sum.
    #[must_use]
    pub fn is_quantile(&self) -> bool {
        matches!(self, Self::Quantile { .. })
    }

    /// Whether event values, money that is, go into it.
    #[must_use]
    pub fn is_money(&self) -> bool {
        match self {
            Self::Sum(_) | Self::Clv { .. } | Self::Net { .. } => true,
            Self::Ratio { numerator, denominator } => numerator.of.is_money() || denominator.of.is_money(),
            Self::Quantile { measure, .. } | Self::Total(measure) | Self::Latest(measure) => measure.of.is_money(),
            Self::PerTime { of, .. } => of.is_money(),
            _ => false,
        }
    }

    /// The selectors, in a fixed order.
    #[must_use]
    pub fn selectors(&self) -> Vec<&Selector> {
        match self {
            Self::Conversion(selector)
            | Self::Count(selector)
            | Self::Sum(selector)
            | Self::Retention { selector, .. }
            | Self::Repeat { selector, .. }
            | Self::Clv { selector, .. } => vec![selector],
            Self::Ratio { numerator, denominator } => vec![&numerator.selector, &denominator.selector],
            Self::Score(parts) => parts.iter().map(|part| &part.selector).collect(),
            Self::Quantile { measure, .. }
            | Self::Total(measure)
            | Self::Latest(measure)
            | Self::Rating { measure, .. } => {
                vec![&measure.selector]
            }
            Self::PerTime { of, .. } => of.selectors(),
            Self::Net { selector, costs, .. } => std::iter::once(selector).chain(&costs.event).collect(),
        }
    }

    /// Whether a person's contribution is the same under both.
    #[must_use]
    pub fn measures_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Net { selector, costs, .. }, Self::Net { selector: others, costs: other_costs, .. }) => {
                selector == others && costs == other_costs
            }
            _ => self == other,
        }
    }

    /// Whether it counts something that says little of persons, so that it gives no verdict unless asked to: proxies open
    /// e-mails that nobody reads.
    #[must_use]
    pub fn is_inflated(&self) -> bool {
        let named = |selector: &&Selector| selector.event.as_str() == names::OPENED;
        self.selectors().iter().any(named)
    }
}
