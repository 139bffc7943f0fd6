//! Does any tally make a NaN, an infinity or a panic? Sums as persons have them and as they cannot have them, up to the ends
//! of their type, go through whole reports.
//!
//! `cargo run -p metrics --example fuzz -- [--cases 10000000] [--seed 1] [--threads N]`, in the development profile, so that
//! overflows are seen. A case is one metric in two or three arms, asked by one method: its report with every step, sentence,
//! check and adjusted interval; one in 64 also its segments, one in 1024 its outlook.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints what it found")]

mod numbers;
mod tallies;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use journey::{CrossoverPolicy, Method, MetricKind};
use metrics::inference::Prior;
use metrics::random::Random;
use metrics::reading::{Group, Reading};
use metrics::report::{Adjust, Goals, Maturity, Question, Split, checks, outlook, report, segments, sentence};

use numbers::Numbers;
use tallies::{definition, kinds, one_of, reading};

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
