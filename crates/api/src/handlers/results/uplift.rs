//! Whether a score that was known before the exposure finds those who respond.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Bin, Derived, Experiment, Role};
use metrics::report::{Maturity, Question, UpliftReport, uplift as uplift_of};
use store::MAX_DIMENSION_VALUES;
use utoipa::IntoParams;

use super::look::Look;
use super::question::Asked;
use super::{Asking, Load, answer, arm_key, breakdown, question};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::state::AppState;
use crate::wire::results::build::{self, Telling};
use crate::wire::results::uplift::{self as told, UpliftAnswer};

const PARAMETERS: &[&str] = &[
    "score",
    "metric",
    "as_of",
    "method",
    "confidence",
    "maturity",
    "baseline",
    "crossovers",
    "explain",
    "consistency",
];

/// The parameters of uplift, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one; this is their description")]
pub(crate) struct OfUplift {
    /// Where the score stands, such as `properties.score`: the experiment has a dimension `bin(SCORE,STEP)` of it. Without it, the
    /// first such dimension.
    score: Option<String>,
    /// The metric; without it, the first primary one.
    metric: Option<String>,
    /// As of the end of this day, in the tenant's time zone; without it, as of now.
    #[param(format = "date")]
    as_of: Option<String>,
    /// How lifts are tested; without it, as the experiment says.
    #[param(value_type = Option<crate::wire::schema::Method>)]
    method: Option<String>,
    /// The confidence of intervals; 0.95 where it is absent.
    #[param(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    confidence: Option<f64>,
    /// The reading: `matured` (closed windows, the default) or `live` (everyone exposed).
    #[param(pattern = "^(matured|live)?$")]
    maturity: Option<String>,
    /// The arm that the others are compared with; without it, control.
    baseline: Option<String>,
    /// What happens to crossovers; without it, as the experiment says.
    #[param(value_type = Option<crate::wire::schema::Crossovers>)]
    crossovers: Option<String>,
    /// Whether the steps of every decile are told.
    explain: Option<bool>,
    /// `strong` (the default): everything acknowledged is in the numbers. `eventual`: as they stand.
    #[param(pattern = "^(strong|eventual)?$")]
    consistency: Option<String>,
}

