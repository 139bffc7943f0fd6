//! How long does a whole report take? 12 metrics, 4 arms, from sums, for each method: the budget is 100 microseconds.
//!
//! `cargo run --release -p metrics --example report_time [-- "sequential, cuped false"]`

#![expect(clippy::print_stdout, reason = "an example that prints what it measured")]
#![expect(clippy::unwrap_used, reason = "its definitions are valid")]

use std::hint::black_box;
use std::time::Instant;

use ethnum::I256;
use journey::{
    Amount, Arm, CrossoverPolicy, Definition, Experiment, ExperimentDraft, Goal, Lifespan, Measure, Method, Metric,
    MetricDraft, MetricKind, MetricUse, Name, Of, Pattern, Role, Selector, UNIT,
};
use metrics::moments::Moments;
use metrics::reading::{ArmReading, Reading};
use metrics::report::{Question, report};

fn name(text: &str) -> Name {
    Name::parse(text, "").unwrap()
}

fn selector() -> Selector {
    Selector { event: Pattern::parse("Order Completed", "").unwrap(), filters: Vec::new() }
}

/// Four conversions, a retention, three sums, two counts, a ratio and a CLV.
fn kinds() -> Vec<MetricKind> {
    let measure = |of| Measure { selector: selector(), of };
    let mut kinds = vec![MetricKind::Conversion(selector()); 4];
    kinds.push(MetricKind::Retention {
        selector: selector(),
        from_day: 7,
        to_day: Some(8),
        align: journey::Align::Exposure,
    });
    kinds.extend(vec![MetricKind::Sum(selector()); 3]);
    kinds.extend(vec![MetricKind::Count(selector()); 2]);
    kinds.push(MetricKind::Ratio { numerator: measure(Of::Value), denominator: measure(Of::Count) });
    kinds.push(MetricKind::Clv { selector: selector(), lifespan: Lifespan::Days(730) });
    kinds
}

fn definition() -> Definition {
    let metrics: Vec<Metric> = kinds()
        .into_iter()
        .enumerate()
        .map(|(at, kind)| {
            let draft = MetricDraft {
                key: name(&format!("m{at}")),
                kind,
                window_days: Some(14),
                cap: None,
                goal: Goal::Increase,
                unit: None,
                description: None,
            };
            Metric::validate(draft).unwrap()
        })
        .collect();
    let weight = Amount::from_units(UNIT).unwrap();
    let arm = |at: usize| Arm { key: name(&format!("a{at}")), weight, intensity: None, cost: journey::Cost::default() };
    let roles = [Role::Primary, Role::Secondary, Role::Secondary, Role::Guardrail];
    let uses = metrics.iter().enumerate().map(|(at, metric)| {
        let role = roles[at.min(3)];
        let max_harm = (role == Role::Guardrail).then(|| Amount::from_units(20_000).unwrap());
        MetricUse { metric: metric.key.clone(), role, max_harm, cuped: false }
    });
    let draft = ExperimentDraft {
        key: name("spring"),
        name: None,
        tactic: None,
        hypothesis: None,
        owner: None,
        control: name("a0"),
        arms: (0..4).map(arm).collect(),
        starts_at: None,
        ends_at: None,
        window_days: Some(14),
        crossovers: CrossoverPolicy::First,
        method: Method::Frequentist,
        planned_persons: journey::DEFAULT_PLANNED_PERSONS,
        metrics: uses.collect(),
        dimensions: Vec::new(),
        holdout: None,
        phases: Vec::new(),
        archived: false,
    };
    Definition { experiment: Experiment::validate(draft).unwrap(), metrics }
}

/// Sums of `n` persons, made by a small generator of whole numbers.
fn moments(kind: &MetricKind, n: i64, seed: u64) -> Moments {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut draw = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i64::try_from(state % below).unwrap()
    };
    let mut sums = Moments { n, ..Moments::default() };
    let unit = I256::from(UNIT);
    for _ in 0..n {
        let buys = draw(100) < 9;
        let orders = if buys { 1 + draw(3) } else { 0 };
        let y = match kind {
            _ if kind.is_binary() => I256::from(i64::from(buys)) * unit,
            MetricKind::Count(_) => I256::from(orders) * unit,
            _ => I256::from(orders * (5_000_000 + draw(90_000_000))),
        };
        let d = match kind {
            MetricKind::Ratio { .. } => I256::from(orders) * unit,
            _ => I256::from(14) * unit,
        };
        let x = I256::from(draw(40_000_000));
        sums.orders += orders;
        sums.y += y;
        sums.yy += y * y;
        sums.yyy += y * y * y;
        sums.d += d;
        sums.dd += d * d;
        sums.yd += y * d;
        sums.x += x;
        sums.xx += x * x;
        sums.xy += x * y;
    }
    sums
}

fn reading(definition: &Definition) -> Reading {
    let arms = (0..4u64).map(|arm| {
        let of = |persons: i64| {
            let kinds = definition.metrics.iter().enumerate();
            kinds.map(move |(at, metric)| moments(&metric.kind, persons, 17 + arm * 100 + at as u64)).collect()
        };
        let live: Vec<Moments> = of(21_000);
        let matured: Vec<Moments> = of(19_000);
        ArmReading {
            persons: 21_000,
            matured_persons: 19_000,
            live,
            matured: matured.into_iter().map(Some).collect(),
            ..ArmReading::default()
        }
    });
    Reading { arms: arms.collect(), outside: 0, unknown_arm: 0 }
}

/// The median of many runs, in microseconds.
fn median(mut run: impl FnMut()) -> f64 {
    const RUNS: usize = 2001;
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}

fn main() {
    let definition = definition();
    let reading = reading(&definition);
    let only = std::env::args().nth(1);
    for method in [Method::Sequential, Method::Frequentist, Method::Bayesian] {
        for cuped in [false, true] {
            let label = format!("{}, cuped {cuped}", method.word());
            if only.as_ref().is_some_and(|only| *only != label) {
                continue;
            }
            let question = Question { method, cuped: Some(cuped), ..Question::planned(&definition) };
            let time = median(|| {
                black_box(report(black_box(&question), black_box(&reading)));
            });
            println!("{label}: {time:.0} us");
        }
    }
}
