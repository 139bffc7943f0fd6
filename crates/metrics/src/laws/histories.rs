//! Small worlds in which everything that can go wrong with time, order and money happens often.
//!
//! Instants cluster around clock changes, local midnights, window ends and each other, to the microsecond; facts and
//! names come from small sets, so that filters, refunds and dimensions meet; a whale's sums pass the bound of 1e12.

use std::sync::Arc;

use journey::{
    Align, Amount, Arm, Channel, Contacts, Cost, Costs, CrossoverPolicy, DAY_MICROS, Day, Definition, EventId,
    Experiment, ExperimentDraft, Exposure, Fact, Filter, Goal, Happening, Instant, Items, Keeps, Lens, LensKind,
    Measure, Method, Metric, MetricDraft, MetricKind, MetricUse, Name, Of, Part, Path, Pattern, PercentileCap, Phase,
    Role, Scale, Selector, Share, Stage, StepOrder, Touch, Zone,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};

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

const ARMS: &[&str] = &["control", "treated", "third"];
const NAMES: &[&str] =
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
fn instants(hot: Vec<Instant>, days: std::ops::RangeInclusive<i64>) -> impl Strategy<Value = Instant> {
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

fn selectors() -> impl Strategy<Value = Selector> {
    let event = prop_oneof![
        3 => Just(Pattern::Named(name("Order Completed"))),
        2 => Just(Pattern::Any),
        2 => select(NAMES).prop_map(|text| Pattern::Named(name(text))),
    ];
    let filter = select(vec![
        ("properties.category", vec!["boots"]),
        ("properties.category", vec!["caps", "hats"]),
        ("plan", vec!["hats"]),
        ("channel", vec!["web"]),
        ("stage", vec!["loyalty", "nowhere"]),
    ]);
    let filter = filter.prop_map(|(path, values)| Filter {
        path: Path::parse(path, "").unwrap(),
        values: values.into_iter().map(str::to_owned).collect(),
    });
    (event, prop_oneof![3 => Just(0usize), 2 => Just(1), 1 => Just(2)])
        .prop_flat_map(move |(event, count)| (Just(event), prop::collection::vec(filter.clone(), count)))
        .prop_map(|(event, filters)| Selector { event, filters })
}

fn kinds() -> impl Strategy<Value = MetricKind> {
    let number = || Of::Property(Path::parse("properties.answer", "").unwrap());
    let measure = move || {
        let of = select(vec![Of::Value, Of::Count, number()]);
        (selectors(), of).prop_map(|(selector, of)| Measure { selector, of }).boxed()
    };
    let answer = move || {
        let of = select(vec![Of::Value, number(), number()]);
        (selectors(), of).prop_map(|(selector, of)| Measure { selector, of }).boxed()
    };
    let scale =
        select(vec![Scale::Nps, Scale::Csat { satisfied_from: Amount::from_units(5_000_000).unwrap() }, Scale::Mean]);
    let addable = prop_oneof![
        selectors().prop_map(MetricKind::Count),
        selectors().prop_map(MetricKind::Sum),
        measure().prop_map(MetricKind::Total),
        prop::collection::vec(parts(), 1..3).prop_map(MetricKind::Score),
    ];
    prop_oneof![
        selectors().prop_map(MetricKind::Conversion),
        selectors().prop_map(MetricKind::Count),
        selectors().prop_map(MetricKind::Sum),
        (measure(), measure()).prop_map(|(numerator, denominator)| MetricKind::Ratio { numerator, denominator }),
        (selectors(), 0u32..5, proptest::option::of(1u32..3), select(Align::ALL)).prop_map(
            |(selector, from_day, span, align)| {
                let to_day = span.map(|span| from_day + span);
                MetricKind::Retention { selector, from_day, to_day, align }
            }
        ),
        (measure(), shares()).prop_map(|(measure, share)| MetricKind::Quantile { measure, share }),
        prop::collection::vec(parts(), 1..4).prop_map(MetricKind::Score),
        selectors().prop_map(|selector| MetricKind::Clv { selector, lifespan_days: 730 }),
        (selectors(), 1i64..=1_000_000, proptest::option::of(selectors()), any::<bool>()).prop_map(
            |(selector, margin, event, has_property)| {
                let path = || Path::parse("properties.cost", "").unwrap();
                let properties = if has_property { vec![path()] } else { Vec::new() };
                let margin = Amount::from_units(margin).unwrap();
                MetricKind::Net { selector, margin, costs: Costs { event, properties } }
            }
        ),
        (selectors(), 2u32..4).prop_map(|(selector, at_least)| MetricKind::Repeat { selector, at_least }),
        measure().prop_map(MetricKind::Total),
        (addable, select(vec![1u32, 7])).prop_map(|(of, days)| MetricKind::PerTime { of: Box::new(of), days }),
        answer().prop_map(MetricKind::Latest),
        (answer(), scale).prop_map(|(measure, scale)| MetricKind::Rating { measure, scale }),
    ]
}

fn parts() -> impl Strategy<Value = Part> {
    (selectors(), -3i64..6)
        .prop_map(|(selector, weight)| Part { selector, weight: Amount::from_units(weight * 500_000).unwrap() })
}

fn shares() -> impl Strategy<Value = Share> {
    (1u32..1_000_000).prop_map(|millionths| Share::from_millionths(millionths).unwrap())
}

/// Whatever a metric can be asked to keep beside its sums; what its kind has no use for is left out later.
fn keeps() -> impl Strategy<Value = Keeps> {
    let percentile_cap =
        (shares(), any::<bool>()).prop_map(|(share, ignore_zeros)| PercentileCap { share, ignore_zeros });
    (proptest::option::of(percentile_cap), any::<bool>(), any::<bool>())
        .prop_map(|(percentile_cap, curve, customers)| Keeps { percentile_cap, curve, customers })
}

fn metrics() -> impl Strategy<Value = Metric> {
    let window = proptest::option::of(select(vec![1u32, 2, 3, 7, 14]));
    let cap = proptest::option::weighted(0.3, select(vec![1i64, 2_500_000, 40_000_000, Amount::MAX_UNITS]));
    (kinds(), window, cap, keeps()).prop_map(|(kind, window, cap, keeps)| {
        let span = match kind {
            MetricKind::Retention { to_day, .. } => to_day,
            _ => None,
        };
        let cap = cap
            .filter(|_| !kind.is_binary() && !kind.is_quantile() && !matches!(kind, MetricKind::Rating { .. }))
            .and_then(Amount::from_units);
        let is_mean = kind.has_percentile_cap();
        let keeps = Keeps {
            percentile_cap: keeps.percentile_cap.filter(|_| is_mean && cap.is_none()),
            curve: keeps.curve && kind.has_curve(),
            customers: keeps.customers && matches!(kind, MetricKind::Clv { .. }),
        };
        // A bounded retention may stay open for longer than its span.
        let window_days = window.map(|window| window - u32::from(span.is_some()) + span.unwrap_or(0));
        let (goal, unit, description) = (Goal::Increase, None, None);
        let draft = MetricDraft { key: name("m"), kind, window_days, cap, goal, unit, description };
        Metric::validate(draft).unwrap().keeping(keeps).unwrap()
    })
}

fn contacts() -> impl Strategy<Value = Contacts> {
    let path = |text: &str| Path::parse(text, "").unwrap();
    let some = || prop::collection::vec(selectors(), 0..3);
    let channel = select(vec!["channel", "properties.category"]);
    (channel, selectors(), proptest::option::of(selectors()), some(), some()).prop_map(
        move |(channel, conversion, trigger, delivered, undelivered)| Contacts {
            channel: path(channel),
            conversion,
            trigger,
            delivered,
            undelivered,
            fallback: path("properties.fallback"),
            consent: path("properties.consent"),
        },
    )
}

fn lenses() -> impl Strategy<Value = Lens> {
    let funnel = (prop::collection::vec(selectors(), 2..4), select(StepOrder::ALL))
        .prop_map(|(steps, order)| LensKind::Funnel { steps, order });
    let by = select(vec![None, Some("channel"), Some("properties.category"), Some("stage")])
        .prop_map(|by| by.map_or(Touch::Event, |path| Touch::Path(Path::parse(path, "").unwrap())));
    let paths = (by, selectors(), 1u8..4).prop_map(|(by, conversion, depth)| LensKind::Paths { by, conversion, depth });
    let by = select(vec!["channel", "properties.category"]);
    let attribution = (by, selectors(), proptest::option::of(1u32..4), 1..5_000_000_000_000i64).prop_map(
        |(by, conversion, lookback_days, half_life_micros)| LensKind::Attribution {
            by: Touch::Path(Path::parse(by, "").unwrap()),
            conversion,
            lookback_days,
            half_life_micros,
        },
    );
    let stages = prop::collection::vec(proptest::option::of(selectors()), 2..4).prop_map(|rules| {
        let names = ["decision", "loyalty", "awareness"];
        let stage = |(rule, text): (Option<Selector>, &str)| Stage { name: name(text), rule };
        LensKind::Stages { stages: rules.into_iter().zip(names).map(stage).collect() }
    });
    let path = |paths: Vec<&'static str>| select(paths).prop_map(|path| Path::parse(path, "").unwrap());
    let of_item = || path(vec!["properties.category", "plan", "channel"]);
    let items = (
        (of_item(), of_item(), proptest::option::weighted(0.3, selectors()), selectors()),
        prop::collection::vec(path(vec!["properties.category", "plan"]), 1..3),
        prop::collection::vec(selectors(), 1..3),
    )
        .prop_map(|((by, would_have, shown, conversion), product, accepted)| {
            let weight = Path::parse("properties.weight", "").unwrap();
            LensKind::Items(Items { by, shown, conversion, product, accepted, weight, would_have })
        });
    let kind = prop_oneof![funnel, paths, stages, attribution, contacts().prop_map(LensKind::Channels), items];
    (kind, proptest::option::of(select(vec![1u32, 3, 14])))
        .prop_map(|(kind, window_days)| Lens::validate(kind, window_days).unwrap())
}

fn definitions(key: &'static str, hot: Vec<Instant>) -> impl Strategy<Value = Arc<Definition>> {
    let dates = (
        proptest::option::weighted(0.4, instants(hot.clone(), -2..=0)),
        proptest::option::weighted(0.4, instants(hot.clone(), 0..=2)),
        // When a second phase begins.
        proptest::option::weighted(0.3, instants(hot, -2..=2)),
    );
    let window = proptest::option::weighted(0.8, select(vec![1u32, 2, 3, 7, 14]));
    let dimensions = proptest::sample::subsequence(
        vec![
            "before.active",
            "before.channels",
            "bin(properties.score,0.25)",
            "channel",
            "exposure.hour",
            "exposure.weekday",
            "plan",
            "properties.category",
            "stage",
        ],
        0..=4,
    );
    let metrics = prop::collection::vec(metrics(), 1..6);
    let lenses = prop::collection::vec(lenses(), 0..3);
    (dates, window, dimensions, metrics, lenses).prop_map(
        move |((starts_at, ends_at, second), window_days, dimensions, mut metrics, lenses)| {
            let roles = [Role::Primary, Role::Secondary, Role::Guardrail];
            let mut uses = Vec::new();
            for ((number, metric), role) in metrics.iter_mut().enumerate().zip(roles.into_iter().cycle()) {
                metric.key = name(&format!("m{number}"));
                uses.push(MetricUse { metric: metric.key.clone(), role, max_harm: None, cuped: false });
            }
            let one = Amount::from_units(1_000_000).unwrap();
            let arm = |key: &&str| Arm {
                key: name(key),
                weight: one,
                intensity: None,
                cost: Cost {
                    per_person: (*key != "control").then(|| Amount::from_units(20_001)).flatten(),
                    per_exposure: (*key == "treated").then(|| Amount::from_units(300_000)).flatten(),
                    ..Cost::default()
                },
            };
            let draft = ExperimentDraft {
                key: name(key),
                name: None,
                tactic: None,
                hypothesis: None,
                owner: None,
                control: name("control"),
                arms: ARMS.iter().map(arm).collect(),
                starts_at,
                ends_at: ends_at.filter(|end| starts_at.is_none_or(|start| start < *end)),
                window_days,
                crossovers: CrossoverPolicy::First,
                method: Method::Frequentist,
                planned_persons: journey::DEFAULT_PLANNED_PERSONS,
                metrics: uses,
                dimensions: dimensions.into_iter().map(|path| Path::parse_dimension(path, "").unwrap()).collect(),
                holdout: None,
                phases: second.map_or(Vec::new(), |second| {
                    [None, Some(second)].map(|from| Phase { from, weights: vec![one; ARMS.len()] }).to_vec()
                }),
                archived: false,
            };
            let experiment = Experiment::validate(draft).unwrap().looking_through(lenses);
            Arc::new(Definition { experiment, metrics })
        },
    )
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
