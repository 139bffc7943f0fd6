//! The table of lifts, as the terminal shows it.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::results::{Arm, Metric, Results};

const NOTHING: &str = "-";

/// The lifts: one row per metric and arm.
pub(super) fn lifts(results: &Results) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["metric", "arm", "persons", "KPI", "lift", "95 % interval", "p", "verdict"]);
    for metric in &results.metrics {
        for (at, arm) in metric.arms.iter().enumerate() {
            let name = if at == 0 { metric.key.as_str() } else { "" };
            table.add_row(row(name, metric, arm, &results.control));
        }
    }
    table
}

fn row(name: &str, metric: &Metric, arm: &Arm, control: &str) -> Vec<Cell> {
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let mut cells = vec![
        Cell::new(name),
        Cell::new(&arm.key),
        right(arm.persons.map_or(NOTHING.into(), |persons| persons.to_string())),
        right(kpi(metric, arm.value)),
    ];
    if let Some(versus) = &arm.versus_control {
        cells.extend([
            right(versus.lift.value.map_or(NOTHING.into(), |lift| format!("{:+.2} %", lift * 100.0))),
            right(match (versus.lift.low, versus.lift.high) {
                (Some(low), Some(high)) => format!("[{:.2}, {:.2}]", low * 100.0, high * 100.0),
                _ => NOTHING.into(),
            }),
            right(versus.p_value.map_or(NOTHING.into(), p_value)),
            Cell::new(&versus.verdict),
        ]);
    } else {
        cells.extend([right(NOTHING.into()), right(NOTHING.into()), right(NOTHING.into())]);
        cells.push(Cell::new(if arm.key == control { "control" } else { NOTHING }));
    }
    cells
}

fn kpi(metric: &Metric, value: Option<f64>) -> String {
    let Some(value) = value else { return NOTHING.into() };
    if matches!(metric.kind.as_str(), "conversion" | "retention") {
        return format!("{:.3} %", value * 100.0);
    }
    let unit = metric.unit.as_deref().unwrap_or_default();
    format!("{value:.6} {unit}").trim_end().to_owned()
}

/// Four significant digits, however small: 1.364e-112 is not 0.
fn p_value(p: f64) -> String {
    if p >= 0.001 { format!("{p:.4}") } else { format!("{p:.3e}") }
}

/// The checks: a line each, those that do not hold first.
pub(super) fn checks(results: &Results) -> Vec<String> {
    let mut checks: Vec<_> = results.checks.iter().collect();
    checks.sort_by_key(|check| check.ok != Some(false));
    checks
        .into_iter()
        .map(|check| {
            let state = match (check.ok, check.blocking) {
                (Some(true), _) => "ok",
                (Some(false), true) => "FAILED, no verdict before it is settled",
                (Some(false), false) => "take note",
                (None, _) => "unknown",
            };
            let p = check.p_value_chi_square.map_or(String::new(), |p| format!(", chi-square p {}", p_value(p)));
            let message = if check.message.is_empty() { String::new() } else { format!(": {}", check.message) };
            format!("{}: {state}{p}{message}", check.name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::results::tests::example;

    #[test]
    fn shows_what_the_answer_says() {
        let text = lifts(&example()).to_string();
        let line = |start: &str| text.lines().find(|line| line.contains(start)).unwrap().to_owned();
        for shown in ["+36.36 %", "[-150.00, 225.00]", "1.364e-112", "inconclusive", "27.273 %"] {
            assert!(line("1.364e-112").contains(shown), "{shown} in\n{text}");
        }
        assert!(line("0.652789 USD").contains("control"), "{text}");
        assert!(line("no_data").contains(" - "), "{text}");
    }

    #[test]
    fn checks_that_fail_come_first() {
        let checks = checks(&example());
        assert!(checks[0].starts_with("crossovers: take note"), "{checks:?}");
        assert!(checks[1].starts_with("sample_ratio: ok, chi-square p 0.8270: the arms"), "{checks:?}");
    }

    #[test]
    fn small_p_values_are_not_zero() {
        assert_eq!(p_value(1.5e-3), "0.0015");
        assert_eq!(p_value(0.000156), "1.560e-4");
        assert_eq!(p_value(1.16449e-7), "1.164e-7");
    }
}
