//! Lenses: what of journeys, and of the order of what happens in them, an experiment keeps beside its metrics.
//!
//! A lens comes into being by being asked for. From then on it is kept for everyone exposed like a metric, so that every
//! later answer is a read.

use crate::channel::words;
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
    /// The most touchpoints that a path tells apart.
    pub const MAX_DEPTH: u8 = 10;

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
            LensKind::Funnel { .. } | LensKind::Paths { .. } => {}
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
        }
    }

    /// The events that it looks at; `None`: events of any name.
    #[must_use]
    pub fn selectors(&self) -> Option<Vec<&Selector>> {
        match self {
            Self::Funnel { steps, order: StepOrder::Loose } => Some(steps.iter().collect()),
            Self::Stages { stages } => stages.iter().map(|stage| stage.rule.as_ref()).collect(),
            Self::Funnel { .. } | Self::Paths { .. } => None,
        }
    }
}
