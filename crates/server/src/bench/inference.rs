//! Inference alone: how long does a full report of twelve metrics and four arms take from its tallies, against gbstats?

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use ethnum::I256;
use journey::{
    Amount, Arm, CrossoverPolicy, Definition, Experiment, ExperimentDraft, Goal, Invalid, Key, Measure, Method, Metric,
    MetricDraft, MetricKind, MetricUse, Of, Pattern, Role, Selector, UNIT,
};
use metrics::moments::{Layout, Moments};
use metrics::reading::{ArmReading, Reading};
use metrics::report::{Maturity, MetricReport, Question, report};
use serde_json::{Value, json};

use super::args::BenchArgs;
use super::dice::Dice;
use super::python::{Python, seconds};
use super::report::Line;
use super::timing::{Times, shown};

const METRICS: usize = 12;
const ARMS: [&str; 4] = ["none", "short", "long", "video"];
/// Persons of an arm.
const PERSONS: u64 = 20_000;
/// How often the report is made; the times are of tens of microseconds.
const RUNS: usize = 3_000;

/// The report from tallies, its time, and that of gbstats.
pub(super) async fn lines(args: &BenchArgs) -> anyhow::Result<Vec<Line>> {
    let case = Case::new().map_err(|invalid| anyhow::anyhow!("{}: {}", invalid.pointer, invalid.detail))?;
    // One reading, as gbstats knows it; and both, as an answer shows them.
    let (live, _) = case.time(Maturity::Live);
    let (both, reports) = case.time(Maturity::Matured);
    let what = format!("full report of {METRICS} metrics x {} arms from tallies", ARMS.len());
    let holds = both.median() <= Duration::from_micros(100);
    let mut lines =
        vec![Line::new(&format!("{what}, matured and live"), micros(&both)).target("<= 100 microseconds", holds)];
    let python = match Python::prepare(&args.programs).await {
        Ok(python) => python,
        Err(reason) => {
            lines.push(Line::new(&format!("{what}, one reading"), micros(&live)).without("gbstats", &reason));
            return Ok(lines);
        }
    };
    let file = std::env::temp_dir().join(format!("journeylift-tallies-{}.json", std::process::id()));
    std::fs::write(&file, case.tallies().to_string())?;
    let found = gbstats(&python, &file, &reports).await;
    std::fs::remove_file(&file)?;
    for (theirs, how) in found?.iter().zip([
        "the full report of gbstats 0.8.0 on the same tallies",
        "the tests of gbstats 0.8.0 alone, without a report",
    ]) {
        lines.push(
            Line::new(&format!("{what}, one reading"), micros(&live))
                .against(
                    format!("{}, {how}", shown(theirs.median())),
                    theirs.median().as_secs_f64() / live.median().as_secs_f64(),
                )
                .at_least(1_000.0),
        );
    }
    Ok(lines)
}

fn micros(times: &Times) -> String {
    let shown = |time: Duration| format!("{:.1} microseconds", time.as_secs_f64() * 1e6);
    format!("p50 {}, p99 {}", shown(times.median()), shown(times.quantile(0.99)))
}

/// The times of gbstats, of its full report and of its tests alone, whose lifts must be ours.
async fn gbstats(python: &Python, file: &Path, reports: &[MetricReport]) -> anyhow::Result<[Times; 2]> {
    let path = file.display().to_string();
    let found = python.run("gbstats_report.py", &[&path, "30"]).await?;
    let versus = reports.iter().flat_map(|report| report.arms.iter().filter_map(|arm| arm.main.versus.as_ref()));
    let ours: Vec<f64> = versus.filter_map(|versus| versus.lift.value.ok()).collect();
    ensure!(ours.len() == METRICS * (ARMS.len() - 1), "{} lifts are known", ours.len());
    for lifts in found["lifts"].as_array().context("gbstats tells no lifts")? {
        let lifts = lifts.as_array().context("gbstats tells no lifts")?;
        for (ours, theirs) in ours.iter().zip(lifts) {
            let theirs = theirs.as_f64().context("a lift of gbstats is no number")?;
            // Both are a quotient of the same two means.
            ensure!((ours - theirs).abs() <= 1e-9, "a lift is {ours}, and {theirs} by gbstats");
        }
        ensure!(lifts.len() == ours.len(), "gbstats tells {} lifts", lifts.len());
    }
    let mut times = [Times::default(), Times::default()];
    for (times, of) in times.iter_mut().zip(["reports", "tests"]) {
        for taken in seconds(&found[of])? {
            times.push(Duration::from_secs_f64(taken));
        }
    }
    Ok(times)
}

/// An experiment with its tallies.
struct Case {
    definition: Definition,
    reading: Reading,
}

