//! Small worlds in which everything that can go wrong with time, order and money happens often.
//!
//! Instants cluster around clock changes, local midnights, window ends and each other, to the microsecond; facts and
//! names come from small sets, so that filters, refunds and dimensions meet; a whale's sums pass the bound of 1e12.

use std::sync::Arc;

use journey::{Amount, Channel, DAY_MICROS, Day, Definition, EventId, Exposure, Fact, Happening, Instant, Name, Zone};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::definitions::definitions;
use crate::plan::Plan;

/// An event, before it is cut to what a plan looks at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Deed {
    pub at: Instant,
    pub id: EventId,
    pub name: &'static str,
    pub channel: Option<Channel>,
    pub stage: Option<&'static str>,
    pub value: Option<i64>,
    pub foreign: bool,
    /// Experiment and arm.
    pub exposure: Option<(&'static str, &'static str)>,
    pub category: Fact,
    pub plan: Fact,
    /// A whole number of money.
    pub cost: Option<i64>,
    pub answer: Fact,
}

impl Deed {
    /// What stands at `path`.
    pub(super) fn fact(&self, path: &str) -> Fact {
        match path {
            "channel" => self.channel.map_or(Fact::None, |channel| Fact::One(channel.word().into())),
            "stage" => self.stage.map_or(Fact::None, |stage| Fact::One(stage.into())),
            "properties.category" => self.category.clone(),
            "plan" => self.plan.clone(),
            "properties.cost" => self.cost.map_or(Fact::None, |cost| Fact::One(cost.to_string().into())),
            "properties.score" => {
                self.score().map_or(Fact::None, |units| Fact::One(journey::format_units(units.into()).into()))
            }
            "properties.experiment_id" => self.shown().map_or(Fact::None, |(key, _)| Fact::One(key.into())),
            "properties.variation_id" => self.shown().map_or(Fact::None, |(_, arm)| Fact::One(arm.into())),
            "properties.variant_id" | "properties.variation_name" => Fact::None,
            "properties.fallback" => Fact::One(self.id.bytes()[0].is_multiple_of(4).to_string().into()),
            "properties.consent" => Fact::One((!self.id.bytes()[0].is_multiple_of(5)).to_string().into()),
            // Probabilities, and what is none.
            "properties.weight" => {
                let texts = ["0.5", "0.25", "1", "0.3333333333333333", "2", "0", "x", ""];
                Fact::One(texts[usize::from(self.id.bytes()[0]) % texts.len()].into())
            }
            "properties.answer" => self.answer.clone(),
            other => unreachable!("no world has {other}"),
        }
    }

    /// A score in millionths: the value scaled to a fraction or two, where it is a small one.
    pub(super) fn score(&self) -> Option<i64> {
        self.value.filter(|units| units.abs() < 100_000_000).map(|units| units / 50)
    }

    /// The experiment and the arm that the event names, an exposure or not: who is loyal is shown something.
    pub(super) fn shown(&self) -> Option<(&'static str, &'static str)> {
        self.exposure.or_else(|| (self.stage == Some("loyalty")).then_some(("x", "treated")))
    }

    /// The event as `plan` sees it.
    pub(super) fn seen_by(&self, plan: &Plan) -> Happening {
        Happening {
            at: self.at,
            id: self.id,
            name: self.name.into(),
            channel: self.channel,
            stage: self.stage.map(Into::into),
            value: self.value.map(|units| Amount::from_units(units).unwrap()),
            foreign: self.foreign,
            exposure: self.exposure.map(|(experiment, arm)| Exposure { experiment: name(experiment), arm: name(arm) }),
            facts: plan.paths.iter().map(|path| self.fact(path.as_str())).collect(),
        }
    }
}

/// A tenant with its experiments and persons.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub zone: Zone,
    pub definitions: Vec<Arc<Definition>>,
    /// The events of each person, in order of arrival.
    pub people: Vec<Vec<Deed>>,
    /// The local day that everything happens around.
    pub middle: Day,
}

impl World {
    /// The plan of all definitions.
    pub(super) fn plan(&self) -> Plan {
        Plan::new(self.definitions.clone(), self.zone)
    }

    /// Journeys as `plan` sees them.
    pub(super) fn journeys(&self, plan: &Plan) -> Vec<Vec<Happening>> {
        self.people.iter().map(|deeds| journey(deeds, plan)).collect()
    }

    /// The day `offset` days from the middle.
    pub(super) fn day(&self, offset: i32) -> Day {
        Day::from_number(self.middle.number() + offset)
    }
}

