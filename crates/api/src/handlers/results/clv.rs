//! What customers are worth: so far, and what is still to come.

mod predict;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{CrossoverPolicy, MetricKind};
use metrics::lifespan::speaks_of;
use metrics::report::report;

use super::described::{Held, OfComparison, OfExperiment, OfReading, Otherwise};
use super::look::Look;
use super::question::Asked;
use super::{Asking, Load, answer, arm_key, question};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::state::AppState;
use crate::wire::results::build;
use crate::wire::results::clv::{Clv, ClvArm, ClvMetric};

const PARAMETERS: &[&str] = &[
    "metric",
    "as_of",
    "method",
    "confidence",
    "baseline",
    "consistency",
    "predict",
    "horizon",
    "discount",
    "repetitions",
];
const NOTHING: &str = "the experiment has no metric of the kind clv";

/// What customers are worth
///
/// For every CLV its three factors - average purchase value × purchase frequency × lifespan - and, with `predict=true`, what
/// the customers of each arm are still expected to bring, by BG/NBD and Gamma-Gamma models that are fitted to tallies of
/// customers. Crossovers stay in their first arm.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/clv", tag = "read", operation_id = "clv",
    params(
        OfExperiment, OfReading, OfComparison,
        ("metric" = Option<String>, Query, description = "Only this metric"),
        ("as_of" = Option<String>, Query, description = "As of the end of this day, in the tenant's time zone; without it, as of now, and predictions as of the last whole day"),
        ("predict" = Option<bool>, Query, description = "Whether to predict what is still to come"),
        ("horizon" = Option<u32>, Query, description = "Days to look ahead; 365 where it is absent", minimum = 1, maximum = 3650),
        ("discount" = Option<f64>, Query, description = "What a month takes off the value of what comes after it; 0.01 where it is absent", minimum = 0.0, maximum = 1.0),
        ("repetitions" = Option<u32>, Query, description = "Resamples for the intervals of what is predicted; 100 where it is absent", minimum = 20, maximum = 1000),
        Held
    ),
    responses(
        (status = 200, description = "The lifetime values", body = Clv,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        Otherwise
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn clv(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&uri, &headers, PARAMETERS)?;
    let ahead = Ahead::read(&uri)?;
    let detail = ahead.predict.then_some(store::Detail::Customers);
    // Fitting takes its time.
    let load = if ahead.predict { Load::Heavy } else { Load::Light };
    let asking = Asking { asked, route: format!("clv {ahead:?}"), detail, load };
    answer(&state, &tenant, &key, &headers, asking, move |look, asked| {
        let mut told = tell(look, asked)?;
        if ahead.predict && look.measured.complete {
            predict::add(look, &ahead, &mut told);
        }
        Ok(Json(told).into_response())
    })
    .await
}

/// How far ahead to look.
#[derive(Debug, Clone, Copy)]
struct Ahead {
    predict: bool,
    horizon_days: u32,
    discount: f64,
    repetitions: u32,
}

impl Ahead {
    fn read(uri: &Uri) -> Result<Self, ApiError> {
        let mut parameters = Parameters::of(uri, PARAMETERS)?;
        let predict = parameters.parse("predict", "true or false")?.unwrap_or(false);
        let days = "a whole number of days from 1 to 3650";
        let horizon_days = parameters.parse("horizon", days)?.unwrap_or(365);
        if !(1..=3650).contains(&horizon_days) {
            return Err(invalid("horizon", &horizon_days.to_string(), days));
        }
        let share = "a share of a month from 0 to 1, such as 0.01";
        let discount: f64 = parameters.parse("discount", share)?.unwrap_or(0.01);
        if !(0.0..=1.0).contains(&discount) {
            return Err(invalid("discount", &discount.to_string(), share));
        }
        let count = "a whole number from 20 to 1000";
        let repetitions = parameters.parse("repetitions", count)?.unwrap_or(100);
        if !(metrics::clv::FEWEST_REPETITIONS..=1000).contains(&repetitions) {
            return Err(invalid("repetitions", &repetitions.to_string(), count));
        }
        Ok(Self { predict, horizon_days, discount, repetitions })
    }
}

fn tell(look: &Look, asked: &Asked) -> Result<Clv, ApiError> {
    let definition = &*look.measured.definition;
    let is_clv = |at: &usize| matches!(definition.metrics[*at].kind, MetricKind::Clv { .. });
    if let Some(at) = look.plan.metric.filter(|at| !is_clv(at)) {
        return Err(invalid("metric", definition.metrics[at].key.as_str(), "a metric of the kind clv"));
    }
    let chosen: Vec<usize> = (0..definition.metrics.len())
        .filter(|at| is_clv(at) && look.plan.metric.is_none_or(|only| only == *at))
        .collect();
    let complete = look.measured.complete;
    let reason = match (complete, chosen.is_empty()) {
        (false, _) => Some(build::MEASURING.to_owned()),
        (true, true) => Some(NOTHING.to_owned()),
        (true, false) => None,
    };
    Ok(Clv {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        baseline: arm_key(look, look.plan.baseline),
        as_of: look.through.live.to_string(),
        matured_through: look.through.matured.to_string(),
        confidence: asked.confidence,
        fresh: look.fresh(),
        measuring: look.measuring(),
        metrics: if complete { factors(look, asked, &chosen) } else { Vec::new() },
        reason,
    })
}

fn factors(look: &Look, asked: &Asked, chosen: &[usize]) -> Vec<ClvMetric> {
    let definition = &*look.measured.definition;
    let (_, _, mut asking, mut telling) = question(look, asked);
    asking.policy = CrossoverPolicy::First;
    telling.question = asking;
    let reports = report(&asking, look.everyone(CrossoverPolicy::First));
    let told = reports.iter().filter(|report| chosen.contains(&report.metric)).filter_map(|report| {
        let metric = &definition.metrics[report.metric];
        let MetricKind::Clv { selector, lifespan } = &metric.kind else { return None };
        let arms = report.arms.iter().map(|arm| {
            let factors = arm.main.factors;
            let days = arm.main.moments.d.as_f64() / journey::UNIT as f64;
            ClvArm {
                arm: arm_key(look, arm.arm),
                purchases: arm.main.moments.orders,
                person_days: (arm.main.persons > 0).then_some(days),
                average_purchase_value: factors.and_then(|factors| factors.average_purchase_value),
                purchase_frequency: factors.and_then(|factors| factors.purchase_frequency),
                lifespan_days: factors.and_then(|factors| factors.lifespan_days),
                left: arm.main.moments.lifespans.as_ref().map(|lives| lives.left),
                days_at_risk: arm.main.moments.lifespans.as_ref().map(|lives| lives.days.as_f64()),
                clv: build::arm_result(definition, report.metric, report.maturity, arm, telling),
            }
        });
        Some(ClvMetric {
            metric: metric.key.as_str().to_owned(),
            event: selector.event.as_str().to_owned(),
            window_days: definition.window_days(report.metric),
            lifespan_days: lifespan.days(),
            inactive_days: lifespan.inactive_days(),
            lifespan_reason: speaks_of(*lifespan),
            maturity: build::maturity_word(report.maturity),
            arms: arms.collect(),
            prediction: None,
        })
    });
    told.collect()
}
