//! Answers through a lens: what an experiment keeps of the order of events, because it was asked for.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use journey::{CrossoverPolicy, Definition, Invalid, Json as Document, Key, Lens, Pattern, Selector};
use metrics::lens::{ArmSights, Sights, SightsByDay};
use metrics::report::{Check, Maturity, Question};
use metrics::tally::{Row, RowKey};
use store::{Detail, Looking, TenantStore};

use super::look::{Look, look};
use super::question::Asked;
use super::{Load, deliver, question};
use crate::fields::Fields;
use crate::handlers::experiments::refused;
use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::state::AppState;
use crate::wire::metric::filters;
use crate::wire::results::build::Telling;
use crate::wire::results::lens::{Pending, lens_info};

/// The parameters that all answers through lenses share, beside their own.
pub(super) const SHARED: [&str; 7] =
    ["window_days", "as_of", "method", "confidence", "maturity", "baseline", "consistency"];

/// What is seen through a lens, and all that its answer is made of.
pub(super) struct Seen<'a> {
    pub(super) look: &'a Look,
    pub(super) asked: &'a Asked,
    pub(super) lens: &'a Lens,
    /// Its number among the lenses of the experiment.
    at: usize,
    /// What the lens shows of each arm.
    pub(super) arms: Vec<ArmSights>,
    /// Its window in days.
    pub(super) window_days: Option<u32>,
    /// The reading of the main fields.
    pub(super) maturity: Maturity,
    /// Whether the data can be trusted.
    pub(super) checks: Vec<Check>,
    /// The question: crossovers stay in their first arm in every lens.
    pub(super) question: Question<'a>,
    /// How its answer is told.
    pub(super) telling: Telling<'a>,
}

/// The fields that answers through lenses share, and then their own.
macro_rules! told {
    ($name:ident of $seen:expr; $($own:tt)*) => {{
        let seen: &$crate::handlers::results::lens::Seen<'_> = $seen;
        let look = seen.look;
        $name {
            experiment: look.measured.definition.experiment.key.as_str().to_owned(),
            control: super::arm_key(look, look.measured.definition.experiment.control),
            baseline: super::arm_key(look, look.plan.baseline),
            lens: $crate::wire::results::lens::lens_info(seen.lens),
            window_days: seen.window_days,
            as_of: look.through.live.to_string(),
            matured_through: look.through.matured.to_string(),
            method: look.plan.method.word(),
            confidence: seen.asked.confidence,
            maturity: $crate::wire::results::build::maturity_word(seen.maturity),
            exploratory: look.plan.exploratory,
            fresh: look.fresh(),
            measuring: look.measuring(),
            checks: seen.checks.iter().map($crate::wire::results::build::check).collect(),
            $($own)*
        }
    }};
}
pub(super) use told;

impl<'a> Seen<'a> {
    fn of(look: &'a Look, at: usize, asked: &'a Asked, lens: &'a Lens) -> Self {
        let (_, checks, question, telling) = question(look, asked);
        let question = Question { policy: CrossoverPolicy::First, ..question };
        let definition = &*look.measured.definition;
        let window_days = definition.lens_window_days(at);
        Self {
            look,
            asked,
            lens,
            at,
            arms: metrics::lens::read(definition, at, rows(look), look.through),
            window_days,
            maturity: if window_days.is_some() { asked.maturity } else { Maturity::Live },
            checks,
            question,
            telling: Telling { question, ..telling },
        }
    }

    /// What each day changes in what the lens shows of each arm, by `wanted` keys.
    pub(super) fn by_day(&self, wanted: impl Fn(&str) -> bool) -> SightsByDay {
        metrics::lens::by_day(&self.look.measured.definition, self.at, rows(self.look), self.look.through.live, wanted)
    }

    /// How the answer to a question about another definition is told: one in which shares stand for metrics.
    pub(super) fn telling_of<'b>(&self, definition: &'b Definition) -> Telling<'b>
    where
        'a: 'b,
    {
        Telling { question: Question { definition, ..self.question }, ..self.telling }
    }
}

fn rows(look: &Look) -> impl Iterator<Item = (&RowKey, &Row)> {
    look.measured.detail.iter().flat_map(|detail| detail.rows.iter().map(|(key, row)| (key, row)))
}

