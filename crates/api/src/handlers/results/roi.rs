//! What an experiment costs and returns.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Day, MetricKind, Role};
use metrics::report::{Maturity, Money, Question, roi as money_of, segments as segments_of, wasted};
use metrics::tally::{Count, NO_ARM};
use utoipa::IntoParams;

use super::look::Look;
use super::question::Asked;
use super::{Asking, Load, answer, arm_key, breakdown, question};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::state::AppState;
use crate::wire::results::build;
use crate::wire::results::roi::{DoseResponse, Roi, WastedSpend};
use crate::wire::results::tell_roi;
use crate::wire::schema::NumberOf;

const PARAMETERS: &[&str] = &[
    "metric",
    "conversion",
    "by",
    "limit",
    "as_of",
    "method",
    "confidence",
    "maturity",
    "baseline",
    "crossovers",
    "consistency",
];
const NOTHING: &str = "the experiment has no metric of the kind net: define one, such as {\"kind\":\"net\",\"event\":\"Order \
                       Completed\",\"margin\":0.4}, and add it to the experiment";

/// The parameters, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one; this is their description")]
pub(crate) struct OfRoi {
    /// The net metric; without it, the experiment's first.
    metric: Option<String>,
    /// The conversion whose increments are paid for; without it, the first primary one, else the first.
    conversion: Option<String>,
    /// A dimension of the experiment, by whose values wasted spend is looked for.
    by: Option<String>,
    /// How many values are looked at one by one, the largest; the others together. 50 where it is absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// As of the end of this day, in the tenant's time zone; without it, as of now.
    #[param(format = "date")]
    as_of: Option<String>,
    /// How lifts are tested; without it, as the experiment says.
    #[param(value_type = Option<crate::wire::schema::Method>)]
    method: Option<String>,
    /// The confidence of intervals; 0.95 where it is absent.
    #[param(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    confidence: Option<f64>,
    /// The reading of the main fields: `matured` (closed windows, the default) or `live` (everyone exposed).
    #[param(pattern = "^(matured|live)?$")]
    maturity: Option<String>,
    /// The arm that the others are compared with; without it, control.
    baseline: Option<String>,
    /// What happens to crossovers; without it, as the experiment says.
    #[param(value_type = Option<crate::wire::schema::Crossovers>)]
    crossovers: Option<String>,
    /// `strong` (the default): everything acknowledged is in the numbers. `eventual`: as they stand.
    #[param(pattern = "^(strong|eventual)?$")]
    consistency: Option<String>,
}

