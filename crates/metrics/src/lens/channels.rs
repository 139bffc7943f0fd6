//! Through which channels is a person reached, and does what the person was assigned arrive?
//!
//! One event may be several things at once, a bit of the mark's tag each; its label is the channel. Kept is only what
//! tells something new: the first contact on a channel, the first conversion, each kind of exposure, and whatever
//! says that something arrived or did not after that changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use journey::{DAY_MICROS, Experiment, Happening, Instant, Path, names};

use super::{Mark, Sign, Told, add, label};
use crate::histogram::bucket_of;
use crate::plan::{Sieve, Source};

/// The most channels of a person that are told apart; the contacts on later ones are on [`OTHER`].
pub const MAX_CHANNELS: usize = 12;

/// What channels beyond [`MAX_CHANNELS`] are called.
pub const OTHER: &str = "other";

/// How long before the exposure its trigger may lie.
const TRIGGER_MICROS: i64 = DAY_MICROS;

/// A point at which business and person touched, on a channel.
const TOUCH: u16 = 1;
/// An exposure to the experiment.
const EXPOSURE: u16 = 1 << 1;
const CONVERSION: u16 = 1 << 2;
const DELIVERED: u16 = 1 << 3;
const UNDELIVERED: u16 = 1 << 4;
const TRIGGER: u16 = 1 << 5;
/// Something else was shown in place of what was assigned.
const FALLBACK: u16 = 1 << 6;
/// The person did not consent.
const NO_CONSENT: u16 = 1 << 7;
/// From here on the arm that is named, as its index plus one; 0: none.
const ARM_SHIFT: u32 = 8;
/// An arm that the experiment does not have. There are at most 50 others.
const UNKNOWN_ARM: u16 = 63;

/// Between the channels of a key: labels hold no control characters.
const SEPARATOR: char = '\u{1f}';

/// Contacts made ready.
#[derive(Debug, Clone)]
pub(super) struct Contacts {
    experiment: Experiment,
    channel: Source,
    conversion: Sieve,
    trigger: Option<Sieve>,
    delivered: Vec<Sieve>,
    undelivered: Vec<Sieve>,
    fallback: Source,
    consent: Source,
    /// Where an event that is no exposure names the experiment and the arm that it shows.
    names_experiment: Option<Source>,
    names_arm: Vec<Source>,
}

impl Contacts {
    pub(super) fn new(contacts: &journey::Contacts, experiment: &Experiment, paths: &mut Vec<Path>) -> Self {
        let mut property = |name: &str| Some(Source::of(&Path::parse(&format!("properties.{name}"), "").ok()?, paths));
        let names_experiment = property("experiment_id");
        let names_arm =
            ["variation_id", "variant_id", "variation_name"].into_iter().filter_map(&mut property).collect();
        let mut sieve = |selector| Sieve::new(selector, paths);
        Self {
            experiment: experiment.clone(),
            conversion: sieve(&contacts.conversion),
            trigger: contacts.trigger.as_ref().map(&mut sieve),
            delivered: contacts.delivered.iter().map(&mut sieve).collect(),
            undelivered: contacts.undelivered.iter().map(&mut sieve).collect(),
            channel: Source::of(&contacts.channel, paths),
            fallback: Source::of(&contacts.fallback, paths),
            consent: Source::of(&contacts.consent, paths),
            names_experiment,
            names_arm,
        }
    }

    pub(super) fn sign(&self, event: &Happening) -> Option<Sign> {
        let takes = |sieves: &[Sieve]| sieves.iter().any(|sieve| sieve.takes(event));
        let channel = self.channel.value(event).map_or_else(|| "".into(), |text| label(&text));
        let mut tag = self.arm(event);
        if self.conversion.takes(event) {
            tag |= CONVERSION;
        }
        if self.trigger.as_ref().is_some_and(|trigger| trigger.takes(event)) {
            tag |= TRIGGER;
        }
        if takes(&self.delivered) {
            tag |= DELIVERED;
        }
        if takes(&self.undelivered) {
            tag |= UNDELIVERED;
        } else if !channel.is_empty() && names::is_touchpoint(&event.name) && !names::ATTEMPTS.contains(&&*event.name) {
            tag |= TOUCH;
        }
        (tag != 0).then_some((tag, channel, 0))
    }

    /// The arm of this experiment that the event shows, and how, if it is an exposure.
    fn arm(&self, event: &Happening) -> u16 {
        if !self.experiment.is_inside(event.at) {
            return 0;
        }
        let number = |arm: &str| {
            let index = self.experiment.arm(arm).and_then(|arm| u16::try_from(arm).ok());
            index.map_or(UNKNOWN_ARM, |index| index + 1) << ARM_SHIFT
        };
        if let Some(exposure) = &event.exposure {
            if exposure.experiment != self.experiment.key {
                return 0;
            }
            let mut tag = number(exposure.arm.as_str()) | EXPOSURE;
            if self.fallback.is(event, "true") {
                tag |= FALLBACK;
            }
            if self.consent.is(event, "false") {
                tag |= NO_CONSENT;
            }
            return tag;
        }
        let key = self.experiment.key.as_str();
        if !self.names_experiment.is_some_and(|source| source.is(event, key)) {
            return 0;
        }
        self.names_arm.iter().find_map(|source| source.value(event)).map_or(0, |arm| number(&arm))
    }