/// Looks at an experiment through `lens`, and tells what it sees where the client does not hold it already.
///
/// Whoever asks first has the experiment look through it from now on; where that takes longer than an answer may, the answer
/// is 202 and says how far it is.
pub(super) async fn through(
    state: &AppState,
    tenant: &TenantStore,
    key: &Key,
    headers: &HeaderMap,
    (asked, route, load): (Asked, &str, Load),
    lens: Lens,
    tell: impl FnOnce(Seen<'_>) -> Response + Send + 'static,
) -> Result<Response, ApiError> {
    let detail = Some(Detail::Lens(&lens));
    let mut look_at = look(state, tenant, key.as_str(), &asked, detail).await?;
    if place(&look_at, &lens).is_none() {
        match tenant.look_through(key, &lens, state.bounds.read_budget).await.map_err(refused)? {
            Looking::NoExperiment => return Err(ApiError::not_found("experiment")),
            Looking::Ready => look_at = look(state, tenant, key.as_str(), &asked, detail).await?,
            Looking::Measuring(_) => return Ok(pending(&look_at, key, &lens)),
        }
    }
    let Some(at) = place(&look_at, &lens).filter(|_| look_at.measured.complete) else {
        return Ok(pending(&look_at, key, &lens));
    };
    let etag = look_at.etag(tenant, &asked, &format!("{route} {lens:?}"));
    deliver(state, headers, (&etag, look_at.now), load, move || Ok(tell(Seen::of(&look_at, at, &asked, &lens)))).await
}

fn place(look: &Look, lens: &Lens) -> Option<usize> {
    look.measured.definition.experiment.lenses.iter().position(|kept| kept == lens)
}

fn pending(look: &Look, key: &Key, lens: &Lens) -> Response {
    let body = Pending {
        experiment: key.as_str().to_owned(),
        lens: lens_info(lens),
        measuring: look.measuring(),
        reason: "the experiment is being measured, from all its events, so that this question can be answered now and \
                 from now on at once: ask again in a moment",
    };
    let retry = [
        (header::RETRY_AFTER, HeaderValue::from_static("1")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::ACCEPTED, retry, Json(body)).into_response()
}

/// The reading of the main fields of one arm.
pub(super) fn main_of(arm: &ArmSights, maturity: Maturity) -> &Sights {
    match (&arm.matured, maturity) {
        (Some(matured), Maturity::Matured) => matured,
        _ => &arm.live,
    }
}

/// The window that was asked for.
pub(super) fn window_days(parameters: &mut Parameters) -> Result<Option<u32>, ApiError> {
    parameters.parse("window_days", "a whole number of days from 1 to 3650")
}

/// The refusal of what a lens can't be made of: the pointer names the parameter.
pub(super) fn not_a_lens(refusal: &Invalid) -> ApiError {
    let parameter = refusal.pointer.split('/').nth(1).unwrap_or_default();
    ApiError::parameter(refusal.code, parameter, refusal.detail.clone())
}

/// Events that a parameter names: names between commas, or a JSON array of names and of objects with `event` and `where`.
pub(super) fn selectors(parameter: &str, text: &str) -> Result<Vec<Selector>, ApiError> {
    let pointer = format!("/{parameter}");
    let read = || -> Result<Vec<Selector>, Invalid> {
        if !text.trim_start().starts_with('[') {
            return text.split(',').map(|name| named(name, &pointer)).collect();
        }
        let not_json =
            |_| Invalid::new("invalid_parameter", pointer.clone(), "is no JSON array, though it begins like one");
        let Document::List(items) = crate::json::parse(text.as_bytes()).map_err(not_json)? else {
            return Err(Invalid::new("invalid_parameter", pointer.clone(), "is no JSON array"));
        };
        items.into_iter().enumerate().map(|(at, item)| selector(item, &format!("{pointer}/{at}"))).collect()
    };
    read().map_err(|refusal| not_a_lens(&refusal))
}

fn named(name: &str, pointer: &str) -> Result<Selector, Invalid> {
    Ok(Selector { event: Pattern::parse(name, pointer)?, filters: Vec::new() })
}

fn selector(item: Document, pointer: &str) -> Result<Selector, Invalid> {
    if let Document::Text(name) = &item {
        return named(name, pointer);
    }
    let mut fields = Fields::new(item, pointer)?;
    let selector = selector_of(&mut fields)?;
    fields.finish(&["event", "where"])?;
    Ok(selector)
}

/// The events that `event` and `where` of an object name.
pub(super) fn selector_of(fields: &mut Fields) -> Result<Selector, Invalid> {
    let event = fields.required_text("event", "name the events")?;
    let event = Pattern::parse(&event, &fields.at("event"))?;
    Ok(Selector { event, filters: filters(fields)? })
}

/// One event that a parameter names, as for [`selectors`].
pub(super) fn one_selector(parameter: &str, text: &str) -> Result<Selector, ApiError> {
    let wrapped = if text.trim_start().starts_with('{') { format!("[{text}]") } else { text.to_owned() };
    let mut found = selectors(parameter, &wrapped)?;
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(invalid(parameter, text, "one event: a name, or an object with event and where")),
    }
}