/// What an experiment costs and returns
///
/// For every arm its cost lines; what it brings and costs beyond the baseline, in conversions, value and money; net value per
/// person (margin × value − cost) with its verdict; return on the money, cost for each conversion more, payback, and how many
/// persons can be held out; whether more of it pays (`intensity`); and with `by` the segments in which money is lost. Where
/// conversions or value rise while money is lost, `alert` says so.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/roi", tag = "read", operation_id = "roi",
    params(
        ("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255),
        OfRoi,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "The money", body = Roi,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is; when they were asked for (`fresh.through`) may differ"))),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn roi(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&uri, &headers, PARAMETERS)?;
    let conversion = Parameters::of(&uri, PARAMETERS)?.text("conversion");
    let route = format!("roi {conversion:?}");
    // By the values of a dimension there may be a thousand of them.
    let load = if asked.by.is_some() { Load::Heavy } else { Load::Light };
    let zone = tenant.tenant().zone;
    let asking = Asking { asked, route, detail: None, load };
    answer(&state, &tenant, &key, &headers, asking, move |look, asked| {
        Ok(Json(tell(look, asked, conversion.as_deref(), zone)?).into_response())
    })
    .await
}

/// The net metric that is asked for, and the conversion.
fn chosen(look: &Look, conversion: Option<&str>) -> Result<(Option<usize>, Option<usize>), ApiError> {
    let definition = &*look.measured.definition;
    let is_net = |at: &usize| matches!(definition.metrics[*at].kind, MetricKind::Net { .. });
    let all = || 0..definition.metrics.len();
    if let Some(at) = look.plan.metric.filter(|at| !is_net(at)) {
        return Err(invalid("metric", definition.metrics[at].key.as_str(), "a metric of the kind net"));
    }
    let net = look.plan.metric.or_else(|| all().find(is_net));
    let converts = |at: &usize| definition.metrics[*at].kind.is_binary();
    let wanted = if let Some(key) = conversion {
        let found = all().find(|at| definition.metrics[*at].key.as_str() == key);
        let wanted = "a metric of the experiment that counts whether persons did it, such as a conversion";
        Some(found.filter(converts).ok_or_else(|| invalid("conversion", key, wanted))?)
    } else {
        let is_primary = |at: &usize| definition.experiment.metrics[*at].role == Role::Primary;
        all().find(|at| converts(at) && is_primary(at)).or_else(|| all().find(converts))
    };
    Ok((net, wanted))
}

/// Whole days from the start, or the first exposure, to the end or the day of the answer.
fn days_so_far(look: &Look, zone: journey::Zone) -> u32 {
    let experiment = &look.measured.definition.experiment;
    let exposed = |(key, row): &&(metrics::tally::RowKey, metrics::tally::Row)| {
        key.arm != NO_ARM && key.dimension == 0 && row.all.counts[Count::Persons as usize] != 0
    };
    let first = look.measured.everyone.iter().filter(exposed).map(|(key, _)| key.day).min();
    let last = experiment.ends_at.map_or(look.through.live, |end| {
        // The end itself is outside.
        let day = zone.day_of(end.plus_micros(-1));
        day.min(look.through.live)
    });
    let from = experiment.starts_at.map(|start| zone.day_of(start)).or(first);
    let days = |from: Day| u32::try_from(i64::from(last.number()) - i64::from(from.number()) + 1).unwrap_or(0);
    from.map_or(0, days)
}

fn tell(look: &Look, asked: &Asked, conversion: Option<&str>, zone: journey::Zone) -> Result<Roi, ApiError> {
    let definition = &*look.measured.definition;
    let (net, conversion) = chosen(look, conversion)?;
    let complete = look.measured.complete;
    let (_, found, question, telling) = question(look, asked);
    let days = days_so_far(look, zone);
    let key = |at: usize| definition.metrics[at].key.as_str().to_owned();
    let windowed = net.is_none_or(|at| definition.window_days(at).is_some());
    let mut told = Roi {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        baseline: arm_key(look, look.plan.baseline),
        metric: net.map(key),
        conversion: conversion.map(key),
        margin: net.and_then(|at| match definition.metrics[at].kind {
            MetricKind::Net { margin, .. } => Some(NumberOf(margin)),
            _ => None,
        }),
        as_of: look.through.live.to_string(),
        matured_through: look.through.matured.to_string(),
        method: look.plan.method.word(),
        confidence: asked.confidence,
        maturity: build::maturity_word(if windowed { asked.maturity } else { Maturity::Live }),
        days,
        fresh: look.fresh(),
        measuring: look.measuring(),
        exploratory: look.plan.exploratory,
        checks: if complete { found.iter().map(build::check).collect() } else { Vec::new() },
        reason: None,
        costs: Vec::new(),
        arms: Vec::new(),
        dose_response: DoseResponse { steps: Vec::new(), left_out: Vec::new(), reason: None },
        wasted_spend: None,
    };
    let (Some(metric), true) = (net, complete) else {
        let reason = if complete { NOTHING } else { build::MEASURING };
        told.reason = Some(reason.to_owned());
        told.dose_response.reason = Some(reason.to_owned());
        return Ok(told);
    };
    let reading = look.everyone(look.plan.policy);
    let money = Money { metric, conversion, days, persons_per_day: telling.persons_per_day };
    let report = money_of(&question, reading, &money);
    told.costs = report
        .lines
        .iter()
        .zip(&reading.arms)
        .enumerate()
        .map(|(arm, (lines, read))| tell_roi::lines(definition, arm, read.persons, lines))
        .collect();
    told.arms = report.arms.iter().map(|arm| tell_roi::arm(definition, &report, arm, telling)).collect();
    told.dose_response = tell_roi::dose(definition, &report.dose, telling);
    told.wasted_spend = wasted_spend(look, asked, &question, metric, &mut told.checks);
    Ok(told)
}

/// The segments in which money is lost, where a dimension was asked for; its check is added to the others.
fn wasted_spend(
    look: &Look,
    asked: &Asked,
    question: &Question<'_>,
    metric: usize,
    checks: &mut Vec<crate::wire::results::CheckInfo>,
) -> Option<WastedSpend> {
    let dimension = asked.by.clone()?;
    let definition = &*look.measured.definition;
    let composition = breakdown::composition(look);
    let composed_alike = composition.as_ref().is_none_or(|check| check.ok);
    checks.extend(composition.as_ref().map(build::check));
    let groups = match breakdown::groups(look, asked.limit.unwrap_or(breakdown::SHOWN)) {
        Ok(groups) => groups,
        Err(reason) => {
            return Some(WastedSpend { dimension, segments: Vec::new(), looked_at: 0, reason: Some(reason) });
        }
    };
    let report = segments_of(question, metric, &groups, composed_alike);
    let segments: Vec<_> = wasted(question, &report).iter().map(|found| tell_roi::wasted(definition, found)).collect();
    let reason = segments.is_empty().then(|| {
        if composed_alike && !question.blocked {
            "in no segment is the upper bound of net value below 0 after Holm's correction: that money is wasted anywhere is \
             not shown"
                .to_owned()
        } else {
            "a check stands in the way, see checks: nothing is shown".to_owned()
        }
    });
    Some(WastedSpend { dimension, segments, looked_at: groups.len(), reason })
}
