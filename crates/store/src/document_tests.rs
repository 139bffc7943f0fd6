//! What is written reads back as itself, and what was tampered with is refused.

use super::*;
use journey::{
    Align, Cost, Costs, Filter, Goal, Keeps, Lifespan, Measure, MetricDraft, MetricKind, Of, Part, Pattern,
    PercentileCap, Scale, Selector, Share, UNIT,
};

fn key(text: &str) -> Key {
    Key::parse(text, "").unwrap()
}

fn selector(event: &str) -> Selector {
    Selector {
        event: Pattern::parse(event, "").unwrap(),
        filters: vec![Filter {
            path: Path::parse("properties.category", "").unwrap(),
            values: vec!["boots".into(), String::new()],
        }],
    }
}

fn kinds() -> Vec<MetricKind> {
    vec![
        MetricKind::Conversion(selector("Order Completed")),
        MetricKind::Count(selector("*")),
        MetricKind::Sum(selector("Order Completed")),
        MetricKind::Ratio {
            numerator: Measure { selector: selector("Order Completed"), of: Of::Value },
            denominator: Measure { selector: selector("Order Completed"), of: Of::Count },
        },
        MetricKind::Retention { selector: selector("*"), from_day: 7, to_day: Some(8), align: Align::Exposure },
        MetricKind::Retention { selector: selector("*"), from_day: 0, to_day: None, align: Align::Calendar },
        MetricKind::Score(vec![Part {
            selector: selector("Product Shared"),
            weight: Amount::from_units(-5 * UNIT / 2).unwrap(),
        }]),
        MetricKind::Clv { selector: selector("Order Completed"), lifespan: Lifespan::Days(730) },
        MetricKind::Quantile {
            measure: Measure { selector: selector("Page Timed"), of: Of::Value },
            share: Share::from_millionths(900_000).unwrap(),
        },
        MetricKind::Sum(selector("Order Completed")),
        MetricKind::Net {
            selector: selector("Order Completed"),
            margin: Amount::from_units(400_000).unwrap(),
            costs: Costs {
                event: Some(selector("Cost Incurred")),
                properties: vec![Path::parse("properties.cost", "").unwrap()],
            },
        },
        MetricKind::Repeat { selector: selector("Order Completed"), at_least: 2 },
        MetricKind::Total(property("Order Completed")),
        MetricKind::PerTime {
            of: Box::new(MetricKind::Score(vec![Part {
                selector: selector("Email Opened"),
                weight: Amount::from_units(UNIT).unwrap(),
            }])),
            days: 7,
        },
        MetricKind::Latest(property("Subscription Updated")),
        MetricKind::Rating { measure: property("Survey Answered"), scale: Scale::Nps },
        MetricKind::Rating {
            measure: property("Survey Answered"),
            scale: Scale::Csat { satisfied_from: Amount::from_units(3 * UNIT).unwrap() },
        },
        MetricKind::Clv { selector: selector("Order Completed"), lifespan: Lifespan::Estimated { inactive_days: 2 } },
    ]
}

fn property(event: &str) -> Measure {
    Measure { selector: selector(event), of: Of::parse("properties.score", "").unwrap() }
}

