//! `journeylift analyze`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::{Cell, CellAlignment};
use serde::Deserialize;

use super::output::{Output, table};

/// Sums to be analysed.
#[derive(Debug, Args)]
pub(super) struct Analyze {
    /// A JSON file as POST /v1/analyze takes it; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The most that is read: more than any list of arms takes.
const MOST_BYTES: u64 = 1 << 20;

impl Analyze {
    pub(super) fn run(self, output: Output) -> anyhow::Result<()> {
        let name = self.file.display().to_string();
        let text = self.read().with_context(|| format!("{name} cannot be read"))?;
        if text.len() as u64 > MOST_BYTES {
            bail!("{name} has more than {MOST_BYTES} bytes: send the sums of the arms, not of the persons");
        }
        let analysis = api::analyze(&text).map_err(|refusal| {
            let place =
                if refusal.pointer.is_empty() { name.clone() } else { format!("{name} at {}", refusal.pointer) };
            anyhow::anyhow!("{place}: {}", refusal.detail)
        })?;
        let value = serde_json::to_value(&analysis)?;
        let metric: Metric = serde_json::from_value(value)?;
        output.result(&analysis, || text_of(&metric))
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        let mut text = Vec::new();
        if self.file.as_os_str() == "-" {
            std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut text)?;
        } else {
            std::fs::File::open(&self.file)?.take(MOST_BYTES + 1).read_to_end(&mut text)?;
        }
        Ok(text)
    }
}

