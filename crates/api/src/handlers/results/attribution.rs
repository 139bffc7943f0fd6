//! Which touches get the credit for conversions, and what the arms caused.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Amount, DAY_MICROS, Lens, LensKind, Path, Touch, UNIT};
use metrics::attribution::{ArmCredit, Attribution, Caused, Line, Model, Who, attribution as attribution_of};

use super::described::{AsOf, OfComparison, OfLens, OfReading};
use super::lens::{SHARED, Seen, not_a_lens, one_selector, through, told, window_days};
use super::look::Look;
use super::question::Asked;
use super::{Load, arm_key};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::state::AppState;
use crate::wire::decimal::decimal;
use crate::wire::results::attribution::{AdditionalInfo, ArmCreditInfo, AttributionAnswer, CausedInfo, CreditInfo};
use crate::wire::results::build::{self, estimated};
use crate::wire::results::lens::called;
use crate::wire::results::{Estimated, Reasons};

const OWN: [&str; 6] = ["model", "by", "conversion", "lookback_days", "half_life_days", "limit"];
/// A touch counts for conversions up to so many days later, unless it is said otherwise.
const LOOKBACK_DAYS: u32 = 30;
/// After so many days a touch weighs half as much, unless it is said otherwise.
const HALF_LIFE_DAYS: i64 = 7;
/// So many labels stand alone, unless it is said otherwise.
const LIMIT: usize = 12;
const MAX_LIMIT: usize = 100;

const NOT_CAUSED: &str = "credit is divided by a rule among touches that came before conversions: who is touched differs from \
                          who is not, and conversions that would have come anyway are divided too; what the arm caused \
                          stands beside";
const CREDIT_MOVED: &str = "randomised groups, on a credit defined for everyone exposed: an effect of the arm on what the \
                            model credits, which is not what the label caused";
const NOT_JUDGED: &str = "the credit of this model is no sum over persons, so only its size is compared";
const BLOCKED: &str = "a blocking check failed: the groups may differ for other reasons than the arms";

