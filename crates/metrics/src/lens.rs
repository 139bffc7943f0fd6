//! Lenses: what of the order of a person's events is kept, and what it adds up to.
//!
//! The fold turns the events that a lens looks at into [`Mark`]s, in order; only what the lens needs is kept, see each
//! lens's file. What the marks of a person amount to is a pure function of them, [`tell`]: sums under keys. On each day a
//! tally enters what the marks up to that day amount to beyond those up to the day before, so that the entries up to D add
//! up to the marks of the events up to D (the prefix law), and people come and go exactly.
//!
//! Order matters here, so an event that comes late has the journey folded whole ([`Walk::is_late`]).

mod channels;
mod credits;
mod funnel;
mod items;
mod paths;
mod sights;
mod stages;

use std::collections::BTreeMap;
use std::sync::Arc;

use ethnum::I256;
use journey::{DAY_MICROS, Day, Definition, Happening, Instant, Lens, LensKind, Path};

pub use self::channels::{ChannelKey, MAX_CHANNELS, OTHER, channel_key_of};
pub use self::credits::{CreditKey, CreditSums, SLOTS_PER_MODEL, TOTALS, Way, credit_key_of};
pub use self::funnel::{FIRST_STEP, reach_key, time_place, times};
pub use self::items::{ItemKey, ItemSlot, is_at_exposure, item_key_of};
pub use self::paths::{PathKey, path_of};
pub use self::sights::{ArmSights, Sights, SightsByDay, by_day, each_day, read};
pub use self::stages::{StageKey, stage_key_of};
use crate::attribution::Rules;
use crate::tally::Slots;

/// The most marks that a person leaves in a lens; what comes later is counted alone.
pub const MAX_MARKS: usize = 1_000;

/// The longest label, in characters; a longer one is cut.
const MAX_LABEL_CHARS: usize = 100;

/// What a lens keeps of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Microseconds since the first exposure.
    pub micros: i64,
    /// The local day.
    pub day: Day,
    /// What kind of mark it is; its meaning is the lens's own.
    pub tag: u16,
    /// What it is called; empty where the tag says all.
    pub label: Arc<str>,
    /// The event's value, in units, where the lens adds values up.
    pub value: i64,
}

/// What one person leaves in one lens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    /// The local day that contains the end of the lens's window, where it has one.
    pub matured: Option<Day>,
    /// The last event that was looked at, in microseconds since the first exposure; -1: none.
    pub through: i64,
    /// Events beyond [`MAX_MARKS`].
    pub dropped: u32,
    /// The marks, in the order of the journey.
    pub marks: Vec<Mark>,
}

/// A mark before it is placed: its tag, label and value.
pub(crate) type Sign = (u16, Arc<str>, i64);

/// What a person's marks amount to: sums under keys. The empty key is taken: it counts the persons.
pub type Told = BTreeMap<Arc<str>, Slots>;

/// A lens made ready for folding.
#[derive(Debug, Clone)]
pub(crate) struct Glass {
    pub window_micros: Option<i64>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Funnel(funnel::Steps),
    Paths(paths::Touches),
    Stages(stages::Stages),
    Credits(credits::Credits),
    Channels(Box<channels::Contacts>),
    Items(Box<items::Showings>),
}

impl Glass {
    /// `window_days` is the window of the lens or else of the experiment.
    pub(crate) fn new(
        definition: &Arc<Definition>,
        lens: &Lens,
        window_days: Option<u32>,
        paths: &mut Vec<Path>,
    ) -> Self {
        let kind = match &lens.kind {
            LensKind::Funnel { steps, order } => Kind::Funnel(funnel::Steps::new(steps, *order, paths)),
            LensKind::Paths { by, conversion, depth } => {
                Kind::Paths(paths::Touches::new(by, conversion, *depth, paths))
            }
            LensKind::Stages { stages } => Kind::Stages(stages::Stages::new(stages, paths)),
            LensKind::Attribution { by, conversion, .. } => Kind::Credits(credits::Credits::new(by, conversion, paths)),
            LensKind::Channels(contacts) => {
                Kind::Channels(channels::Contacts::new(contacts, &definition.experiment, paths).into())
            }
            LensKind::Items(items) => Kind::Items(items::Showings::new(definition, items, paths).into()),
        };
        Self { window_micros: window_days.map(|days| i64::from(days) * DAY_MICROS), kind }
    }

    /// What the event is to the lens; `None`: nothing.
    fn sign(&self, event: &Happening) -> Option<Sign> {
        match &self.kind {
            Kind::Funnel(steps) => steps.sign(event),
            Kind::Paths(touches) => touches.sign(event),
            Kind::Stages(stages) => stages.sign(event),
            Kind::Credits(credits) => credits.sign(event),
            Kind::Channels(contacts) => contacts.sign(event),
            Kind::Items(showings) => showings.sign(event),
        }
    }