/// What is shown of the answer.
#[derive(Debug, Deserialize)]
struct Metric {
    #[serde(rename = "metric")]
    key: String,
    kind: String,
    unit: Option<String>,
    arms: Vec<Arm>,
    notes: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Arm {
    #[serde(rename = "arm")]
    key: String,
    persons: Option<i64>,
    value: Option<f64>,
    interval: Option<Ends>,
    versus_control: Option<Versus>,
}

#[derive(Debug, Deserialize)]
struct Ends {
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Estimated {
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Versus {
    method: String,
    lift: Estimated,
    p_value_adjusted: Option<f64>,
    chance_to_beat_control: Option<f64>,
    verdict: String,
    guardrail: Option<Guardrail>,
    sentence: Option<String>,
    explain: Option<Explain>,
}

#[derive(Debug, Deserialize)]
struct Explain {
    used: Option<Formula>,
    reference: Option<Formula>,
}

#[derive(Debug, Deserialize)]
struct Formula {
    name: String,
    #[serde(rename = "formula")]
    text: String,
    source: String,
    numbers: BTreeMap<String, f64>,
}

#[derive(Debug, Deserialize)]
struct Guardrail {
    state: String,
}

const NOTHING: &str = "-";

/// The table of the arms, the sentence of each, what to beware of, and the steps where they were asked for.
fn text_of(metric: &Metric) -> String {
    let bayesian = metric.arms.iter().filter_map(|arm| arm.versus_control.as_ref()).any(|v| v.method == "bayesian");
    let test = if bayesian { "chance to beat control" } else { "p" };
    let mut shown =
        table(&["arm", "persons", metric.key.as_str(), "interval", "lift", "lift's interval", test, "verdict"]);
    for arm in &metric.arms {
        shown.add_row(row(metric, arm, bayesian));
    }
    let mut lines = vec![shown.to_string()];
    for arm in &metric.arms {
        if let Some(sentence) = arm.versus_control.as_ref().and_then(|versus| versus.sentence.as_ref()) {
            lines.push(format!("{}: {sentence}", arm.key));
        }
    }
    lines.extend(metric.notes.iter().map(|note| format!("Note: {note}.")));
    for arm in &metric.arms {
        if let Some(explain) = arm.versus_control.as_ref().and_then(|versus| versus.explain.as_ref()) {
            lines.extend([&explain.used, &explain.reference].into_iter().flatten().map(|how| steps(&arm.key, how)));
        }
    }
    lines.join("\n")
}

fn row(metric: &Metric, arm: &Arm, bayesian: bool) -> Vec<Cell> {
    let right = |text: Option<String>| {
        Cell::new(text.unwrap_or_else(|| NOTHING.to_owned())).set_alignment(CellAlignment::Right)
    };
    let kpi = |value: f64| match (metric.kind.as_str(), metric.unit.as_deref()) {
        ("conversion", _) => format!("{:.3} %", 100.0 * value),
        (_, Some(unit)) => format!("{value:.6} {unit}"),
        (_, None) => format!("{value:.6}"),
    };
    let mut cells = vec![
        Cell::new(&arm.key),
        right(arm.persons.map(|persons| persons.to_string())),
        right(arm.value.map(kpi)),
        right(arm.interval.as_ref().and_then(|ends| Some(format!("[{}, {}]", kpi(ends.low?), kpi(ends.high?))))),
    ];
    let Some(versus) = &arm.versus_control else {
        cells.extend([right(None), right(None), right(None), Cell::new("control")]);
        return cells;
    };
    let percent = |lift: f64| format!("{:+.2} %", 100.0 * lift);
    // A side without a bound is open.
    let end = |end: Option<f64>| end.map_or("..".to_owned(), percent);
    let bounds = match (versus.lift.low, versus.lift.high) {
        (None, None) => None,
        (low, high) => Some(format!("[{}, {}]", end(low), end(high))),
    };
    let test = if bayesian {
        versus.chance_to_beat_control.map(|chance| format!("{:.2} %", 100.0 * chance))
    } else {
        versus.p_value_adjusted.map(p_value)
    };
    let verdict = match &versus.guardrail {
        Some(guardrail) => format!("{}, {}", versus.verdict, guardrail.state),
        None => versus.verdict.clone(),
    };
    cells.extend([right(versus.lift.value.map(percent)), right(bounds), right(test), Cell::new(verdict)]);
    cells
}

/// How the comparison of an arm came about.
fn steps(arm: &str, how: &Formula) -> String {
    let numbers: Vec<String> = how.numbers.iter().map(|(name, number)| format!("  {name} = {number}")).collect();
    format!("{arm}, {}: {} ({})\n{}", how.name, how.text, how.source, numbers.join("\n"))
}

/// Four significant digits, however small.
fn p_value(p: f64) -> String {
    if p >= 0.001 { format!("{p:.4}") } else { format!("{p:.3e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> String {
        let value = serde_json::to_value(api::analyze(body.as_bytes()).unwrap()).unwrap();
        text_of(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn the_table_says_what_the_answer_says() {
        let body = |more: &str| {
            format!(
                r#"{{"control":"a","kind":"conversion","metric":"bought",{more}
                    "arms":[{{"arm":"a","count":10000,"sum":1000}},{{"arm":"b","count":10000,"sum":1120}}]}}"#
            )
        };
        let found = text(&body(""));
        for shown in [
            "10.000 %",
            "11.200 %",
            "+12.00 %",
            "0.1438",
            "inconclusive",
            "control",
            "b: Between -1.5 % and +28 % on bought",
            "Note: no weights",
        ] {
            assert!(found.contains(shown), "{shown} in\n{found}");
        }
        let bayesian = text(&body(r#""method":"bayesian","explain":true,"#));
        assert!(bayesian.contains("chance to beat control") && bayesian.contains("99.71 %"), "{bayesian}");
        assert!(
            bayesian.contains("b, exact_rates: p_i ~ Beta") && bayesian.contains("  P(p_T > p_C) = 0.997"),
            "{bayesian}"
        );
        let open = text(
            r#"{"control":"a","kind":"sum","arms":[{"arm":"a","count":10,"mean":0.1,"variance":4},{"arm":"b","count":10,"mean":1,"variance":4}]}"#,
        );
        let of_b: Vec<&str> =
            open.lines().filter(|line| line.starts_with("│ b")).flat_map(|line| line.split('┆')).collect();
        // Control may be 0 as far as is known, so that both sides of the lift's interval are open.
        assert_eq!(of_b[4..6].iter().map(|cell| cell.trim()).collect::<Vec<_>>(), ["+900.00 %", "-"], "{open}");
    }
}
