//! Synthetic journeys: what is posted, in the order of arrival. A function of the seed and the position alone.
//!
//! Persons act as often as Zipf's law says, flattened at the top as Mandelbrot has it, so that the busiest of ten million
//! events has a hundred thousand. Of the events posted, 5 % are repetitions of earlier ones, 3 % tell of what happened up to
//! three days before, and 1 % link an anonymous identity to a user. Everyone is exposed to the first experiment and to two
//! others at three different times, and 1 % of exposures show another arm than the person's own.

use axum::body::Bytes;
use journey::{Instant, names};
use uuid::Uuid;

use super::dice::Dice;
use super::event::{Event, Identity, MIX};
use super::trials::{TRIALS, Trial};

/// The days over which the journeys go.
pub(super) const DAYS: i64 = 40;
/// The window of every metric, in days.
pub(super) const WINDOW_DAYS: i64 = 14;
/// Events a person has on average; as many positions hold the exposures of one person.
const EVENTS_A_PERSON: u64 = 10;
/// By how much ranks are moved up in Zipf's law.
const FLATTENED: f64 = 8.0;
/// How far back a repetition reaches, in positions.
const REPEATED_WITHIN: u64 = 5_000;
/// One in so many events links two identities.
const LINK_EVERY: u64 = 100;
/// Of ten positions, those that expose a person: to the first experiment, and to each of the two others.
const EXPOSING: [u64; 3] = [4, 6, 8];
/// Positions from here on are apart from the journeys: each stream of them has events of its own, none repeated.
const STREAM: u64 = 1 << 40;

/// How long before now the journeys end, in microseconds: none of their times may lie in the future.
const MARGIN: i64 = 600_000_000;

/// All that is posted.
#[derive(Debug)]
pub(super) struct Journeys {
    seed: u64,
    /// How many events are posted in all, repetitions included.
    pub(super) events: u64,
    trials: &'static [Trial],
    /// Zipf's law, summed up.
    weights: Vec<f64>,
    /// All persons in the order in which they are exposed, and the first of them sign in.
    order: Vec<usize>,
    /// The position of each person's link; 0: signed in from the beginning.
    signs_in: Vec<u64>,
    pub(super) begins: Instant,
    ends: Instant,
}

impl Journeys {
    /// Journeys that end at `now`, of which the first `trials` of [`TRIALS`] are part.
    pub(super) fn new(seed: u64, events: u64, trials: usize, now: Instant) -> Self {
        let persons = usize::try_from((events / EVENTS_A_PERSON).max(100)).unwrap_or(usize::MAX);
        let mut total = 0.0;
        let weights = (1..=persons).map(|rank| {
            total += 1.0 / (rank as f64 + FLATTENED);
            total
        });
        let weights = weights.collect();
        let mut order: Vec<usize> = (0..persons).collect();
        let mut dice = Dice::new(seed, u64::MAX);
        for at in (1..persons).rev() {
            let other = usize::try_from(dice.below(at as u64 + 1)).unwrap_or_default();
            order.swap(at, other);
        }
        let mut signs_in = vec![0; persons];
        for (place, person) in (LINK_EVERY - 1..events).step_by(100).zip(&order) {
            signs_in[*person] = place;
        }
        let ends = now.plus_micros(-MARGIN);
        let trials = &TRIALS[..trials.clamp(1, TRIALS.len())];
        Self { seed, events, trials, weights, order, signs_in, begins: ends.plus_days(-DAYS), ends }
    }

    /// The moment at which journeys must be made to end with these.
    pub(super) fn ends_before(&self) -> Instant {
        self.ends.plus_micros(MARGIN)
    }

    pub(super) fn persons(&self) -> usize {
        self.weights.len()
    }