/// Which touches get the credit, and what the arms caused
///
/// Conversions after the exposure, and their value, are divided among the touches before them: by channel, campaign, tactic, item or
/// any path, by one of seven models. The lines of an arm add up exactly to what its persons converted. No model says what a touch
/// caused; what the *arm* caused, the difference of conversions of everyone exposed to those of the baseline, stands beside, and
/// labels whose credit beyond the baseline exceeds it are marked as over-credited. What is asked for the first time is measured
/// from all events: 202 until that is done.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/attribution", tag = "read", operation_id = "attribution",
    params(
        ("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255),
        ("model" = Option<String>, Query, description = "`first`, `last`, `linear` (the default), `position` (40/20/40), `time_decay`, `markov` (removal effects, at most 50 labels apart) or `shapley` (at most 12 labels apart). All of them are kept: another model is a read", pattern = "^(first|last|linear|position|time_decay|markov|shapley)?$"),
        ("by" = Option<String>, Query, description = "What a touch is called by: `channel` (the default), `campaign` (`context.campaign.name`), `tactic` (`properties.tactic`), `item` (`properties.product_id`), `event` (its name), or a path such as `properties.creative`; events without it are no touches"),
        ("conversion" = Option<String>, Query, description = "The events that are conversions: a name, or a JSON object with `event` and `where`; `Order Completed` where it is absent"),
        ("lookback_days" = Option<u32>, Query, description = "A touch counts for conversions up to so many days later; 30 where it is absent", minimum = 1, maximum = 3650),
        ("half_life_days" = Option<f64>, Query, description = "After so many days a touch weighs half as much, by `time_decay`; 7 where it is absent", exclusive_minimum = 0.0, maximum = 3650.0),
        ("limit" = Option<usize>, Query, description = "So many labels stand alone, those with the most linear credit; 12 where it is absent", minimum = 1, maximum = 100),
        OfLens, AsOf, OfComparison, OfReading,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "The credit", body = AttributionAnswer,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        (status = 202, description = "It is being measured: ask again", body = crate::wire::results::lens::Pending,
            headers(("Retry-After" = u64, description = "In so many seconds"))),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment"),
        (status = 409, description = "The experiment is archived, and was never looked at this way")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn attribution(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let known = [&OWN[..], &SHARED].concat();
    let asked = Asked::read_lens(&uri, &headers, &known)?;
    let own = Own::read(&mut Parameters::of(&uri, &known)?)?;
    let route = format!("attribution {} {}", own.model.word(), own.limit);
    let (asking, lens) = ((asked, route.as_str(), Load::Heavy), own.lens.clone());
    through(&state, &tenant, &key, &headers, asking, lens, move |seen| Json(tell(&seen, &own)).into_response()).await
}

/// What is asked here and nowhere else.
struct Own {
    model: Model,
    limit: usize,
    lens: Lens,
}

impl Own {
    fn read(parameters: &mut Parameters) -> Result<Self, ApiError> {
        let words: Vec<&str> = Model::ALL.iter().map(|model| model.word()).collect();
        let model = match parameters.text("model") {
            None => Model::Heuristic(metrics::attribution::Heuristic::Linear),
            Some(word) => Model::parse(&word).ok_or_else(|| invalid("model", &word, &words.join(" or ")))?,
        };
        let by = match parameters.text("by") {
            None => touch("channel")?,
            Some(word) => touch(&word)?,
        };
        let conversion = parameters.text("conversion").unwrap_or_else(|| journey::names::ORDER.to_owned());
        let conversion = one_selector("conversion", &conversion)?;
        let wanted = "a whole number of days from 1 to 3650";
        let lookback_days = Some(parameters.parse("lookback_days", wanted)?.unwrap_or(LOOKBACK_DAYS));
        let half_life_micros = match parameters.text("half_life_days") {
            None => HALF_LIFE_DAYS * DAY_MICROS,
            Some(text) => half_life(&text).ok_or_else(|| {
                invalid("half_life_days", &text, "a number of days above 0 and up to 3650, such as 7 or 0.5")
            })?,
        };
        let wanted = format!("a whole number from 1 to {MAX_LIMIT}");
        let limit = parameters.parse("limit", &wanted)?.unwrap_or(LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(invalid("limit", &limit.to_string(), &wanted));
        }
        let kind = LensKind::Attribution { by, conversion, lookback_days, half_life_micros };
        let lens = Lens::validate(kind, window_days(parameters)?).map_err(|refusal| not_a_lens(&refusal))?;
        Ok(Self { model, limit, lens })
    }
}

/// What a touch is called by, under its short name or as a path.
fn touch(word: &str) -> Result<Touch, ApiError> {
    let path = match word {
        "event" => return Ok(Touch::Event),
        "campaign" => "context.campaign.name",
        "tactic" => "properties.tactic",
        "item" => "properties.product_id",
        path => path,
    };
    let wanted = "channel, campaign, tactic, item, event or a path such as properties.creative";
    Path::parse(path, "").map(Touch::Path).map_err(|_| invalid("by", word, wanted))
}

/// A half-life in microseconds.
fn half_life(text: &str) -> Option<i64> {
    let units = Amount::parse(text, "").ok()?.units();
    // A day has a whole number of microseconds for each millionth of it.
    let micros = units.checked_mul(DAY_MICROS / UNIT)?;
    (1..=3_650 * DAY_MICROS).contains(&micros).then_some(micros)
}

fn tell(seen: &Seen<'_>, own: &Own) -> AttributionAnswer {
    let (look, blocked) = (seen.look, seen.question.blocked);
    let LensKind::Attribution { by, lookback_days, half_life_micros, .. } = &own.lens.kind else {
        unreachable!("the lens of an attribution")
    };
    let found = attribution_of(&seen.question, &seen.arms, own.model, own.limit, seen.window_days);
    let telling = seen.telling_of(&found.effects.definition);
    let effect = |index: usize| build::metric(&found.effects.definition, &found.effects.reports[index], telling);
    told! { AttributionAnswer of seen;
        model: own.model.word(),
        model_meaning: own.model.meaning(),
        by: called(by).to_owned(),
        lookback_days: *lookback_days,
        half_life_days: *half_life_micros as f64 / DAY_MICROS as f64,
        causal: false,
        causal_reason: NOT_CAUSED,
        conversions: effect(0),
        value: effect(1),
        arms: arms(look, &found, own.model, blocked),
    }
}

fn arms(look: &Look, found: &Attribution, model: Model, blocked: bool) -> Vec<ArmCreditInfo> {
    let arm = |(at, credit): (usize, &ArmCredit)| {
        let mut reasons = Reasons::new();
        let chain = credit
            .chain
            .and_then(|chain| chain.map_err(|reason| reasons.insert("chain_conversion", reason.to_string())).ok());
        ArmCreditInfo {
            arm: arm_key(look, at),
            persons: credit.persons,
            conversions: decimal(&credit.all.count, 6),
            value: decimal(&credit.all.value, 6),
            cut_persons: credit.cut_persons,
            caused: credit.caused.as_ref().map(caused),
            chain_conversion: chain,
            credits: credit.lines.iter().map(|line| credit_info(line, model, blocked)).collect(),
            sentence: sentence(&arm_key(look, at), credit),
            reasons,
        }
    };
    found.arms.iter().enumerate().map(arm).collect()
}

fn caused(caused: &Caused) -> CausedInfo {
    let mut reasons = Reasons::new();
    CausedInfo {
        conversions: estimated(caused.amount.conversions, ["conversions", "conversions.interval"], &mut reasons),
        value: estimated(caused.amount.value, ["value", "value.interval"], &mut reasons),
        causal: caused.causal.holds,
        causal_reason: caused.causal.reason,
        anytime: caused.anytime.conversions.holds,
        anytime_reason: caused.anytime.conversions.reason,
        value_anytime: caused.anytime.value.holds,
        value_anytime_reason: caused.anytime.value.reason,
        reasons,
    }
}

fn credit_info(line: &Line, model: Model, blocked: bool) -> CreditInfo {
    let mut reasons = Reasons::new();
    let (kind, label, labels) = match &line.who {
        Who::Label(label) => ("label", Some(label.to_string()), 1),
        Who::Others(labels) => ("others", None, *labels),
        Who::Untouched => ("untouched", None, 0),
    };
    let mut units = |credit: Result<i128, metrics::inference::Undefined>, name: &'static str| {
        credit.map_err(|reason| reasons.insert(name, reason.to_string())).ok().map(|units| decimal(&units, 6))
    };
    let (conversions, value) = (units(line.credit.conversions, "conversions"), units(line.credit.value, "value"));
    let share = estimated(line.share.conversions, ["share", "share.interval"], &mut reasons);
    let value_share = estimated(line.share.value, ["value_share", "value_share.interval"], &mut reasons);
    CreditInfo {
        kind,
        label,
        labels,
        conversions,
        value,
        share,
        value_share,
        causal: false,
        additional: line.additional.map(|additional| {
            let mut reasons = Reasons::new();
            let told = |value, names, reasons: &mut Reasons| -> Estimated { estimated(value, names, reasons) };
            let over = line.over_credited;
            let (causal, causal_reason) = match (blocked, model) {
                (true, _) => (false, BLOCKED),
                (false, Model::Heuristic(_)) => (true, CREDIT_MOVED),
                (false, _) => (false, NOT_JUDGED),
            };
            AdditionalInfo {
                conversions: told(additional.conversions, ["conversions", "conversions.interval"], &mut reasons),
                value: told(additional.value, ["value", "value.interval"], &mut reasons),
                over_credited: over.and_then(|over| over.conversions),
                value_over_credited: over.and_then(|over| over.value),
                causal,
                causal_reason,
                reasons,
            }
        }),
        reasons,
    }
}

/// Which labels take credit for more than the whole arm caused.
fn sentence(arm: &str, credit: &ArmCredit) -> Option<String> {
    let caused = credit.caused.as_ref()?.amount.conversions.interval.ok()?;
    let over = credit.lines.iter().filter(|line| line.over_credited.is_some_and(|over| over.conversions == Some(true)));
    let named: Vec<String> = over
        .filter_map(|line| match (&line.who, line.additional) {
            (Who::Label(label), Some(additional)) => {
                Some(format!("{label} with {:.1}", additional.conversions.value.ok()?))
            }
            _ => None,
        })
        .collect();
    (!named.is_empty()).then(|| {
        format!(
            "Over-credited: {} conversions beyond the baseline, where all of {arm} caused {:.1} to {:.1}.",
            named.join(", "),
            caused.low,
            caused.high
        )
    })
}
