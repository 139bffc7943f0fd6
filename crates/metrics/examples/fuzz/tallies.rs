//! Sums as persons have them, and as they cannot have them.

use std::sync::Arc;

use ethnum::I256;
use journey::{
    Amount, Arm, CrossoverPolicy, Definition, Experiment, ExperimentDraft, Goal, Lifespan, Measure, Method, Metric,
    MetricDraft, MetricKind, MetricUse, Name, Of, Pattern, Role, Selector, Share, UNIT,
};
use metrics::histogram::Histogram;
use metrics::lifespan::Lifespans;
use metrics::moments::Moments;
use metrics::random::Random;
use metrics::reading::{ArmReading, Reading};

fn name(text: &str) -> Name {
    Name::parse(text, "").expect("a valid name")
}

/// After so many days a customer has left.
const INACTIVE_DAYS: u32 = 7;

pub(crate) fn kinds() -> Vec<MetricKind> {
    let selector = || Selector { event: Pattern::parse("Order Completed", "").expect("a name"), filters: Vec::new() };
    let measure = |of| Measure { selector: selector(), of };
    let half = Share::from_millionths(500_000).expect("a share");
    vec![
        MetricKind::Conversion(selector()),
        MetricKind::Sum(selector()),
        MetricKind::Ratio { numerator: measure(Of::Value), denominator: measure(Of::Count) },
        MetricKind::Clv { selector: selector(), lifespan: Lifespan::Days(3650) },
        MetricKind::Clv { selector: selector(), lifespan: Lifespan::Estimated { inactive_days: INACTIVE_DAYS } },
        MetricKind::Quantile { measure: measure(Of::Value), share: half },
    ]
}

/// Chooses one of a list.
pub(crate) fn one_of<T: Clone>(random: &mut Random, list: &[T]) -> T {
    let at = usize::try_from(random.bits() % list.len() as u64).unwrap_or(0);
    list[at].clone()
}

pub(crate) fn definition(random: &mut Random, kind: &MetricKind, arms: usize) -> Definition {
    let goal = one_of(random, &[Goal::Increase, Goal::Decrease]);
    let window_days = one_of(random, &[None, Some(14)]);
    let draft = MetricDraft {
        key: name("kpi"),
        kind: kind.clone(),
        window_days,
        cap: None,
        goal,
        unit: None,
        description: None,
    };
    let metric = Metric::validate(draft).expect("a valid metric");
    let arm = |at: usize, random: &mut Random| Arm {
        key: name(&format!("a{at}")),
        weight: Amount::from_units(one_of(random, &[1, 5, 95, 1_000_000]) * UNIT).expect("a valid weight"),
        intensity: None,
        cost: journey::Cost::default(),
    };
    let role = one_of(random, &[Role::Primary, Role::Secondary, Role::Guardrail]);
    let harm = one_of(random, &[1, 50_000, UNIT - 1]);
    let draft = ExperimentDraft {
        key: name("x"),
        name: None,
        tactic: None,
        hypothesis: None,
        owner: None,
        control: name("a0"),
        arms: (0..arms).map(|at| arm(at, random)).collect(),
        starts_at: None,
        ends_at: None,
        window_days,
        crossovers: CrossoverPolicy::First,
        method: Method::Sequential,
        planned_persons: one_of(random, &[1, 100, 5_000, u32::MAX]),
        metrics: vec![MetricUse {
            metric: metric.key.clone(),
            role,
            max_harm: (role == Role::Guardrail).then(|| Amount::from_units(harm).expect("an amount")),
            cuped: false,
        }],
        dimensions: Vec::new(),
        holdout: None,
        phases: Vec::new(),
        archived: false,
    };
    Definition { experiment: Experiment::validate(draft).expect("a valid experiment"), metrics: vec![metric] }
}

/// A sum as no persons can have it, or as few have.
fn any_sum(random: &mut Random) -> I256 {
    let bits = |random: &mut Random| i128::from(random.bits().cast_signed()) << 64 | i128::from(random.bits());
    match random.bits() % 6 {
        0 => I256([bits(random), bits(random)]),
        1 => I256::from(random.bits().cast_signed()),
        2 => I256::from(i64::try_from(random.bits() % 7).unwrap_or(0) - 3),
        3 => one_of(random, &[I256::MIN, I256::MAX, I256::ZERO, I256::ONE]),
        4 => I256::from(i128::from(random.bits() % 1_000_000_000) * i128::from(UNIT)),
        // Squares of values as large as a person may have.
        _ => I256::from(bits(random)) * I256::from(i128::from(random.bits() >> 8)),
    }
}

