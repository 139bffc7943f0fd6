//! Where on the way through a funnel arms lose persons.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Lens, LensKind, Method, StepOrder};
use metrics::funnel::{Friction, Onward, Point, drop_index, funnel as funnel_of};
use metrics::lens::FIRST_STEP;
use utoipa::IntoParams;

use super::lens::{SHARED, asked_of, maturity_of, not_a_lens, selectors, sights, through, window_days};
use super::look::Look;
use super::question::Asked;
use super::{arm_key, question, told_interval};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::state::AppState;
use crate::wire::results::build;
use crate::wire::results::funnel::{FrictionInfo, FrictionPoint, FunnelAnswer, OnwardInfo, StepInfo};
use crate::wire::results::lens::{events, lens_info};

/// The parameters that all lenses share, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one; this is their description")]
pub(crate) struct LensParams {
    /// So many days after the exposure count; without it, the experiment's window.
    #[param(minimum = 1, maximum = 3650)]
    window_days: Option<u32>,
    /// As of the end of this day, in the tenant's time zone; without it, as of now.
    #[param(format = "date")]
    as_of: Option<String>,
    /// How differences are tested; without it, as the experiment says.
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
    /// `strong` (the default): everything acknowledged is in the numbers. `eventual`: as they stand.
    #[param(pattern = "^(strong|eventual)?$")]
    consistency: Option<String>,
}

const AMONG_THEM: &str = "of those who reached the step before, and who that is is a consequence of the arm: a description, \
                          not an effect; one reading";
const LOST_OF_ALL: &str = "shares of everyone exposed, in randomised groups: at this step more are lost and fewer go on, each \
                           significantly after Holm over steps and arms";
const BLOCKED: &str = "a blocking check failed: the groups may differ for other reasons than the arms";

/// Where on the way arms lose persons
///
/// Ordered steps within a window after the exposure. Causal are the shares of everyone exposed who reached a step (`reach`) and
/// who were lost at it (`drop`); how those who reached a step went on is a description. The friction point of an arm is the step
/// at which significantly more are lost and significantly fewer go on than under the baseline. A funnel that is asked for the
/// first time is measured from all events: 202 until that is done.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/funnel", tag = "read", operation_id = "funnel",
    params(
        ("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255),
        ("steps" = String, Query, description = "The steps in order: 2 to 12 event names between commas, or a JSON array of names and of objects with `event` and `where`", min_length = 1),
        ("order" = Option<String>, Query, description = "`loose` (the default): other events may lie between two steps; `strict`: none that the person did", pattern = "^(loose|strict)?$"),
        LensParams,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "The funnel", body = FunnelAnswer,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        (status = 202, description = "It is being measured", body = crate::wire::results::lens::Pending),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment"),
        (status = 409, description = "The experiment is archived, and was never looked at this way")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn funnel(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let known = [&["steps", "order"][..], &SHARED].concat();
    let asked = Asked::read_lens(&uri, &headers, &known)?;
    let lens = read(&mut Parameters::of(&uri, &known)?)?;
    let tell = |look: &Look, at: usize| Ok(Json(tell(look, at, &asked, &lens)).into_response());
    through(&state, &tenant, &key, &headers, (&asked, "funnel"), &lens, tell).await
}

fn read(parameters: &mut Parameters) -> Result<Lens, ApiError> {
    let wanted = "event names in order, such as Product Viewed,Product Added,Order Completed";
    let steps = parameters
        .text("steps")
        .ok_or_else(|| ApiError::parameter("missing_parameter", "steps", format!("is missing: send {wanted}")))?;
    let steps = selectors("steps", &steps)?;
    let order = match parameters.text("order") {
        None => StepOrder::Loose,
        Some(word) => StepOrder::parse(&word, "").map_err(|_| invalid("order", &word, "loose or strict"))?,
    };
    Lens::validate(LensKind::Funnel { steps, order }, window_days(parameters)?).map_err(|refusal| not_a_lens(&refusal))
}

fn tell(look: &Look, at: usize, asked: &Asked, lens: &Lens) -> FunnelAnswer {
    let definition = &*look.measured.definition;
    let LensKind::Funnel { steps, .. } = &lens.kind else { unreachable!("the lens of a funnel") };
    let (asking, telling) = asked_of(look, asked);
    let checks = question(look, asked).1;
    let window_days = definition.lens_window_days(at);
    let found = funnel_of(&asking, &sights(look, at), steps.len(), window_days);
    let telling = build::Telling {
        question: metrics::report::Question { definition: &found.shares.definition, ..asking },
        ..telling
    };
    let share = |index: usize| build::metric(&found.shares.definition, &found.shares.reports[index], telling);
    let step_info = |(step, onward): (usize, &Vec<Onward>)| StepInfo {
        step,
        event: events(&steps[step - FIRST_STEP]),
        reach: share(step - FIRST_STEP),
        drop: share(drop_index(steps.len(), step)),
        onward: onward.iter().enumerate().map(|(arm, onward)| onward_info(look, arm, onward)).collect(),
    };
    let point = |point: &Point| FrictionPoint {
        step: point.step,
        event: events(&steps[point.step - FIRST_STEP]),
        difference: point.difference,
        p_value_adjusted: point.p_value_adjusted,
    };
    let anytime = asking.method == Method::Sequential;
    let friction = |friction: &Friction| FrictionInfo {
        arm: arm_key(look, friction.arm),
        point: friction.point.as_ref().map(point),
        relief: friction.relief.as_ref().map(point),
        sentence: sentence(look, friction, steps),
        causal: !asking.blocked,
        anytime,
        reason: if asking.blocked { BLOCKED } else { LOST_OF_ALL },
    };
    FunnelAnswer {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        baseline: arm_key(look, look.plan.baseline),
        lens: lens_info(lens),
        window_days,
        as_of: look.through.live.to_string(),
        matured_through: look.through.matured.to_string(),
        method: look.plan.method.word(),
        confidence: asked.confidence,
        maturity: build::maturity_word(maturity_of(look, at, asked.maturity)),
        exploratory: look.plan.exploratory,
        fresh: look.fresh(),
        measuring: look.measuring(),
        checks: checks.iter().map(build::check).collect(),
        steps: (FIRST_STEP..).zip(&found.steps).map(step_info).collect(),
        friction: found.friction.iter().map(friction).collect(),
    }
}

fn onward_info(look: &Look, arm: usize, onward: &Onward) -> OnwardInfo {
    OnwardInfo {
        arm: arm_key(look, arm),
        from: onward.from,
        reached: onward.reached,
        rate: (onward.from > 0).then(|| onward.reached as f64 / onward.from as f64),
        interval: told_interval(onward.interval),
        median_seconds: onward.median_seconds,
        p90_seconds: onward.p90_seconds,
        causal: false,
        anytime: false,
        reason: AMONG_THEM,
    }
}

fn sentence(look: &Look, friction: &Friction, steps: &[journey::Selector]) -> String {
    let arm = arm_key(look, friction.arm);
    let at = |point: &Point| format!("step {} ({})", point.step, events(&steps[point.step - FIRST_STEP]));
    let per_hundred = |point: &Point| format!("{:.2}", point.difference.abs() * 100.0);
    match (&friction.point, &friction.relief) {
        (Some(point), _) => format!(
            "{arm} loses {} more of 100 exposed persons at {} than the baseline.",
            per_hundred(point),
            at(point)
        ),
        (None, Some(relief)) => format!(
            "No friction point was found; {arm} loses {} fewer of 100 exposed persons at {}.",
            per_hundred(relief),
            at(relief)
        ),
        (None, None) => format!("No friction point was found in {arm}."),
    }
}