    /// What a sign after these marks tells that is new, if anything.
    fn news(&self, marks: &[Mark], sign: Sign) -> Option<Sign> {
        let is_news = match &self.kind {
            Kind::Funnel(steps) => steps.is_news(marks, &sign),
            Kind::Paths(touches) => touches.is_news(marks, &sign),
            Kind::Stages(_) => stages::is_news(marks, &sign),
            Kind::Credits(_) => true,
            Kind::Channels(_) => channels::is_news(marks, &sign),
            Kind::Items(_) => return items::news(marks, sign),
        };
        is_news.then_some(sign)
    }

    /// Lets go of marks that no answer will need.
    fn prune(&self, marks: &mut Vec<Mark>) {
        if let Kind::Funnel(steps) = &self.kind {
            steps.prune(marks);
        }
    }

    /// What the journey before the exposure is to the lens: a mark before all others, microseconds before the exposure.
    fn before(&self, journey: &[Happening], exposed_at: Instant) -> Option<(i64, Sign)> {
        match &self.kind {
            Kind::Channels(contacts) => contacts.before(journey, exposed_at),
            Kind::Funnel(_) | Kind::Paths(_) | Kind::Stages(_) | Kind::Credits(_) | Kind::Items(_) => None,
        }
    }

    /// Whether the mark went into the one before it.
    fn joins(&self, last: Option<&mut Mark>, mark: &Mark) -> bool {
        matches!(self.kind, Kind::Items(_)) && last.is_some_and(|last| items::joins(last, mark))
    }

    fn is_open(&self, micros: i64) -> bool {
        micros >= 0 && self.window_micros.is_none_or(|window| micros < window)
    }
}

impl Walk {
    /// The walk of a person exposed at this instant and on this day, who did `journey` before.
    pub(crate) fn new(
        glass: &Glass,
        matured: Option<Day>,
        (exposed_at, day): (Instant, Day),
        journey: &[Happening],
    ) -> Self {
        let mark = |(micros, (tag, label, value))| Mark { micros, day, tag, label, value };
        let marks = glass.before(journey, exposed_at).map(mark).into_iter().collect();
        Self { matured, through: -1, dropped: 0, marks }
    }

    /// Whether the event, `micros` after the exposure, matters to the lens and does not lie behind everything that was
    /// looked at before: then only the whole journey tells what is left.
    pub(crate) fn is_late(&self, glass: &Glass, event: &Happening, micros: i64) -> bool {
        // An older program left marks of funnels out; what comes now does not follow those that it kept.
        let has_hole = self.dropped > 0 && matches!(glass.kind, Kind::Funnel(_));
        (micros <= self.through || has_hole) && glass.is_open(micros) && glass.sign(event).is_some()
    }

    /// Looks at the next event of the journey.
    pub(crate) fn go_on(&mut self, glass: &Glass, event: &Happening, micros: i64, day: impl FnOnce() -> Day) {
        if !glass.is_open(micros) {
            return;
        }
        let Some(sign) = glass.sign(event) else { return };
        self.through = micros;
        let Some((tag, label, value)) = glass.news(&self.marks, sign) else { return };
        glass.prune(&mut self.marks);
        let mark = Mark { micros, day: day(), tag, label, value };
        if glass.joins(self.marks.last_mut(), &mark) {
            return;
        }
        if self.marks.len() >= MAX_MARKS {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.marks.push(mark);
    }
}

/// What the marks amount to.
pub(crate) fn tell(lens: &Lens, marks: &[Mark]) -> Told {
    let mut told = Told::new();
    match &lens.kind {
        LensKind::Funnel { steps, order } => funnel::tell(steps.len(), *order, marks, &mut told),
        LensKind::Paths { depth, .. } => paths::tell(usize::from(*depth), marks, &mut told),
        LensKind::Stages { stages } => stages::tell(stages.len(), marks, &mut told),
        LensKind::Attribution { lookback_days, half_life_micros, .. } => {
            credits::tell(&Rules::new(*lookback_days, *half_life_micros), marks, &mut told);
        }
        LensKind::Channels(contacts) => channels::tell(contacts.trigger.is_some(), marks, &mut told),
        LensKind::Items(_) => items::tell(marks, &mut told),
    }
    told
}

/// Adds to the sums of a key.
fn add(told: &mut Told, key: Arc<str>, sums: impl IntoIterator<Item = i128>) {
    let sums: Slots = sums.into_iter().map(I256::from).collect();
    told.entry(key).or_default().add(&sums);
}

/// A label that a key can hold.
fn label(text: &str) -> Arc<str> {
    if !text.contains(char::is_control) && text.chars().nth(MAX_LABEL_CHARS).is_none() {
        return text.into();
    }
    let kept: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_LABEL_CHARS).collect();
    kept.into()
}