/// Sums that no persons need to have.
fn impossible(random: &mut Random) -> Moments {
    let n = match random.bits() % 3 {
        0 => random.bits().cast_signed(),
        1 => i64::try_from(random.bits() % 6).unwrap_or(0) - 1,
        _ => 2 + i64::try_from(random.bits() % 100_000).unwrap_or(0),
    };
    let left = random.bits().cast_signed() >> (random.bits() % 64);
    let mut sum = || any_sum(random);
    let lifespans = Lifespans { left, days: sum(), tt: sum(), tf: sum(), yt: sum(), yf: sum(), dt: sum(), df: sum() };
    Moments {
        n,
        lifespans: Some(Arc::new(lifespans)),
        y: sum(),
        yy: sum(),
        yyy: sum(),
        d: sum(),
        dd: sum(),
        yd: sum(),
        x: sum(),
        xx: sum(),
        xy: sum(),
        u: sum(),
        uu: sum(),
        yu: sum(),
        dx: sum(),
        du: sum(),
        xu: sum(),
        ..Moments::default()
    }
}

/// The sums of a few persons with values of any size, many times over.
fn possible(random: &mut Random, kind: &MetricKind) -> Moments {
    let mut sums = Moments::default();
    let mut histogram = Histogram::default();
    let mut lives = Lifespans::default();
    let scale = 10f64.powf(random.uniform() * 18.0 - 6.0);
    let zeros = random.uniform();
    let negative = random.bits().is_multiple_of(4);
    let times = 10i64.pow(u32::try_from(random.bits() % 7).unwrap_or(0));
    #[expect(clippy::cast_possible_truncation, reason = "a double to a whole saturates, and values end at 1e18")]
    let value = |random: &mut Random| {
        let size = if random.uniform() < zeros { 0.0 } else { scale * random.normal().exp() };
        let signed = if negative && random.bits().is_multiple_of(2) { -size } else { size };
        (signed * UNIT as f64).clamp(-1e18, 1e18) as i128
    };
    let unit = i128::from(UNIT);
    for _ in 0..random.bits() % 8 {
        let [y, d, x, u] = if kind.is_binary() {
            [0; 4].map(|_| if random.uniform() < zeros { 0 } else { unit })
        } else {
            [value(random), i128::from(random.bits() % 4) * unit, value(random), i128::from(random.bits() % 4) * unit]
        };
        histogram.add(y);
        let persons = times;
        let times = I256::from(times);
        let [y, d, x, u] = [y, d, x, u].map(I256::from);
        let bought = u32::try_from(random.bits() % 20).unwrap_or(0);
        let watched = i64::try_from(random.bits() % 20).unwrap_or(0);
        lives.add(persons, (y * times, d * times), bought, watched, INACTIVE_DAYS);
        sums.n += 1;
        for (sum, product) in [
            (&mut sums.y, y),
            (&mut sums.yy, y * y),
            (&mut sums.yyy, y * y * y),
            (&mut sums.d, d),
            (&mut sums.dd, d * d),
            (&mut sums.yd, y * d),
            (&mut sums.x, x),
            (&mut sums.xx, x * x),
            (&mut sums.xy, x * y),
            (&mut sums.u, u),
            (&mut sums.uu, u * u),
            (&mut sums.yu, y * u),
            (&mut sums.dx, d * x),
            (&mut sums.du, d * u),
            (&mut sums.xu, x * u),
        ] {
            *sum += product * times;
        }
    }
    sums.n *= times;
    sums.orders = i64::try_from(random.bits() % 1_000).unwrap_or(0);
    if kind.inactive_days().is_some() {
        sums.lifespans = Some(Arc::new(lives));
    }
    if kind.is_quantile() {
        // The histogram of as many persons as it has; the sums say the same of them.
        sums.n = histogram.total().n;
        sums.histogram = Some(Arc::new(histogram));
    }
    sums
}

pub(crate) fn reading(random: &mut Random, kind: &MetricKind, arms: usize, windowed: bool) -> Reading {
    let alike = random.bits() % 3;
    let sums = |random: &mut Random| if alike == 0 { impossible(random) } else { possible(random, kind) };
    let arms = (0..arms).map(|_| {
        let (live, matured) = (sums(random), sums(random));
        ArmReading {
            persons: live.n,
            matured_persons: matured.n,
            crossovers: i64::try_from(random.bits() % 5).unwrap_or(0),
            live: vec![live],
            matured: vec![windowed.then_some(matured)],
            ..ArmReading::default()
        }
    });
    Reading { arms: arms.collect(), outside: 0, unknown_arm: 0 }
}
