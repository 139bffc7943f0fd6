//! Lenses: what of journeys, and of the order of what happens in them, an experiment keeps beside its metrics.
//!
//! A lens comes into being by being asked for. From then on it is kept for everyone exposed like a metric, so that every
//! later answer is a read.

use crate::channel::words;
use crate::instant::DAY_MICROS;
use crate::invalid::{Invalid, shown};
use crate::metric::Selector;
use crate::path::Path;
use crate::text::Name;

/// The longest window of a lens, in days.
const MAX_DAYS: u32 = 3_650;

words! {
    /// How closely the steps of a funnel follow each other.
    StepOrder {
        /// Other events may happen between two steps.
        Loose = "loose",
        /// No other event that the person did lies between two steps.
        Strict = "strict",
    }
}

/// What of journeys is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lens {
    /// What it looks for.
    pub kind: LensKind,
    /// Its own window in days after the exposure; `None`: the experiment's.
    pub window_days: Option<u32>,
}

/// What a lens looks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LensKind {
    /// How far persons get through ordered steps, and how long each takes.
    Funnel {
        /// The steps, in order.
        steps: Vec<Selector>,
        /// How closely they follow each other.
        order: StepOrder,
    },
    /// Along which touchpoints persons come to a conversion, or don't.
    Paths {
        /// What a touchpoint is called by.
        by: Touch,
        /// Which events are conversions.
        conversion: Selector,
        /// So many touchpoints are told apart; later ones are counted.
        depth: u8,
    },
    /// Through which lifecycle stages persons go.
    Stages {
        /// The stages, in order.
        stages: Vec<Stage>,
    },
    /// Which touches came before conversions, and what every model of attribution credits them with.
    Attribution {
        /// What a touch is called by.
        by: Touch,
        /// Which events are conversions.
        conversion: Selector,
        /// A touch counts for conversions up to so many days later; `None`: however much later.
        lookback_days: Option<u32>,
        /// After so many microseconds a touch weighs half as much, where credit decays with time.
        half_life_micros: i64,
    },
    /// Through which channels persons are reached, and whether what they were assigned arrived.
    Channels(Contacts),
    /// Which items persons were shown, and what they did then.
    Items(Items),
}

/// How contacts through channels are recognised.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Contacts {
    /// Where an event says its channel.
    pub channel: Path,
    /// Which events are conversions.
    pub conversion: Selector,
    /// Which event calls for a contact; `None`: the exposure.
    pub trigger: Option<Selector>,
    /// Events that say that a contact arrived.
    pub delivered: Vec<Selector>,
    /// Events that say that it did not.
    pub undelivered: Vec<Selector>,
    /// An exposure that holds `true` here showed something else in place of what was assigned.
    pub fallback: Path,
    /// An exposure that holds `false` here showed nothing of what was assigned.
    pub consent: Path,
}

/// Items that are shown: recommendations, offers, subject lines, templates.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Items {
    /// Where an event says which item it showed.
    pub by: Path,
    /// Events that show items; `None`: exposures to the experiment.
    pub shown: Option<Selector>,
    /// Which events are conversions; their values add up.
    pub conversion: Selector,
    /// Where an event says which products it is about.
    pub product: Vec<Path>,
    /// Events that accept an item which they are about.
    pub accepted: Vec<Selector>,
    /// Where the event that shows an item says with which probability the item was drawn.
    pub weight: Path,
    /// Where an exposure says which item would have been shown.
    pub would_have: Path,
}

/// What a touchpoint is called by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Touch {
    /// The event's name.
    Event,
    /// What stands at a path, `channel` for instance; events without it are no touchpoints.
    Path(Path),
}

/// A lifecycle stage, and how it is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stage {
    /// What events call it.
    pub name: Name,
    /// Events that put a person there; `None`: those that name it.
    pub rule: Option<Selector>,
}

impl Lens {
    /// The most lenses of an experiment. Of more, the one that was asked for first goes.
    pub const MOST: usize = 32;
    /// The fewest steps of a funnel.
    pub const MIN_STEPS: usize = 2;
    /// The most steps of a funnel.
    pub const MAX_STEPS: usize = 12;
    /// The most stages.
    pub const MAX_STAGES: usize = 20;
    /// The most paths to the products of an event.
    pub const MAX_PRODUCT_PATHS: usize = 4;
    /// The most kinds of events that accept an item.
    pub const MAX_ACCEPTED: usize = 20;
    /// The most touchpoints that a path tells apart.
    pub const MAX_DEPTH: u8 = 10;
    /// The most selectors that say whether contacts arrived, of each kind.
    pub const MAX_DELIVERIES: usize = 20;

