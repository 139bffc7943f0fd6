//! Does any tally make a NaN, an infinity or a panic? Sums as persons have them and as they cannot have them, up to the ends
//! of their type, go through whole reports.
//!
//! `cargo run -p metrics --example fuzz -- [--cases 10000000] [--seed 1] [--threads N]`, in the development profile, so that
//! overflows are seen. A case is one metric in two or three arms, asked by one method: its report with every step, sentence,
//! check and adjusted interval; one in 64 also its segments, one in 1024 its outlook.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints what it found")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ethnum::I256;
use journey::{
    Amount, Arm, CrossoverPolicy, Definition, Experiment, ExperimentDraft, Goal, Measure, Method, Metric, MetricDraft,
    MetricKind, MetricUse, Name, Of, Pattern, Role, Selector, Share, UNIT,
};
use metrics::histogram::Histogram;
use metrics::inference::{Bounds, Prior};
use metrics::moments::Moments;
use metrics::random::Random;
use metrics::reading::{ArmReading, Group, Reading};
use metrics::report::{
    Adjust, Goals, Kpi, Maturity, Question, Split, Value, Versus, checks, outlook, persons_to_settle, report, segments,
    sentence, steps,
};

fn main() {
    let (mut cases, mut seed) = (10_000_000u64, 1u64);
    let mut threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let number = pair.get(1).and_then(|text| text.parse().ok()).expect("each option has a whole number");
        match pair[0].as_str() {
            "--cases" => cases = number,
            "--seed" => seed = number,
            "--threads" => threads = number,
            other => eprintln!("{other} is no option"),
        }
    }
    let kinds = kinds();
    let (next, told, broken) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let case = next.fetch_add(1, Ordering::Relaxed);
                    if case >= cases {
                        break;
                    }
                    let mut random = Random::new(seed.wrapping_mul(1_000_000_007).wrapping_add(case));
                    let found = catch_unwind(AssertUnwindSafe(|| one(case, &kinds, &mut random)));
                    match found {
                        Ok(Ok(numbers)) => _ = told.fetch_add(numbers, Ordering::Relaxed),
                        Ok(Err(what)) => {
                            broken.fetch_add(1, Ordering::Relaxed);
                            println!("case {case} of seed {seed}: {what}");
                        }
                        Err(_) => {
                            broken.fetch_add(1, Ordering::Relaxed);
                            println!("case {case} of seed {seed}: a panic");
                        }
                    }
                    if case % 500_000 == 499_999 {
                        eprintln!("{} cases", case + 1);
                    }
                }
            });
        }
    });
    let (told, broken) = (told.into_inner(), broken.into_inner());
    println!("{cases} cases of seed {seed}: {told} numbers, all finite but in {broken} cases");
    std::process::exit(i32::from(broken > 0));
}

fn name(text: &str) -> Name {
    Name::parse(text, "").expect("a valid name")
}

fn kinds() -> Vec<MetricKind> {
    let selector = || Selector { event: Pattern::parse("Order Completed", "").expect("a name"), filters: Vec::new() };
    let measure = |of| Measure { selector: selector(), of };
    let half = Share::from_millionths(500_000).expect("a share");
    vec![
        MetricKind::Conversion(selector()),
        MetricKind::Sum(selector()),
        MetricKind::Ratio { numerator: measure(Of::Value), denominator: measure(Of::Count) },
        MetricKind::Clv { selector: selector(), lifespan_days: 3650 },
        MetricKind::Quantile { measure: measure(Of::Value), share: half },
    ]
}

/// Chooses one of a list.
fn one_of<T: Clone>(random: &mut Random, list: &[T]) -> T {
    let at = usize::try_from(random.bits() % list.len() as u64).unwrap_or(0);
    list[at].clone()
}