/// Days around the middle of a world that see everything, windows that close at last included.
pub(super) const SPAN: std::ops::RangeInclusive<i32> = -22..=42;

/// The events in order, as `plan` sees them.
pub(super) fn journey(deeds: &[Deed], plan: &Plan) -> Vec<Happening> {
    let mut journey: Vec<Happening> = deeds.iter().map(|deed| deed.seen_by(plan)).collect();
    journey.sort_by_key(Happening::position);
    journey
}

/// A name that is valid.
pub(super) fn name(text: &str) -> Name {
    Name::parse(text, "").unwrap()
}

/// Clock changes, and instants without any.
const CHANGES: &[(&str, &str)] = &[
    ("UTC", "2026-06-01T00:00:00Z"),
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/St_Johns", "2026-03-08T05:30:00Z"),
    ("America/St_Johns", "2026-11-01T04:30:00Z"),
    // The clocks skip midnight, and strike it twice.
    ("Asia/Beirut", "2026-03-28T22:00:00Z"),
    ("Asia/Beirut", "2026-10-24T21:00:00Z"),
    // By half an hour.
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    // Back over midnight, so that the clocks show the date before again; and a whole day left out.
    ("America/St_Johns", "2010-11-07T02:31:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
];

pub(super) const ARMS: &[&str] = &["control", "treated", "third"];
pub(super) const NAMES: &[&str] =
    &["Order Completed", "Order Completed", "Order Refunded", "Page Viewed", "Email Opened", "Experiment Viewed"];
const STAGES: &[&str] = &["decision", "loyalty"];
const CHANNELS: &[Channel] = &[Channel::Web, Channel::Email];

fn facts() -> impl Strategy<Value = Fact> {
    let one = |text: &str| Fact::One(text.into());
    prop_oneof![
        4 => Just(Fact::None),
        4 => Just(one("boots")),
        4 => Just(one("hats")),
        1 => Just(one("")),
        1 => Just(Fact::Many(vec!["boots".into(), "caps".into()])),
        1 => Just(one(&"ß".repeat(300))),
    ]
}

/// Numbers, and what is none.
fn answers() -> impl Strategy<Value = Fact> {
    let one = |text: &str| Fact::One(text.into());
    prop_oneof![
        4 => (0u32..=11).prop_map(|score| Fact::One(score.to_string().into())),
        1 => select(vec!["-3", "8.25", "6.3333333333333335", "0.0000002", "1e2"]).prop_map(one),
        1 => select(vec!["ten", "", "10000000000", "true"]).prop_map(one),
        1 => Just(Fact::None),
        1 => Just(Fact::Many(vec!["9".into()])),
    ]
}

fn values() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        2 => Just(None),
        5 => (-9i64..90).prop_map(|value| Some(value * 1_000_000)),
        1 => (-5i64..5).prop_map(Some),
        1 => select(vec![Amount::MAX_UNITS, -Amount::MAX_UNITS]).prop_map(Some),
    ]
}

fn costs() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![3 => Just(None), 1 => (-2i64..30).prop_map(Some)]
}

/// An instant `days` days from one of the hot instants, or a moment before or after it.
pub(super) fn instants(hot: Vec<Instant>, days: std::ops::RangeInclusive<i64>) -> impl Strategy<Value = Instant> {
    let beside = prop_oneof![
        4 => Just(0i64),
        1 => Just(-1),
        1 => Just(1),
        2 => -DAY_MICROS / 2..DAY_MICROS / 2,
    ];
    (select(hot), days, beside).prop_map(|(at, days, beside)| at.plus_days(days).plus_micros(beside))
}

fn exposures() -> impl Strategy<Value = Option<(&'static str, &'static str)>> {
    let arms = prop_oneof![
        4 => Just("control"),
        3 => Just("treated"),
        1 => Just("third"),
        1 => Just("ghost"),
    ];
    (select(vec!["x", "x", "x", "y"]), arms).prop_map(Some)
}

/// Where an event lies that lies on purpose: at an exposure of the person (which, the days after it, the
/// microseconds beside).
type Aim = Option<(Index, i64, i64)>;

fn aims() -> impl Strategy<Value = Aim> {
    let days = prop_oneof![
        2 => select(vec![-14i64, 0, 1, 2, 3, 7, 14]),
        1 => -15i64..=15,
    ];
    let beside = prop_oneof![2 => Just(0i64), 1 => Just(-1), 1 => Just(1)];
    proptest::option::of((any::<Index>(), days, beside))
}

