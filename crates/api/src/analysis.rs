//! The analysis of sums that the caller brings: the same for a request and for a file.

use journey::{Invalid, Json};
use metrics::report::report_sums;
use serde::Serialize;

use crate::json;
use crate::wire::analysis;
use crate::wire::results::MetricResult;
use crate::wire::results::build::{self, Telling};

/// What sums amount to: one entry of `metrics` of the results of an experiment.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Analysis(pub(crate) MetricResult);

/// Analyses the sums in a JSON text as `POST /v1/analyze` takes it. It needs no database.
///
/// # Errors
/// The text is no JSON, a field is not what it should be, or no persons can have such sums; the pointer says where.
pub fn analyze(text: &[u8]) -> Result<Analysis, Invalid> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let json = json::parse(text).map_err(|fault| {
        let (line, column) = json::line_and_column(text, fault.offset);
        Invalid::new(fault.code, "", format!("the JSON breaks at line {line}, column {column}: {}", fault.reason))
    })?;
    of(json)
}

/// Analyses the sums in `json`.
pub(crate) fn of(json: Json) -> Result<Analysis, Invalid> {
    let asked = analysis::read(json)?;
    let question = asked.question();
    let report = report_sums(&question, &asked.arms, asked.weighted)
        .ok_or_else(|| Invalid::new("no_metric", "", "holds no metric to report"))?;
    let telling = Telling { question, explain: asked.explain, persons_per_day: None };
    let mut told = build::metric(&asked.definition, &report, telling);
    // The window of whoever made the sums is not known.
    told.window_days = None;
    Ok(Analysis(told))
}
