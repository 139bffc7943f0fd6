//! Definitions in which every kind of metric, dimension, lens and phase comes up often.

use std::sync::Arc;

use journey::{
    Align, Amount, Arm, Contacts, Cost, Costs, CrossoverPolicy, Definition, Experiment, ExperimentDraft, Filter, Goal,
    Instant, Items, Keeps, Lens, LensKind, Lifespan, Measure, Method, Metric, MetricDraft, MetricKind, MetricUse, Of,
    Part, Path, Pattern, PercentileCap, Phase, Role, Scale, Selector, Share, Stage, StepOrder, Touch,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::histories::{ARMS, NAMES, instants, name};

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
        (selectors(), prop_oneof![Just(Lifespan::Days(730)), (1u32..5).prop_map(estimated)])
            .prop_map(|(selector, lifespan)| MetricKind::Clv { selector, lifespan }),
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

fn estimated(inactive_days: u32) -> Lifespan {
    Lifespan::Estimated { inactive_days }
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
        let window_days = window
            .map(|window| window - u32::from(span.is_some()) + span.unwrap_or(0))
            .filter(|window| kind.inactive_days().is_none_or(|inactive| Lifespan::fits(inactive, *window)));
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

pub(super) fn definitions(key: &'static str, hot: Vec<Instant>) -> impl Strategy<Value = Arc<Definition>> {
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