    pub(super) fn trials(&self) -> &'static [Trial] {
        self.trials
    }

    /// The earlier position that this one repeats.
    fn repeats(&self, position: u64) -> Option<u64> {
        // Three of ten positions are never given to a repetition, so that nobody's exposure is missing.
        if position >= self.events || EXPOSING.contains(&(position % EVENTS_A_PERSON)) {
            return None;
        }
        let mut dice = Dice::new(self.seed ^ 0x5bd1_e995, position);
        let repeated = dice.percent(7);
        let earlier = position.checked_sub(1 + dice.below(REPEATED_WITHIN)).filter(|_| repeated)?;
        Some(self.repeats(earlier).unwrap_or(earlier))
    }

    /// Whether the event at this position is new.
    pub(super) fn is_new(&self, position: u64) -> bool {
        self.repeats(position).is_none()
    }

    /// A position of a stream of events that are apart from the journeys.
    pub(super) fn apart(stream: u64, number: u64) -> u64 {
        (stream + 1) * STREAM + number
    }

    /// What is posted at a position.
    pub(super) fn posted(&self, position: u64) -> Event {
        self.event(self.repeats(position).unwrap_or(position))
    }

    fn event(&self, position: u64) -> Event {
        let mut dice = Dice::new(self.seed, position);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&dice.next().to_be_bytes());
        bytes[8..].copy_from_slice(&dice.next().to_be_bytes());
        let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
        let mut at = self.at(position);
        if dice.percent(3) {
            at = at.plus_micros(-i64::try_from(dice.below(3 * 86_400_000_000)).unwrap_or_default());
        }
        let details = dice.next();
        if let Some(person) = self.link(position) {
            let (name, channel) = (names::IDENTIFIED, "web");
            return Event {
                id,
                person,
                identity: Identity::Both,
                name,
                channel,
                at,
                cents: None,
                exposure: None,
                details,
            };
        }
        let exposes = self.exposes(position);
        let person = exposes.map_or_else(|| self.person(dice.share()), |(person, _)| person);
        let identity = if position < self.signs_in[person] { Identity::Anonymous } else { Identity::User };
        let mut kind = dice.below(100);
        let mut found = (names::PAGE, "web");
        for (percent, name, channel) in MIX {
            if kind < percent {
                found = (name, channel);
                break;
            }
            kind -= percent;
        }
        let again = usize::try_from(dice.below(3)).unwrap_or_default();
        let nth = exposes.map(|(_, nth)| nth).or_else(|| (found.0 == names::EXPOSURE).then_some(again));
        let exposure = nth.map(|nth| self.exposure(person, nth, &mut dice));
        if exposure.is_some() {
            found = (names::EXPOSURE, "web");
        }
        let cents = match found.0 {
            names::ORDER => Some(amount(&mut dice)),
            names::REFUND => Some(-amount(&mut dice)),
            _ => None,
        };
        Event { id, person, identity, name: found.0, channel: found.1, at, cents, exposure, details }
    }

    /// When what is posted at a position happened, unless it is late.
    fn at(&self, position: u64) -> Instant {
        if position >= STREAM {
            return self.ends.plus_micros(i64::try_from(position % STREAM).unwrap_or_default());
        }
        let passed = position as f64 / self.events.max(1) as f64 * (DAYS * 86_400) as f64;
        // Within a second of another, all the same: events of one person seldom share an instant.
        #[expect(clippy::cast_possible_truncation, reason = "40 days are 3.5e12 microseconds")]
        self.begins.plus_micros((passed * 1e6) as i64)
    }

    fn link(&self, position: u64) -> Option<usize> {
        let is_link = position < self.events && position % LINK_EVERY == LINK_EVERY - 1;
        is_link.then(|| usize::try_from(position / LINK_EVERY).ok().and_then(|at| self.order.get(at)).copied())?
    }

    /// The person that this position exposes, and to which of the person's experiments.
    fn exposes(&self, position: u64) -> Option<(usize, usize)> {
        if position >= self.events {
            return None;
        }
        let nth = EXPOSING.iter().position(|place| *place == position % EVENTS_A_PERSON)?;
        let persons = self.order.len();
        // The later ones lie elsewhere in time.
        let turn = usize::try_from(position / EVENTS_A_PERSON).ok()? + nth * (persons / 3);
        Some((self.order[turn % persons], nth))
    }

    fn person(&self, share: f64) -> usize {
        let total = self.weights.last().copied().unwrap_or_default();
        self.weights.partition_point(|sum| *sum <= share * total).min(self.weights.len() - 1)
    }

    /// The index of one of the three experiments that a person is in, all different where there are so many.
    fn trial_of(&self, person: usize, nth: usize) -> usize {
        let others = self.trials.len() as u64 - 1;
        if nth == 0 || others == 0 {
            return 0;
        }
        let mut own = Dice::new(self.seed ^ 0x7f4a_7c15, person as u64);
        let first = own.below(others);
        let mut found = first;
        if nth > 1 && others > 1 {
            found = own.below(others - 1);
            found += u64::from(found >= first);
        }
        usize::try_from(found + 1).unwrap_or_default()
    }

    /// The exposure of a person to one of the three experiments: in all but 1 % of cases to the person's own arm.
    fn exposure(&self, person: usize, nth: usize, dice: &mut Dice) -> (&'static str, &'static str) {
        let at = self.trial_of(person, nth);
        let trial = self.trials[at];
        let mut own = Dice::new(self.seed ^ at as u64 ^ 0x1f83_d9ab, person as u64);
        let own_arm = *own.pick(trial.arms);
        (trial.key, if dice.percent(1) { *dice.pick(trial.arms) } else { own_arm })
    }

    /// The body of a request with the events of these positions.
    pub(super) fn body(&self, positions: impl IntoIterator<Item = u64>) -> Bytes {
        let mut body = vec![b'['];
        for position in positions {
            if body.len() > 1 {
                body.push(b',');
            }
            self.posted(position).write_json(&mut body);
        }
        body.push(b']');
        body.into()
    }

    /// The new ones among the events of these positions as they were sent, as lines of `COPY` for a plain table.
    pub(super) fn plain_rows(&self, positions: impl IntoIterator<Item = u64>) -> Vec<u8> {
        let mut lines = Vec::new();
        for position in positions.into_iter().filter(|position| self.is_new(*position)) {
            self.event(position).write_plain_row(&mut lines);
        }
        lines
    }

    /// The new ones among the events of these positions as lines of `COPY`, and how many they are.
    pub(super) fn rows(&self, positions: impl IntoIterator<Item = u64>, tenant: Uuid) -> (Vec<u8>, u64) {
        let (mut lines, mut rows) = (Vec::new(), 0);
        for position in positions.into_iter().filter(|position| self.is_new(*position)) {
            self.event(position).write_row(tenant, self.ends, &mut lines);
            rows += 1;
        }
        (lines, rows)
    }
}