fn deeds(hot: Vec<Instant>) -> impl Strategy<Value = (Deed, Aim)> {
    let event = (instants(hot.clone(), -15..=15), select(NAMES), Just(None), aims());
    let exposure = (instants(hot, -2..=2), Just("Experiment Viewed"), exposures(), Just(None));
    let what = prop_oneof![3 => event.boxed(), 1 => exposure.boxed()];
    let channel = proptest::option::of(select(CHANNELS));
    let stage = proptest::option::weighted(0.3, select(STAGES));
    let details =
        (channel, stage, values(), proptest::bool::weighted(0.1), facts(), facts(), answers(), any::<u8>(), costs());
    (what, details).prop_map(|(what, (channel, stage, value, foreign, category, plan, answer, id, cost))| {
        let (at, name, exposure, aim) = what;
        // The rest of the id makes it the event's own, see `worlds`.
        let id = EventId::from_bytes([id; 16]);
        (Deed { at, id, name, channel, stage, value, foreign, exposure, category, plan, cost, answer }, aim)
    })
}

/// The deeds of a person, those that aim at an exposure moved to it.
fn aimed(deeds: Vec<(Deed, Aim)>) -> Vec<Deed> {
    let exposed: Vec<Instant> = deeds.iter().filter(|(d, _)| d.exposure.is_some()).map(|(d, _)| d.at).collect();
    let land = |(deed, aim): (Deed, Aim)| match aim {
        Some((exposure, days, beside)) if !exposed.is_empty() => {
            let at = exposed[exposure.index(exposed.len())].plus_days(days).plus_micros(beside);
            Deed { at, ..deed }
        }
        _ => deed,
    };
    deeds.into_iter().map(land).collect()
}

/// How often a whale does each large thing, and how many of them it does: four of one sign pass the bound of a sum.
const WHALE: (usize, i64) = (260, 10);

/// Worlds of two to six persons and two experiments. A share of `whales` has a whale among them.
pub(super) fn worlds(whales: f64) -> impl Strategy<Value = World> {
    let place = (select(CHANGES), -DAY_MICROS / 2..DAY_MICROS / 2, 1i64..15);
    place.prop_flat_map(move |((zone, change), beside, days)| {
        let zone = Zone::parse(zone, "").unwrap();
        let change = Instant::parse(change, "").unwrap();
        let middle = zone.day_of(change);
        let midnight = zone.end_of(middle);
        let before = zone.end_of(middle.previous());
        // From the last one, a window of whole days ends on the midnight after the change.
        let hot = vec![change, midnight, before, change.plus_micros(beside), midnight.plus_days(-days)];
        let person = prop::collection::vec(deeds(hot.clone()), 0..=40).prop_map(aimed);
        let people = prop::collection::vec(person, 2..=6);
        let definitions = (definitions("x", hot.clone()), definitions("y", hot));
        (people, definitions, proptest::bool::weighted(whales)).prop_map(move |(mut people, (x, y), has_whale)| {
            if has_whale {
                people[0] = whale(std::mem::take(&mut people[0]));
            }
            for (number, deed) in (0u32..).zip(people.iter_mut().flatten()) {
                let mut bytes = deed.id.bytes();
                bytes[1..5].copy_from_slice(&number.to_be_bytes());
                deed.id = EventId::from_bytes(bytes);
            }
            World { zone, definitions: vec![x, y], people, middle }
        })
    })
}

/// The deeds of a person who buys and returns far too much, before and after an exposure.
fn whale(mut deeds: Vec<Deed>) -> Vec<Deed> {
    let Some(exposed) = deeds.iter().find(|deed| deed.exposure.is_some()).map(|deed| deed.at) else { return deeds };
    let mut out = Vec::new();
    let mut hours = 0..WHALE.1;
    // Large after the exposure, large before it, or both.
    let side = deeds.len() % 3;
    for deed in &mut deeds {
        let large = deed.exposure.is_none().then(|| hours.next()).flatten();
        if let Some(hour) = large {
            let after = [true, false, hour % 2 == 0][side];
            let hour = if after { hour } else { -hour };
            deed.at = exposed.plus_micros(hour * 3_600_000_000);
            (deed.name, deed.foreign) = ("Order Completed", false);
            let sign = if deed.value.is_some_and(|value| value < 0) { -1 } else { 1 };
            deed.value = Some(sign * Amount::MAX_UNITS);
        }
        out.extend(vec![deed.clone(); if large.is_some() { WHALE.0 } else { 1 }]);
    }
    out
}