/// Whether a score finds those who respond
///
/// One metric by deciles of a score that was known before the exposure (a dimension `bin(PATH,STEP)`): the KPI and the lift of each
/// decile, whether the score predicts conversions in the baseline, and the Qini curve with its coefficient, which says whether those
/// with high scores respond more than others. Where the arms are composed differently by the score - as where an engine scores
/// only those it treats - the check `sample_ratio_by_dimension` says so, and nothing here is an effect.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/uplift", tag = "read", operation_id = "uplift",
    params(
        ("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255),
        OfUplift,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "The deciles", body = UpliftAnswer,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn uplift(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut asked = Asked::read(&uri, &headers, PARAMETERS)?;
    let score = Parameters::of(&uri, PARAMETERS)?.text("score");
    let (experiment, _) = tenant.experiment(key.as_str()).await?.ok_or_else(|| ApiError::not_found("experiment"))?;
    let (dimension, bin) = binned(&experiment, score.as_deref())?;
    asked.by = Some(dimension);
    let asking = Asking { asked, route: "uplift".to_owned(), detail: None, load: Load::Heavy };
    answer(&state, &tenant, &key, &headers, asking, move |look, asked| {
        Ok(Json(tell(look, asked, &bin)?).into_response())
    })
    .await
}

/// The dimension that holds the bins of the score.
fn binned(experiment: &Experiment, score: Option<&str>) -> Result<(String, Bin), ApiError> {
    let bins = experiment.dimensions.iter().filter_map(|dimension| match dimension.derived() {
        Some(Derived::Bin(bin)) => Some((dimension.as_str().to_owned(), bin)),
        _ => None,
    });
    let bins: Vec<(String, Bin)> = bins.collect();
    let is_meant = |(name, bin): &&(String, Bin)| score.is_none_or(|score| score == name || score == bin.path.as_str());
    bins.iter().find(is_meant).cloned().ok_or_else(|| {
        let path = score.filter(|score| !score.starts_with("bin(")).unwrap_or("properties.score");
        let remedy = format!("a score of which the experiment has bins: add the dimension bin({path},0.05) to it");
        let names: Vec<&str> = bins.iter().map(|(_, bin)| bin.path.as_str()).collect();
        match (score, names.as_slice()) {
            (Some(score), []) => invalid("score", score, &remedy),
            (Some(score), names) => invalid("score", score, &format!("one of {}, or {remedy}", names.join(", "))),
            (None, _) => ApiError::parameter("missing_parameter", "score", format!("there is none: name {remedy}")),
        }
    })
}

fn tell(look: &Look, asked: &Asked, bin: &Bin) -> Result<UpliftAnswer, ApiError> {
    let definition = &*look.measured.definition;
    let uses = &definition.experiment.metrics;
    let metric =
        look.plan.metric.unwrap_or_else(|| uses.iter().position(|used| used.role == Role::Primary).unwrap_or(0));
    let Some(named) = definition.metrics.get(metric) else {
        return Err(ApiError::bad_request(
            "no_metrics",
            "The experiment uses no metric, so nobody can respond in one.",
        ));
    };
    let (_, mut found, question, telling) = question(look, asked);
    let question = Question { weights: look.weights_by_value(), ..question };
    let composition = breakdown::composition(look);
    let composed_alike = composition.as_ref().is_none_or(|check| check.ok);
    found.extend(composition);
    let report: Result<UpliftReport, String> = match &look.measured.dimension {
        Some(by_value) if look.measured.complete => {
            if by_value.too_many_values {
                let count = MAX_DIMENSION_VALUES + 1;
                Err(format!(
                    "the score has {count} bins or more, and at most {MAX_DIMENSION_VALUES} are told: use a larger step"
                ))
            } else {
                let rows = by_value.rows.iter().map(|(key, row)| (key, row));
                Ok(uplift_of(&question, metric, (bin, rows), look.through, composed_alike))
            }
        }
        _ => Err(build::MEASURING.to_owned()),
    };
    // How fast the persons of one decile join is not known.
    let telling = Telling { persons_per_day: None, ..telling };
    let windowed = definition.window_days(metric).is_some();
    let report = report.as_ref();
    Ok(UpliftAnswer {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        baseline: arm_key(look, look.plan.baseline),
        dimension: asked.by.clone().unwrap_or_default(),
        score: bin.path.as_str().to_owned(),
        metric: named.key.as_str().to_owned(),
        kind: named.kind.word(),
        goal: named.goal.word(),
        as_of: look.through.live.to_string(),
        matured_through: look.through.matured.to_string(),
        method: look.plan.method.word(),
        confidence: asked.confidence,
        crossovers: look.plan.policy.word(),
        maturity: build::maturity_word(if windowed { asked.maturity } else { Maturity::Live }),
        fresh: look.fresh(),
        measuring: look.measuring(),
        exploratory: look.plan.exploratory,
        checks: if look.measured.complete { found.iter().map(build::check).collect() } else { Vec::new() },
        reason: report.err().cloned(),
        without_score: report.ok().map(|report| report.without_score),
        deciles: report.ok().map(|report| told::deciles(definition, report, telling)),
        comparisons: report.map_or(Vec::new(), |report| told::comparisons(definition, report)),
        qini: report.map_or(Vec::new(), |report| report.arms.iter().map(|arm| told::qini(definition, arm)).collect()),
        calibration: report.ok().and_then(|report| report.calibration.as_ref().ok()).map(told::calibration),
        calibration_reason: match report {
            Ok(report) => report.calibration.as_ref().err().cloned(),
            Err(reason) => Some(reason.clone()),
        },
    })
}