fn definition(random: &mut Random, kind: &MetricKind, arms: usize) -> Definition {
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
    let mut sum = || any_sum(random);
    Moments {
        n,
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
        let times = I256::from(times);
        let [y, d, x, u] = [y, d, x, u].map(I256::from);
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
    if kind.is_quantile() {
        // The histogram of as many persons as it has; the sums say the same of them.
        sums.n = histogram.total().n;
        sums.histogram = Some(Arc::new(histogram));
    }
    sums
}

fn reading(random: &mut Random, kind: &MetricKind, arms: usize, windowed: bool) -> Reading {
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

/// Counts the numbers of an answer, or names the first that is not finite.
struct Numbers(u64);

impl Numbers {
    fn all(&mut self, what: &str, numbers: impl IntoIterator<Item = f64>) -> Result<(), String> {
        for number in numbers {
            self.0 += 1;
            if !number.is_finite() {
                return Err(format!("{what} is {number}"));
            }
        }
        Ok(())
    }

    fn value(&mut self, what: &str, value: &Value) -> Result<(), String> {
        let ends = value.interval.ok().map(|ends| [ends.low, ends.high]);
        self.all(what, value.value.into_iter().chain(ends.into_iter().flatten()))
    }

    fn bounds(&mut self, what: &str, bounds: &Bounds) -> Result<(), String> {
        self.all(what, [bounds.low, bounds.high].into_iter().flatten())
    }

    fn versus(&mut self, versus: &Versus) -> Result<(), String> {
        self.value("the difference", &versus.difference)?;
        self.value("the lift", &versus.lift)?;
        self.bounds("a bound of the lift", &versus.lift_bounds)?;
        for (what, number) in [
            ("the p-value", versus.p_value),
            ("the adjusted p-value", versus.p_value_adjusted),
            ("the e-value", versus.log_e_value),
            ("the chance to beat", versus.chance_to_beat),
            ("the expected loss", versus.expected_loss),
            ("the lift's standard error", versus.lift_standard_error),
            ("the expected contributors", Ok(versus.expected_contributors)),
            ("the impact score", versus.impact_score()),
        ] {
            self.all(what, number)?;
        }
        if let Some(adjusted) = &versus.adjusted {
            self.bounds("an adjusted bound of the difference", &adjusted.difference)?;
            self.bounds("an adjusted bound of the lift", &adjusted.lift)?;
        }
        if let Some(Ok(margin)) = versus.guardrail.map(|guardrail| guardrail.margin) {
            self.all("the margin", [margin.value, margin.low, margin.high, margin.p_safe, margin.p_harmed])?;
        }
        if let Some(cuped) = versus.cuped {
            self.all("CUPED", std::iter::once(cuped.theta).chain(cuped.variance_saved))?;
        }
        Ok(())
    }

    fn kpi(&mut self, question: &Question<'_>, kpi: &Kpi) -> Result<(), String> {
        self.value("the KPI", &kpi.value)?;
        let Some(versus) = &kpi.versus else { return Ok(()) };
        self.versus(versus)?;
        if let Some(steps) = steps(question, versus) {
            for formula in std::iter::once(&steps.used).chain(&steps.reference) {
                self.all("a step", formula.numbers.iter().map(|(_, number)| *number))?;
            }
        }
        if let Ok(gap) = versus.judged_gap {
            self.all("the persons to settle", persons_to_settle(question, &gap).ok().flatten())?;
        }
        Ok(())
    }
}

/// One case: how many numbers it told, or what is wrong.
fn one(case: u64, kinds: &[MetricKind], random: &mut Random) -> Result<u64, String> {
    let kind = one_of(random, kinds);
    let arms = 2 + usize::from(random.bits().is_multiple_of(8));
    let definition = definition(random, &kind, arms);
    let windowed = definition.window_days(0).is_some();
    let method = one_of(random, &[Method::Sequential, Method::Frequentist, Method::Bayesian]);
    let confidence = match random.bits() % 4 {
        0 => random.uniform(),
        1 => f64::from_bits(random.bits()),
        _ => 0.95,
    };
    let proper = Prior::Normal { mean: 0.0, standard_deviation: 0.3 };
    let question = Question {
        confidence,
        method,
        cuped: Some(random.bits().is_multiple_of(2)),
        adjust: one_of(
            random,
            &[Adjust::ByRole, Adjust::Holm, Adjust::BenjaminiHochberg, Adjust::EBenjaminiHochberg, Adjust::None],
        ),
        maturity: one_of(random, &[Maturity::Matured, Maturity::Live]),
        prior: one_of(random, &[Prior::Flat, proper]),
        policy: one_of(random, &[CrossoverPolicy::First, CrossoverPolicy::Exclude]),
        ..Question::planned(&definition)
    };
    let reading = reading(random, &kind, arms, windowed);
    let mut numbers = Numbers(0);
    for report in report(&question, &reading) {
        for arm in &report.arms {
            for kpi in std::iter::once(&arm.main).chain(&arm.live) {
                numbers.kpi(&question, kpi)?;
            }
            let told = sentence(&question, report.metric, report.maturity, arm, Some(10.0));
            if told.is_some_and(|told| told.contains("NaN") || told.contains("inf")) {
                return Err("a sentence tells of no number".into());
            }
        }
    }
    for check in checks(&definition, &reading, 0) {
        let found = [check.p_value, check.p_value_chi_square, check.share, check.threshold, check.number];
        numbers.all(check.check, found.into_iter().flatten())?;
    }
    if case.is_multiple_of(64) {
        of_segments(&mut numbers, &question, &reading, random, &kind)?;
    }
    if case.is_multiple_of(1024) {
        of_outlook(&mut numbers, &question, &reading)?;
    }
    Ok(numbers.0)
}

fn of_segments(
    numbers: &mut Numbers,
    question: &Question<'_>,
    first: &Reading,
    random: &mut Random,
    kind: &MetricKind,
) -> Result<(), String> {
    let (arms, windowed) = (first.arms.len(), question.definition.window_days(0).is_some());
    let group = |value: &str, reading: Reading| Group {
        value: Some(value.into()),
        persons: reading.arms.iter().fold(0, |sum: i64, arm| sum.saturating_add(arm.persons)),
        reading,
    };
    let groups = [
        group("a", first.clone()),
        group("b", reading(random, kind, arms, windowed)),
        group("c", reading(random, kind, arms, windowed)),
    ];
    let told = segments(question, 0, &groups, true);
    for arm in told.values.iter().flat_map(|value| &value.arms) {
        numbers.kpi(question, &arm.main)?;
    }
    for arm in &told.arms {
        for value in arm.values.iter().flatten() {
            numbers.value("the shrunken lift", &value.shrunken)?;
            numbers.value("the distance from the rest", &value.versus_rest)?;
            numbers.all("a segment", [value.kept, value.p_value, value.p_value_adjusted])?;
        }
        if let Ok(found) = &arm.post_stratified {
            numbers.value("the post-stratified difference", &found.difference)?;
            numbers.value("the post-stratified lift", &found.lift)?;
            numbers.all("post-stratification", found.p_value.into_iter().chain(found.variance_saved))?;
        }
    }
    Ok(())
}

fn of_outlook(numbers: &mut Numbers, question: &Question<'_>, reading: &Reading) -> Result<(), String> {
    let goals = Goals { effect: 0.05, power: 0.99, splits: vec![Split::Current], persons_per_day: Some(100.0) };
    for arm in outlook(question, reading, 0, &goals).arms {
        numbers.all("the outlook", [arm.value, arm.variance, arm.effect, arm.planned_persons].into_iter().flatten())?;
        for method in arm.splits.iter().flat_map(|split| &split.methods) {
            numbers.all(
                "the outlook",
                [method.detectable, method.power, method.more, method.days].into_iter().flatten(),
            )?;
            numbers.all("the persons needed", method.needed.map(|needed| needed.total))?;
            numbers.all("the power by N", method.by_persons.iter().filter_map(|(_, power)| power.ok()))?;
        }
    }
    Ok(())
}