    /// Checks what goes together.
    ///
    /// # Errors
    /// With a pointer into what was asked, `/steps` for instance.
    pub fn validate(kind: LensKind, window_days: Option<u32>) -> Result<Self, Invalid> {
        let out_of_range = |pointer: &str, detail: String| Err(Invalid::new("out_of_range", pointer, detail));
        if let Some(days) = window_days
            && !(1..=MAX_DAYS).contains(&days)
        {
            return out_of_range("/window_days", format!("{days} is no number of days from 1 to {MAX_DAYS}"));
        }
        match &kind {
            LensKind::Funnel { steps, .. } if !(Self::MIN_STEPS..=Self::MAX_STEPS).contains(&steps.len()) => {
                let detail = format!(
                    "has {} steps: a funnel has {} to {}, such as steps=Product Viewed,Product Added,Order Completed",
                    steps.len(),
                    Self::MIN_STEPS,
                    Self::MAX_STEPS
                );
                return out_of_range("/steps", detail);
            }
            LensKind::Paths { depth, .. } if !(1..=Self::MAX_DEPTH).contains(depth) => {
                return out_of_range("/depth", format!("{depth} is no depth from 1 to {}", Self::MAX_DEPTH));
            }
            LensKind::Stages { stages } => {
                if !(2..=Self::MAX_STAGES).contains(&stages.len()) {
                    let detail = format!("has {} stages: there are 2 to {}", stages.len(), Self::MAX_STAGES);
                    return out_of_range("/stages", detail);
                }
                for (at, stage) in stages.iter().enumerate() {
                    if stages[..at].iter().any(|other| other.name == stage.name) {
                        let detail = format!("{} stands twice: keep one", shown(stage.name.as_str()));
                        return Err(Invalid::new("duplicate", "/stages", detail));
                    }
                }
            }
            LensKind::Attribution { lookback_days: Some(days), .. } if !(1..=MAX_DAYS).contains(days) => {
                return out_of_range("/lookback_days", format!("{days} is no number of days from 1 to {MAX_DAYS}"));
            }
            LensKind::Attribution { half_life_micros, .. }
                if !(1..=i64::from(MAX_DAYS) * DAY_MICROS).contains(half_life_micros) =>
            {
                let detail = format!("{half_life_micros} microseconds are no time above 0 and up to {MAX_DAYS} days");
                return out_of_range("/half_life_days", detail);
            }
            LensKind::Channels(contacts) => {
                for (pointer, found) in [("/delivered", &contacts.delivered), ("/undelivered", &contacts.undelivered)] {
                    if found.len() > Self::MAX_DELIVERIES {
                        let detail = format!("has {} events: give at most {}", found.len(), Self::MAX_DELIVERIES);
                        return out_of_range(pointer, detail);
                    }
                }
            }
            LensKind::Items(items) if !(1..=Self::MAX_PRODUCT_PATHS).contains(&items.product.len()) => {
                let detail = format!("has {} paths: there are 1 to {}", items.product.len(), Self::MAX_PRODUCT_PATHS);
                return out_of_range("/product", detail);
            }
            LensKind::Items(items) if !(1..=Self::MAX_ACCEPTED).contains(&items.accepted.len()) => {
                let detail = format!("has {} events: there are 1 to {}", items.accepted.len(), Self::MAX_ACCEPTED);
                return out_of_range("/accepted", detail);
            }
            LensKind::Funnel { .. } | LensKind::Paths { .. } | LensKind::Attribution { .. } | LensKind::Items(_) => {}
        }
        Ok(Self { kind, window_days })
    }
}

impl LensKind {
    /// The word for the kind.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Funnel { .. } => "funnel",
            Self::Paths { .. } => "paths",
            Self::Stages { .. } => "stages",
            Self::Attribution { .. } => "attribution",
            Self::Channels(_) => "channels",
            Self::Items(_) => "items",
        }
    }

    /// The events that it looks at; `None`: events of any name.
    #[must_use]
    pub fn selectors(&self) -> Option<Vec<&Selector>> {
        match self {
            Self::Funnel { steps, order: StepOrder::Loose } => Some(steps.iter().collect()),
            Self::Stages { stages } => stages.iter().map(|stage| stage.rule.as_ref()).collect(),
            // Refunds and products are looked for in events of any name.
            Self::Funnel { .. }
            | Self::Paths { .. }
            | Self::Attribution { .. }
            | Self::Channels(_)
            | Self::Items(_) => None,
        }
    }
}