    /// The last trigger of the day before the exposure.
    pub(super) fn before(&self, journey: &[Happening], exposed_at: Instant) -> Option<(i64, Sign)> {
        let trigger = self.trigger.as_ref()?;
        let since = |event: &Happening| event.at.micros() - exposed_at.micros();
        let near = journey.iter().rev().take_while(|event| since(event) >= -TRIGGER_MICROS);
        let event = near.into_iter().find(|event| trigger.takes(event))?;
        Some((since(event), (TRIGGER, "".into(), 0)))
    }
}

/// Whether the sign tells anything that the marks don't.
pub(super) fn is_news(marks: &[Mark], (tag, label, _): &Sign) -> bool {
    // Only the first trigger counts.
    let triggered = marks.iter().position(|mark| mark.tag & TRIGGER != 0);
    let told = if triggered.is_some() { !TRIGGER } else { u16::MAX };
    let tag = tag & told;
    let same = |mark: &Mark| mark.tag & told == tag && mark.label == *label;
    // A failure says nothing new until something was shown or arrived since; what is shown or arrives says something
    // new after a failure, and after the trigger. What fails and arrives at once has arrived.
    let fails = |tag: u16| tag & UNDELIVERED != 0 && tag & DELIVERED == 0;
    let is_turn = |mark: &Mark| {
        let failed = fails(mark.tag);
        if fails(tag) { mark.tag & (EXPOSURE | DELIVERED) != 0 && !failed } else { failed }
    };
    let turn = marks.iter().rposition(is_turn);
    let from = match tag & (EXPOSURE | DELIVERED | UNDELIVERED) {
        0 => 0,
        _ => turn.max(triggered).map_or(0, |turn| turn + 1),
    };
    if tag == 0 || marks[from..].iter().any(same) {
        return false;
    }
    tag != TOUCH || channels(marks).len() <= MAX_CHANNELS
}

/// The channels of contacts, in the order of the first one on each.
fn channels(marks: &[Mark]) -> Vec<&Arc<str>> {
    let mut found: Vec<&Arc<str>> = Vec::new();
    for mark in marks.iter().filter(|mark| mark.tag & TOUCH != 0) {
        if !found.contains(&&mark.label) {
            found.push(&mark.label);
        }
    }
    found
}

/// What a key counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChannelKey {
    /// Persons with contacts on exactly these channels, ascending, and how many of them converted.
    Channels(Vec<Arc<str>>),
    /// Persons whose first exposure was on this channel; an empty one: on none.
    ExposedOn(Arc<str>),
    /// Persons who were shown their own arm and no other, wherever an arm was named.
    Consistent,
    /// Persons to whom an arm was named on several channels.
    OnSeveral,
    /// Persons who are both.
    ConsistentOnSeveral,
    /// Persons who received what they were assigned.
    Received,
    /// Persons who received something else.
    Fallback,
    /// Persons who received nothing because they did not consent.
    NoConsent,
    /// Persons who received nothing because it did not arrive.
    Undelivered,
    /// Persons with a trigger.
    Triggered,
    /// Persons who were reached after the trigger, by the bucket of the delay in microseconds: their number, the sum of the delays and of their squares.
    Delay(i16),
}

impl ChannelKey {
    /// The key as text.
    #[must_use]
    pub fn text(&self) -> Arc<str> {
        match self {
            Self::Channels(channels) => {
                let mut text = "o".to_owned();
                for (at, channel) in channels.iter().enumerate() {
                    if at > 0 {
                        text.push(SEPARATOR);
                    }
                    text.push_str(channel);
                }
                text.into()
            }
            Self::ExposedOn(channel) => format!("x{channel}").into(),
            Self::Consistent => "c".into(),
            Self::OnSeveral => "s".into(),
            Self::ConsistentOnSeveral => "b".into(),
            Self::Received => "y".into(),
            Self::Fallback => "f".into(),
            Self::NoConsent => "n".into(),
            Self::Undelivered => "u".into(),
            Self::Triggered => "g".into(),
            Self::Delay(bucket) => format!("d{bucket}").into(),
        }
    }
}

