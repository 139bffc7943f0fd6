//! Where on the way through a funnel arms lose persons.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Lens, LensKind, Method, StepOrder};
use metrics::funnel::{Friction, Onward, Point, drop_index, funnel as funnel_of};
use metrics::lens::FIRST_STEP;

use super::described::{AsOf, OfComparison, OfLens, OfReading};
use super::lens::{SHARED, Seen, not_a_lens, selectors, through, told, window_days};
use super::look::Look;
use super::question::Asked;
use super::{Load, arm_key, told_interval};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::state::AppState;
use crate::wire::results::build;
use crate::wire::results::funnel::{FrictionInfo, FrictionPoint, FunnelAnswer, OnwardInfo, StepInfo};
use crate::wire::results::lens::events;

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
        OfLens, AsOf, OfComparison, OfReading,
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
    let asking = (asked, "funnel", Load::Light);
    through(&state, &tenant, &key, &headers, asking, lens, |seen| Json(tell(&seen)).into_response()).await
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

fn tell(seen: &Seen<'_>) -> FunnelAnswer {
    let LensKind::Funnel { steps, .. } = &seen.lens.kind else { unreachable!("the lens of a funnel") };
    let (look, asking) = (seen.look, seen.question);
    let found = funnel_of(&asking, &seen.arms, steps.len(), seen.window_days);
    let telling = seen.telling_of(&found.shares.definition);
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
    told! { FunnelAnswer of seen;
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
