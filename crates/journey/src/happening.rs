//! Events as the fold sees them.

use std::sync::Arc;

use crate::amount::Amount;
use crate::channel::Channel;
use crate::event::Exposure;
use crate::event_id::EventId;
use crate::instant::Instant;

/// What an event holds at a [`crate::Path`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fact {
    /// Nothing, null or an object.
    #[default]
    None,
    /// A text, number or boolean, as text.
    One(Arc<str>),
    /// The scalars of an array.
    Many(Vec<Arc<str>>),
}

impl Fact {
    /// Whether the fact is `text`, or an array that holds it.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        match self {
            Self::None => false,
            Self::One(one) => **one == *text,
            Self::Many(many) => many.iter().any(|one| **one == *text),
        }
    }
}

/// One event of a person's journey. Journeys are sorted by `(at, id)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// When.
    pub at: Instant,
    /// The event's id; it orders events of one instant.
    pub id: EventId,
    /// What.
    pub name: Arc<str>,
    /// Where.
    pub channel: Option<Channel>,
    /// The lifecycle stage that was sent.
    pub stage: Option<Arc<str>>,
    /// The value.
    pub value: Option<Amount>,
    /// Whether the value is in another currency than the tenant's.
    pub foreign: bool,
    /// The experiment and the arm, if it is an exposure.
    pub exposure: Option<Exposure>,
    /// What it holds at each path that the definitions look at, in the order of the plan's paths.
    pub facts: Vec<Fact>,
}

impl Happening {
    /// The position in a journey.
    #[must_use]
    pub fn position(&self) -> (Instant, EventId) {
        (self.at, self.id)
    }
}
