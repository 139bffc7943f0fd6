//! The same numbers as a table: one row for each metric and arm, of each dimension value and day where there are several.

use super::{ArmResult, MetricResult, Results, SegmentsAnswer, Timeline, VersusInfo};

/// The columns, always all of them.
const HEADER: [&str; 26] = [
    "experiment",
    "dimension",
    "dimension_value",
    "day",
    "metric",
    "kind",
    "role",
    "maturity",
    "arm",
    "persons",
    "value",
    "value_low",
    "value_high",
    "count",
    "sum",
    "sum_of_squares",
    "difference",
    "difference_low",
    "difference_high",
    "lift",
    "lift_low",
    "lift_high",
    "impact_score",
    "p_value",
    "p_value_adjusted",
    "verdict",
];

/// The further columns of segments.
const OF_SEGMENTS: [&str; 9] = [
    "share",
    "shrunken_lift",
    "shrunken_lift_low",
    "shrunken_lift_high",
    "versus_rest",
    "versus_rest_low",
    "versus_rest_high",
    "versus_rest_p_value_adjusted",
    "best",
];

/// Where a row stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    experiment: &'a str,
    dimension: &'a str,
    value: &'a str,
    day: &'a str,
}

/// The table of results.
pub(crate) fn of_results(results: &Results) -> String {
    let mut rows = Vec::new();
    let place = Place { experiment: &results.experiment, dimension: "", value: "", day: &results.as_of };
    for metric in &results.metrics {
        add_metric(&mut rows, place, metric);
    }
    if let Some(breakdown) = &results.breakdown {
        for group in breakdown.values.iter().flatten() {
            let value = group.value.as_deref().unwrap_or("");
            for metric in &group.metrics {
                add_metric(&mut rows, Place { dimension: &breakdown.dimension, value, ..place }, metric);
            }
        }
    }
    write(&rows)
}

/// The table of a timeline.
pub(crate) fn of_timeline(timeline: &Timeline, kind: &str, role: &str) -> String {
    let mut rows = Vec::new();
    for point in &timeline.points {
        let place = Place { experiment: &timeline.experiment, dimension: "", value: "", day: &point.day };
        for arm in &point.arms {
            rows.push(row(place, [&timeline.metric, kind, role, timeline.maturity], arm));
        }
    }
    write(&rows)
}

/// The table of segments: one row for each value and arm.
pub(crate) fn of_segments(told: &SegmentsAnswer) -> String {
    let mut rows = Vec::new();
    for (at, group) in told.values.iter().flatten().enumerate() {
        let value = group.value.as_deref().unwrap_or("");
        let place = Place { experiment: &told.experiment, dimension: &told.dimension, value, day: &told.as_of };
        for arm in &group.arms {
            let mut row = row(place, [&told.metric, told.kind, told.role, told.maturity], arm);
            row.push(shortest(group.share));
            let compared = told.comparisons.iter().find(|compared| compared.arm == arm.arm);
            let shift = compared.and_then(|compared| compared.values.get(at));
            let number = |number: Option<f64>| number.map_or(String::new(), shortest);
            for ends in [shift.map(|shift| shift.shrunken_lift.estimated()), shift.map(|shift| shift.versus_rest)] {
                row.extend(
                    [ends.and_then(|e| e.value), ends.and_then(|e| e.low), ends.and_then(|e| e.high)].map(number),
                );
            }
            row.push(number(shift.and_then(|shift| shift.p_value_adjusted)));
            let best = compared.and_then(|compared| compared.best.as_ref());
            row.push(shift.map_or(String::new(), |shift| {
                best.is_some_and(|best| !shift.is_rest && best.value == shift.value).to_string()
            }));
            rows.push(row);
        }
    }
    write_under(&[&HEADER[..], &OF_SEGMENTS].concat(), &rows)
}

fn add_metric(rows: &mut Vec<Vec<String>>, place: Place<'_>, metric: &MetricResult) {
    let about = [metric.metric.as_str(), metric.kind, metric.role, metric.maturity];
    rows.extend(metric.arms.iter().map(|arm| row(place, about, arm)));
}

fn row(place: Place<'_>, [metric, kind, role, maturity]: [&str; 4], arm: &ArmResult) -> Vec<String> {
    let number = |number: Option<f64>| number.map_or(String::new(), shortest);
    let versus = |of: fn(&VersusInfo) -> Option<f64>| number(arm.versus_control.as_ref().and_then(of));
    let tally = arm.tally.as_ref();
    vec![
        text(place.experiment),
        text(place.dimension),
        text(place.value),
        place.day.to_owned(),
        text(metric),
        kind.to_owned(),
        role.to_owned(),
        maturity.to_owned(),
        text(&arm.arm),
        arm.persons.map_or(String::new(), |persons| persons.to_string()),
        number(arm.value),
        number(arm.interval.map(|interval| interval.low)),
        number(arm.interval.map(|interval| interval.high)),
        tally.map_or(String::new(), |tally| tally.count.to_string()),
        tally.map_or(String::new(), |tally| tally.sum.clone()),
        tally.map_or(String::new(), |tally| tally.sum_of_squares.clone()),
        versus(|versus| versus.difference.value),
        versus(|versus| versus.difference.low),
        versus(|versus| versus.difference.high),
        versus(|versus| versus.lift.value),
        versus(|versus| versus.lift.low),
        versus(|versus| versus.lift.high),
        versus(|versus| versus.impact_score),
        versus(|versus| versus.p_value),
        versus(|versus| versus.p_value_adjusted),
        arm.versus_control.as_ref().map_or(String::new(), |versus| versus.verdict.to_owned()),
    ]
}

/// A number; tiny p-values are written with an exponent, not with a hundred zeros.
fn shortest(number: f64) -> String {
    if number != 0.0 && number.abs() < 1e-4 { format!("{number:e}") } else { number.to_string() }
}

/// A text that no spreadsheet takes for a formula.
fn text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

fn write(rows: &[Vec<String>]) -> String {
    write_under(&HEADER, rows)
}

fn write_under(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to memory cannot fail, and every row has the width of the header.
    let written = writer.write_record(header).and_then(|()| rows.iter().try_for_each(|row| writer.write_record(row)));
    if let Err(error) = written {
        tracing::error!(%error, "a table could not be written");
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::results::Reasons;

    #[test]
    fn rows_have_the_width_of_the_header_and_no_formulas() {
        let arm = ArmResult {
            arm: "=cmd()".to_owned(),
            persons: Some(2),
            value: Some(-0.5),
            interval: None,
            tally: None,
            response: None,
            versus_control: None,
            live: None,
            reasons: Reasons::new(),
            explain: None,
        };
        let place = Place { experiment: "a,b", dimension: "", value: "", day: "2026-11-01" };
        let row = row(place, ["@m", "sum", "primary", "live"], &arm);
        assert_eq!(row.len(), HEADER.len());
        assert_eq!((shortest(1e-112), shortest(0.5), shortest(0.0)), ("1e-112".into(), "0.5".into(), "0".into()));
        let text = write(&[row]);
        assert_eq!(
            text.lines().nth(1),
            Some("\"a,b\",,,2026-11-01,'@m,sum,primary,live,'=cmd(),2,-0.5,,,,,,,,,,,,,,,")
        );
    }
}
