//! Through which lifecycle stages persons go.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Invalid, Json as Document, Lens, LensKind, Name, Stage};
use metrics::inference::mean_interval;
use metrics::lens::{Sights, each_day};
use metrics::stages::{Stages, reached};

use super::described::{AsOf, OfComparison, OfLens, OfReading};
use super::lens::{SHARED, Seen, main_of, not_a_lens, selector_of, through, told, window_days};
use super::look::Look;
use super::question::Asked;
use super::{Load, arm_key, told_interval};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::fields::Fields;
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::AppState;
use crate::wire::results::build;
use crate::wire::results::lens::events;
use crate::wire::results::stages::{ArmStages, StageInfo, StagesAnswer, StagesOfArmOnDay, StagesOnDay, StayInfo};

/// The stages of a tenant that names none.
const USUAL: &str = "awareness,consideration,decision,loyalty";
/// So many days are told one by one.
const MOST_DAYS: i32 = 400;
const DESCRIPTION: &str = "who is in a stage, and for how long, is a consequence of the arm: a description, not an effect; intervals \
                           are those of one reading, and stays that have not ended are left out, so that means are low while persons \
                           still stay";

/// Through which lifecycle stages persons go
///
/// A person is in the stage that the last event since the exposure named (or that a rule on events gave). Causal is the share of
/// everyone exposed who reached a stage; persons in each stage over time, moves between stages and the length of stays are a
/// description. Stages that are asked for the first time are measured from all events: 202 until that is done.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/stages", tag = "read", operation_id = "stages",
    params(
        ("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255),
        ("stages" = Option<String>, Query, description = "The stages in order: 2 to 20 names between commas, or a JSON array of names and of objects with `stage`, `event` and `where`, whose events put a person there; without it awareness, consideration, decision and loyalty"),
        OfLens, AsOf, OfComparison, OfReading,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "The stages", body = StagesAnswer,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        (status = 202, description = "They are being measured", body = crate::wire::results::lens::Pending),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment"),
        (status = 409, description = "The experiment is archived, and was never looked at this way")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn stages(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let known = [&["stages"][..], &SHARED].concat();
    let asked = Asked::read_lens(&uri, &headers, &known)?;
    let mut parameters = Parameters::of(&uri, &known)?;
    let text = parameters.text("stages").unwrap_or_else(|| USUAL.to_owned());
    let window_days = window_days(&mut parameters)?;
    let stages = stages_of(&text).and_then(|stages| Lens::validate(LensKind::Stages { stages }, window_days));
    let lens = stages.map_err(|refusal| not_a_lens(&refusal))?;
    let asking = (asked, "stages", Load::Heavy);
    through(&state, &tenant, &key, &headers, asking, lens, |seen| Json(tell(&seen)).into_response()).await
}

fn stages_of(text: &str) -> Result<Vec<Stage>, Invalid> {
    if !text.trim_start().starts_with('[') {
        return text.split(',').map(|name| Ok(Stage { name: Name::parse(name, "/stages")?, rule: None })).collect();
    }
    let not_json = |_| Invalid::new("invalid_parameter", "/stages", "is no JSON array, though it begins like one");
    let Document::List(items) = crate::json::parse(text.as_bytes()).map_err(not_json)? else {
        return Err(Invalid::new("invalid_parameter", "/stages", "is no JSON array"));
    };
    let stage = |(at, item): (usize, Document)| {
        let pointer = format!("/stages/{at}");
        if let Document::Text(name) = &item {
            return Ok(Stage { name: Name::parse(name, &pointer)?, rule: None });
        }
        let mut fields = Fields::new(item, &pointer)?;
        let name = fields.required_text("stage", "name the stage")?;
        let name = Name::parse(&name, &fields.at("stage"))?;
        let rule = selector_of(&mut fields)?;
        fields.finish(&["stage", "event", "where"])?;
        Ok(Stage { name, rule: Some(rule) })
    };
    items.into_iter().enumerate().map(stage).collect()
}

fn tell(seen: &Seen<'_>) -> StagesAnswer {
    let LensKind::Stages { stages } = &seen.lens.kind else { unreachable!("the lens of stages") };
    let (look, confidence) = (seen.look, seen.asked.confidence);
    let shares = reached(&seen.question, &seen.arms, stages.len(), seen.window_days);
    let telling = seen.telling_of(&shares.definition);
    let described = seen.arms.iter().map(|arm| Stages::of(main_of(arm, seen.maturity), stages.len())).enumerate();
    told! { StagesAnswer of seen;
        stages: stages
            .iter()
            .zip(&shares.reports)
            .map(|(stage, report)| StageInfo {
                stage: stage.name.as_str().to_owned(),
                by: stage.rule.as_ref().map_or_else(|| "stage".to_owned(), events),
                reached: build::metric(&shares.definition, report, telling),
            })
            .collect(),
        arms: described.map(|(arm, found)| arm_stages(look, arm, &found, stages, confidence)).collect(),
        days: days(seen, stages.len()),
    }
}

fn arm_stages(look: &Look, arm: usize, found: &Stages, stages: &[Stage], confidence: f64) -> ArmStages {
    let shares = |row: &Vec<i64>| {
        let all: i64 = row.iter().sum();
        row.iter().map(|moves| (all > 0).then(|| *moves as f64 / all as f64)).collect()
    };
    ArmStages {
        arm: arm_key(look, arm),
        persons: found.persons,
        unknown: found.persons - found.now.iter().sum::<i64>(),
        now: found.now.clone(),
        moves: found.moves.clone(),
        move_shares: found.moves.iter().map(shares).collect(),
        stays: stages
            .iter()
            .enumerate()
            .map(|(at, stage)| StayInfo {
                stage: stage.name.as_str().to_owned(),
                ended: found.moves[at].iter().sum(),
                mean_seconds: found.mean_seconds[at],
                interval: told_interval(
                    found.stays[at].as_ref().map_err(|e| *e).and_then(|mean| mean_interval(mean, confidence)),
                ),
            })
            .collect(),
        causal: false,
        anytime: false,
        reason: DESCRIPTION,
    }
}

/// Persons in each stage at the end of each day since the first exposure.
fn days(seen: &Seen<'_>, stages: usize) -> Vec<StagesOnDay> {
    let look = seen.look;
    let rows = look.measured.detail.iter().flat_map(|detail| detail.rows.iter().map(|(key, row)| (key, row)));
    let mut days = Vec::new();
    each_day(&look.measured.definition, rows, look.through.live, MOST_DAYS, |day, arms| {
        let of_arm = |(arm, sights): (usize, &Sights)| StagesOfArmOnDay {
            arm: arm_key(look, arm),
            persons: sights.persons,
            now: Stages::of(sights, stages).now,
        };
        days.push(StagesOnDay { day: day.to_string(), arms: arms.iter().enumerate().map(of_arm).collect() });
    });
    days
}