fn definition() -> Definition {
    let metric = |(at, kind): (usize, MetricKind)| {
        let cap = (!kind.is_binary() && at % 2 == 0 && at < 8).then(|| Amount::from_units(500 * UNIT + 1).unwrap());
        let window_days = (at % 3 == 0).then_some(30);
        let draft = MetricDraft {
            key: key(&format!("metric {at}")),
            kind,
            window_days,
            cap,
            goal: if at == 10 { Goal::Increase } else { Goal::Decrease },
            unit: Some(key("EUR")),
            description: Some("what it is".into()),
        };
        let keeps = Keeps {
            percentile_cap: (at == 9)
                .then_some(PercentileCap { share: Share::from_millionths(990_000).unwrap(), ignore_zeros: true }),
            curve: draft.kind.has_curve() && at % 2 == 0,
            customers: matches!(draft.kind, MetricKind::Clv { .. }),
        };
        Metric::validate(draft).unwrap().deciding((at % 5 == 2).then_some(at % 2 == 0)).keeping(keeps).unwrap()
    };
    let metrics: Vec<Metric> = kinds().into_iter().enumerate().map(metric).collect();
    let arm = |name: &str, units: i64| Arm {
        key: key(name),
        weight: Amount::from_units(units).unwrap(),
        intensity: Amount::from_units(UNIT / 3),
        cost: Cost {
            per_person: Amount::from_units(20_000),
            per_exposure: Amount::from_units(0),
            hours: Amount::from_units(3 * UNIT / 2),
            rate: Amount::from_units(80 * UNIT),
            ..Cost::default()
        },
    };
    let use_of = |metric: &Metric| MetricUse {
        metric: metric.key.clone(),
        role: Role::Guardrail,
        max_harm: Amount::from_units(20_000),
        cuped: true,
    };
    let experiment = Experiment::validate(ExperimentDraft {
        key: key("spring mail"),
        name: Some(key("Spring mail \"2026\"")),
        tactic: Some(Tactic::Offer),
        hypothesis: Some("more\nis more".into()),
        owner: None,
        control: key("none"),
        arms: vec![arm("mens", UNIT), arm("none", 1)],
        starts_at: Some(Instant::parse("2026-11-01T10:00:00.000001Z", "").unwrap()),
        ends_at: Some(Instant::parse("2026-12-01T00:00:00Z", "").unwrap()),
        window_days: None,
        crossovers: CrossoverPolicy::Exclude,
        method: Method::Frequentist,
        planned_persons: 12_345,
        metrics: metrics.iter().map(use_of).collect(),
        dimensions: vec![Path::parse("device", "").unwrap(), Path::parse("traits.plan", "").unwrap()],
        holdout: Some(vec![key("a"), key("b")]),
        phases: Vec::new(),
        archived: false,
    });
    Definition { experiment: experiment.unwrap(), metrics }
}

#[test]
fn a_definition_reads_back_as_itself() {
    let definition = definition();
    let text = serde_json::to_string(&DefinitionBody::from(&definition)).unwrap();
    let body: DefinitionBody = serde_json::from_str(&text).unwrap();
    assert_eq!(Definition::try_from(body).unwrap(), definition);
}

/// A metric as the first version wrote it keeps nothing beside its sums, and is written the same again.
#[test]
fn a_document_of_the_first_version_is_still_read() {
    let text = r#"{"key":"m","kind":{"type":"retention","selector":{"event":"*","filters":[]},"from_day":7,"to_day":8},
        "window_days":null,"cap":null,"goal":"increase","unit":null,"description":null}"#;
    let body: MetricBody = serde_json::from_str(text).unwrap();
    let metric = Metric::try_from(body).unwrap();
    assert_eq!(metric.keeps, Keeps::default());
    assert!(matches!(metric.kind, MetricKind::Retention { align: Align::Exposure, .. }));
    let again = serde_json::to_value(MetricBody::from(&metric)).unwrap();
    assert_eq!(again, serde_json::from_str::<serde_json::Value>(text).unwrap());
}

#[test]
fn what_would_not_be_accepted_is_not_read() {
    let body = serde_json::to_value(DefinitionBody::from(&definition())).unwrap();
    let spoil = |pointer: &str, value: serde_json::Value| {
        let mut body = body.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        serde_json::from_value::<DefinitionBody>(body)
            .map_err(|error| error.to_string())
            .and_then(|body| Definition::try_from(body).map_err(|error| error.to_string()))
    };
    assert!(spoil("/experiment/window_days", 7.into()).is_ok());
    let cases: [(&str, serde_json::Value); 8] = [
        ("/experiment/control", "else".into()),
        ("/experiment/arms/0/weight", 0.into()),
        ("/experiment/arms/0/weight", 0.5.into()),
        ("/experiment/starts_at", "2027-01-01T00:00:00Z".into()),
        ("/experiment/window_days", 4_000.into()),
        ("/experiment/metrics/0/metric", "other".into()),
        ("/metrics/0/kind/type", "median".into()),
        ("/metrics/0/key", "".into()),
    ];
    for (pointer, value) in cases {
        assert!(spoil(pointer, value.clone()).is_err(), "{pointer} = {value}");
    }
}

/// Definitions that were written before experiments had a plan read as what held then.
#[test]
fn what_was_written_before_reads_with_what_held_then() {
    let mut body = serde_json::to_value(DefinitionBody::from(&definition())).unwrap();
    body["experiment"].as_object_mut().unwrap().remove("planned_persons");
    for used in body["experiment"]["metrics"].as_array_mut().unwrap() {
        used.as_object_mut().unwrap().remove("cuped");
    }
    let read = Definition::try_from(serde_json::from_value::<DefinitionBody>(body).unwrap()).unwrap();
    assert_eq!(read.experiment.planned_persons, 5_000);
    assert!(read.experiment.metrics.iter().all(|used| !used.cuped));
}