impl Case {
    fn new() -> Result<Self, Invalid> {
        let kinds = (0..METRICS).map(kind).collect::<Result<Vec<_>, _>>()?;
        let mut metrics = Vec::new();
        for (at, kind) in kinds.into_iter().enumerate() {
            metrics.push(Metric::validate(MetricDraft {
                key: Key::parse(&format!("metric-{at}"), "")?,
                kind,
                window_days: None,
                cap: None,
                goal: Goal::Increase,
                unit: None,
                description: None,
            })?);
        }
        let uses = metrics.iter().enumerate().map(|(at, metric)| MetricUse {
            metric: metric.key.clone(),
            role: if at == 0 { Role::Primary } else { Role::Secondary },
            max_harm: None,
            cuped: false,
        });
        let weight =
            Amount::from_units(UNIT).ok_or_else(|| Invalid::new("out_of_range", "/weight", "one is no amount"))?;
        let arm =
            |key: &&str| Ok(Arm { key: Key::parse(key, "")?, weight, intensity: None, cost: journey::Cost::default() });
        let experiment = Experiment::validate(ExperimentDraft {
            key: Key::parse("inference", "")?,
            name: None,
            tactic: None,
            hypothesis: None,
            owner: None,
            control: Key::parse(ARMS[0], "")?,
            arms: ARMS.iter().map(arm).collect::<Result<_, Invalid>>()?,
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
        })?;
        let arms = (0..ARMS.len()).map(|arm| {
            let live: Vec<Moments> =
                metrics.iter().enumerate().map(|(at, metric)| moments(&metric.kind, at, arm)).collect();
            let persons = i64::try_from(PERSONS).unwrap_or_default();
            let matured = live.iter().cloned().map(Some).collect();
            ArmReading { persons, matured_persons: persons, live, matured, ..ArmReading::default() }
        });
        let reading = Reading { arms: arms.collect(), ..Reading::default() };
        Ok(Self { definition: Definition { experiment, metrics }, reading })
    }

    /// The times of the report, and the report.
    fn time(&self, maturity: Maturity) -> (Times, Vec<MetricReport>) {
        let question = Question { maturity, ..Question::planned(&self.definition) };
        let make =
            || std::hint::black_box(report(std::hint::black_box(&question), std::hint::black_box(&self.reading)));
        for _ in 0..RUNS / 10 {
            make();
        }
        let mut times = Times::default();
        for _ in 0..RUNS {
            let begun = Instant::now();
            let made = make();
            times.push(begun.elapsed());
            drop(made);
        }
        (times, make())
    }

    /// The tallies in units of one, for gbstats.
    fn tallies(&self) -> Value {
        let unit = UNIT as f64;
        let metrics = self.definition.metrics.iter().enumerate().map(|(at, metric)| {
            let arms: Vec<Value> = self
                .reading
                .arms
                .iter()
                .map(|arm| {
                    let sums = &arm.live[at];
                    json!({
                        "n": sums.n, "y": sums.y.as_f64() / unit, "yy": sums.yy.as_f64() / unit / unit,
                        "d": sums.d.as_f64() / unit, "dd": sums.dd.as_f64() / unit / unit,
                        "yd": sums.yd.as_f64() / unit / unit,
                    })
                })
                .collect();
            let kind = match Layout::of(&metric.kind) {
                Layout::Binary => "binary",
                Layout::Mean => "mean",
                Layout::Ratio | Layout::Clv | Layout::Net => "ratio",
            };
            json!({"kind": kind, "arms": arms})
        });
        json!({"metrics": metrics.collect::<Vec<_>>()})
    }
}

/// Five shares of persons, five means, two ratios.
fn kind(at: usize) -> Result<MetricKind, Invalid> {
    let selector = Selector { event: Pattern::parse("Order Completed", "")?, filters: Vec::new() };
    let measure = |of| Measure { selector: selector.clone(), of };
    Ok(match at {
        0..5 => MetricKind::Conversion(selector),
        5..8 => MetricKind::Sum(selector),
        8..10 => MetricKind::Count(selector),
        _ => MetricKind::Ratio { numerator: measure(Of::Value), denominator: measure(Of::Count) },
    })
}

/// The sums over persons who differ at random, a little better from arm to arm.
fn moments(kind: &MetricKind, at: usize, arm: usize) -> Moments {
    let mut dice = Dice::new(at as u64, arm as u64);
    let mut sums = Moments::default();
    for _ in 0..PERSONS {
        let acts = dice.percent(20 + at as u64 + arm as u64);
        let times = i64::from(acts) * i64::try_from(1 + dice.below(3)).unwrap_or_default();
        let cents = times * i64::try_from(500 + dice.below(9_500)).unwrap_or_default();
        let (y, d) = match Layout::of(kind) {
            Layout::Binary => (i64::from(acts) * UNIT, 0),
            Layout::Mean if matches!(kind, MetricKind::Count(_)) => (times * UNIT, 0),
            Layout::Mean => (cents * (UNIT / 100), 0),
            Layout::Ratio | Layout::Clv | Layout::Net => (cents * (UNIT / 100), times * UNIT),
        };
        let (y, d) = (I256::from(y), I256::from(d));
        sums.n += 1;
        sums.y += y;
        sums.yy += y * y;
        sums.yyy += y * y * y;
        sums.d += d;
        sums.dd += d * d;
        sums.yd += y * d;
    }
    sums
}
