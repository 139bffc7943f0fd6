//! Through which lifecycle stages persons go.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Day, Invalid, Json as Document, Lens, LensKind, Name, Stage};
use metrics::inference::mean_interval;
use metrics::lens::read as read_lens;
use metrics::reading::Through;
use metrics::report::Question;
use metrics::stages::{Stages, reached};

use super::funnel::LensParams;
use super::lens::{SHARED, asked_of, main_of, maturity_of, not_a_lens, selector_of, sights, through, window_days};
use super::look::Look;
use super::question::Asked;
use super::{arm_key, question, told_interval};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::fields::Fields;
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::AppState;
use crate::wire::results::build::{self, Telling};
use crate::wire::results::lens::{events, lens_info};
use crate::wire::results::stages::{ArmStages, StageInfo, StagesAnswer, StagesOfArmOnDay, StagesOnDay, StayInfo};

/// The stages of a tenant that names none.
const USUAL: &str = "awareness,consideration,decision,loyalty";
/// So many days are told one by one.
const MOST_DAYS: usize = 400;
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
        LensParams,
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
    let tell = |look: &Look, at: usize| Ok(Json(tell(look, at, &asked, &lens)).into_response());
    through(&state, &tenant, &key, &headers, (&asked, "stages"), &lens, tell).await
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

fn tell(look: &Look, at: usize, asked: &Asked, lens: &Lens) -> StagesAnswer {
    let definition = &*look.measured.definition;
    let LensKind::Stages { stages } = &lens.kind else { unreachable!("the lens of stages") };
    let (asking, telling) = asked_of(look, asked);
    let window_days = definition.lens_window_days(at);
    let arms = sights(look, at);
    let shares = reached(&asking, &arms, stages.len(), window_days);
    let telling = Telling { question: Question { definition: &shares.definition, ..asking }, ..telling };
    let maturity = maturity_of(look, at, asked.maturity);
    let described = arms.iter().map(|arm| Stages::of(main_of(arm, maturity), stages.len())).enumerate();
    StagesAnswer {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        baseline: arm_key(look, look.plan.baseline),
        lens: lens_info(lens),
        window_days,
        as_of: look.through.live.to_string(),
        matured_through: look.through.matured.to_string(),
        method: look.plan.method.word(),
        confidence: asked.confidence,
        maturity: build::maturity_word(maturity),
        exploratory: look.plan.exploratory,
        fresh: look.fresh(),
        measuring: look.measuring(),
        checks: question(look, asked).1.iter().map(build::check).collect(),
        stages: stages
            .iter()
            .zip(&shares.reports)
            .map(|(stage, report)| StageInfo {
                stage: stage.name.as_str().to_owned(),
                by: stage.rule.as_ref().map_or_else(|| "stage".to_owned(), events),
                reached: build::metric(&shares.definition, report, telling),
            })
            .collect(),
        arms: described.map(|(arm, found)| arm_stages(look, arm, &found, stages, asked.confidence)).collect(),
        days: days(look, at, stages.len()),
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
fn days(look: &Look, at: usize, stages: usize) -> Vec<StagesOnDay> {
    let definition = &look.measured.definition;
    let rows = look.measured.detail.as_ref().map_or(&[][..], |detail| &detail.rows[..]);
    let Some(first) = rows.iter().map(|(key, _)| key.day).min() else { return Vec::new() };
    let last = look.through.live.number();
    let from = first.number().max(last - i32::try_from(MOST_DAYS).unwrap_or(i32::MAX) + 1);
    (from..=last)
        .map(|number| {
            let day = Day::from_number(number);
            let as_of = Through { live: day, matured: day, ..look.through };
            let arms = read_lens(definition, at, rows.iter().map(|(key, row)| (key, row)), as_of);
            let of_arm = |(arm, sights): (usize, &metrics::lens::ArmSights)| StagesOfArmOnDay {
                arm: arm_key(look, arm),
                persons: sights.live.persons,
                now: Stages::of(&sights.live, stages).now,
            };
            StagesOnDay { day: day.to_string(), arms: arms.iter().enumerate().map(of_arm).collect() }
        })
        .collect()
}