/// What a key counts; `None` where it is none.
#[must_use]
pub fn channel_key_of(key: &str) -> Option<ChannelKey> {
    let (kind, rest) = key.split_at_checked(1)?;
    Some(match kind {
        "o" if rest.is_empty() => ChannelKey::Channels(Vec::new()),
        "o" => ChannelKey::Channels(rest.split(SEPARATOR).map(Arc::from).collect()),
        "x" => ChannelKey::ExposedOn(rest.into()),
        "c" => ChannelKey::Consistent,
        "s" => ChannelKey::OnSeveral,
        "b" => ChannelKey::ConsistentOnSeveral,
        "y" => ChannelKey::Received,
        "f" => ChannelKey::Fallback,
        "n" => ChannelKey::NoConsent,
        "u" => ChannelKey::Undelivered,
        "g" => ChannelKey::Triggered,
        "d" => ChannelKey::Delay(rest.parse().ok()?),
        _ => return None,
    })
}

pub(super) fn tell(has_trigger: bool, marks: &[Mark], told: &mut Told) {
    let is_own = |mark: &&Mark| mark.tag & EXPOSURE != 0 && mark.tag >> ARM_SHIFT != UNKNOWN_ARM;
    // The first exposure is among the first marks, because marks begin at its instant.
    let Some(own) = marks.iter().find(is_own) else { return };
    let mut used = channels(marks);
    let others = used.split_off(used.len().min(MAX_CHANNELS));
    let mut used: BTreeSet<Arc<str>> = used.into_iter().cloned().collect();
    if !others.is_empty() {
        used.insert(OTHER.into());
    }
    let converted = i128::from(marks.iter().any(|mark| mark.tag & CONVERSION != 0));
    add(told, ChannelKey::Channels(used.into_iter().collect()).text(), [1, converted]);
    add(told, ChannelKey::ExposedOn(own.label.clone()).text(), [1]);
    tell_consistency(own.tag >> ARM_SHIFT, marks, told);
    add(told, outcome(own.tag >> ARM_SHIFT, marks).text(), [1]);
    tell_delay(has_trigger, marks, told);
}

fn tell_consistency(own: u16, marks: &[Mark], told: &mut Told) {
    let named = || marks.iter().filter(|mark| mark.tag >> ARM_SHIFT != 0);
    let consistent = named().all(|mark| mark.tag >> ARM_SHIFT == own);
    let on: BTreeSet<&str> = named().map(|mark| &*mark.label).filter(|channel| !channel.is_empty()).collect();
    let several = on.len() > 1;
    for (key, holds) in [
        (ChannelKey::Consistent, consistent),
        (ChannelKey::OnSeveral, several),
        (ChannelKey::ConsistentOnSeveral, consistent && several),
    ] {
        if holds {
            add(told, key.text(), [1]);
        }
    }
}

/// Whether something on one channel may be what something on another speaks of: where either does not say, it may.
fn may_be(a: &str, b: &str) -> bool {
    a == b || a.is_empty() || b.is_empty()
}

/// What became of what the person was assigned. An exposure to the own arm without fallback and with consent shows it;
/// a later failure on its channel takes that back, and a later arrival on it brings it again.
fn outcome(own: u16, marks: &[Mark]) -> ChannelKey {
    let (mut shown, mut failed): (BTreeSet<&str>, BTreeSet<&str>) = (BTreeSet::new(), BTreeSet::new());
    let mut no_consent = false;
    for mark in marks {
        if mark.tag & EXPOSURE != 0 && mark.tag >> ARM_SHIFT == own {
            no_consent |= mark.tag & NO_CONSENT != 0;
            if mark.tag & (FALLBACK | NO_CONSENT) == 0 {
                shown.insert(&mark.label);
            }
        }
        if mark.tag & UNDELIVERED != 0 {
            failed.extend(shown.iter().filter(|channel| may_be(channel, &mark.label)));
            shown.retain(|channel| !may_be(channel, &mark.label));
        }
        if mark.tag & DELIVERED != 0 {
            shown.extend(failed.iter().filter(|channel| may_be(channel, &mark.label)));
            failed.retain(|channel| !may_be(channel, &mark.label));
        }
    }
    if !shown.is_empty() {
        ChannelKey::Received
    } else if !failed.is_empty() {
        ChannelKey::Undelivered
    } else if no_consent {
        ChannelKey::NoConsent
    } else {
        ChannelKey::Fallback
    }
}

/// The time from the trigger, or the exposure, to the first arrival after it.
fn tell_delay(has_trigger: bool, marks: &[Mark], told: &mut Told) {
    let (from, after) = if has_trigger {
        let Some(at) = marks.iter().position(|mark| mark.tag & TRIGGER != 0) else { return };
        (marks[at].micros, &marks[at + 1..])
    } else {
        (0, marks)
    };
    add(told, ChannelKey::Triggered.text(), [1]);
    let Some(arrival) = after.iter().find(|mark| mark.tag & DELIVERED != 0) else { return };
    let delay = i128::from(arrival.micros - from);
    if let Some(bucket) = bucket_of(delay) {
        add(told, ChannelKey::Delay(bucket).text(), [1, delay, delay * delay]);
    }
}

#[cfg(test)]
mod tests;