/// The cents of an order: most are small, some are large.
fn amount(dice: &mut Dice) -> i64 {
    let share = dice.share();
    #[expect(clippy::cast_possible_truncation, reason = "at most 5 + 50 x 6.9")]
    let cents = ((5.0 + 50.0 * -(1.0 - share).max(0.001).ln()) * 100.0) as i64;
    cents
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const NOW: Instant = Instant::from_micros(1_800_000_000_000_000);

    #[test]
    fn the_shares_are_those_that_the_module_promises() {
        let journeys = Journeys::new(1, 50_000, 3, NOW);
        let all: Vec<Event> = (0..50_000).map(|position| journeys.posted(position)).collect();
        let new = (0..50_000).filter(|position| journeys.is_new(*position)).count();
        let distinct: BTreeSet<Uuid> = all.iter().map(|event| event.id).collect();
        assert_eq!(distinct.len(), new);
        assert!((46_800..48_200).contains(&new), "{new}");
        let links = all.iter().filter(|event| event.identity == Identity::Both).count();
        assert!((400..600).contains(&links), "{links}");
        let late = (0..50_000).filter(|at| journeys.is_new(*at) && journeys.event(*at).at < journeys.at(*at)).count();
        assert!((1_200..1_700).contains(&late), "{late}");
        let bytes: usize = all.iter().map(|event| event.properties().len()).sum();
        assert!((350..450).contains(&(bytes / all.len())), "{}", bytes / all.len());
        let most = all.iter().filter(|event| event.person == 0).count();
        assert!((550..900).contains(&most), "{most}");
        assert!(all.iter().all(|event| event.at <= NOW));
    }

    #[test]
    fn everyone_is_in_three_experiments() {
        let journeys = Journeys::new(1, 50_000, 20, NOW);
        let mut own = vec![BTreeSet::new(); journeys.persons()];
        for event in (0..50_000).map(|position| journeys.posted(position)) {
            if let Some((experiment, _)) = event.exposure {
                own[event.person].insert(experiment);
            }
        }
        assert!(own.iter().all(|trials| trials.contains("recommendations")));
        let all: usize = own.iter().map(BTreeSet::len).sum();
        assert_eq!(all, own.len() * 3);
        let trials: BTreeSet<_> = own.iter().flatten().collect();
        assert_eq!(trials.len(), 20);
    }

    #[test]
    fn a_person_is_anonymous_until_the_link() {
        let journeys = Journeys::new(1, 50_000, 1, NOW);
        let person = journeys.order[3];
        let own = (0..50_000).map(|position| (position, journeys.posted(position)));
        for (position, event) in own.filter(|(at, event)| event.person == person && journeys.is_new(*at)) {
            let expected = match position.cmp(&399) {
                std::cmp::Ordering::Less => Identity::Anonymous,
                std::cmp::Ordering::Equal => Identity::Both,
                std::cmp::Ordering::Greater => Identity::User,
            };
            assert_eq!(event.identity, expected, "{position}");
        }
    }

    #[test]
    fn every_event_is_valid() {
        let journeys = Journeys::new(1, 10_000, 2, NOW);
        let body = journeys.body((0..10_000).chain((0..100).map(|number| Journeys::apart(1, number))));
        let events: Vec<serde_json::Value> = serde_json::from_slice(&body).unwrap();
        assert_eq!(events.len(), 10_100);
        assert!(events.iter().any(|event| event["properties"]["experiment_id"] == "welcome-offer"));
        assert!(events.iter().any(|event| event["value"].as_str().is_some_and(|value| value.starts_with('-'))));
    }
}
