//! Who stays, who comes back, and when: curves per arm, from tallies.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{CrossoverPolicy, Definition, Lifespan, MetricKind};
use metrics::curves::{self, Cohorts, Curves, active_days, curves, ends_of, repeat_share};
use metrics::inference::{Interval, Undefined, wilson_interval};
use metrics::reading::{Through, nobody, read};

use super::described::{Held, OfExperiment, OfReading, Otherwise};
use super::look::Look;
use super::question::Asked;
use super::{Asking, Load, answer, arm_key, question, told_interval};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::state::AppState;
use crate::wire::results::retention::{
    ActiveDayInfo, ArmCurveInfo, ArmDays, ArmEventsInfo, CurveInfo, CurvePoint, LogRankInfo, MetricCurves, RepeatInfo,
    Retention, ShareInfo,
};
use crate::wire::results::{Estimated, Reasons, build};

const PARAMETERS: &[&str] = &["metric", "event", "as_of", "confidence", "inactive_days", "consistency"];
const ONE_READING: &str = "curves and their test hold for one reading at a time fixed beforehand; read often, they find \
                           what is not there";
const OF_EVERYONE: &str = "randomised groups, on a duration defined for everyone exposed";
const OF_BUYERS: &str = "of those who did it once, and who that is may differ by arm: a description, not an effect";
const BLOCKED: &str = "a blocking check failed: the groups may differ for other reasons than the arms";
const NO_CURVE: &str = "the metric keeps no curve: define it with \"curve\": true, and it is measured from all events";
const NOTHING: &str = "no metric of the experiment keeps its curve: define a conversion, a count, a retention or a clv with \
                       \"curve\": true";

/// Who stays, who comes back, and when
///
/// For every metric that keeps its curve: how long persons take to the event (and to the second one), or how long they stay,
/// after Kaplan and Meier, with the log-rank test between the arms. Days are those of the tenant's calendar, day 0 that of the
/// exposure. Crossovers stay in their first arm.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/retention", tag = "read", operation_id = "retention",
    params(
        OfExperiment, OfReading,
        ("metric" = Option<String>, Query, description = "Only this metric"),
        ("event" = Option<String>, Query, description = "Only metrics of this event"),
        ("as_of" = Option<String>, Query, description = "As of the end of this day, in the tenant's time zone; without it, of the last whole day"),
        ("inactive_days" = Option<u32>, Query, description = "After so many whole days without activity a person has left; 7 where it is absent", minimum = 1, maximum = 365),
        Held
    ),
    responses(
        (status = 200, description = "The curves", body = Retention,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        Otherwise
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn retention(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&uri, &headers, PARAMETERS)?;
    let own = Own::read(&uri)?;
    let route = format!("retention {} {:?}", own.inactive_days, own.event);
    let asking = Asking { asked, route, detail: Some(store::Detail::Spans), load: Load::Heavy };
    answer(&state, &tenant, &key, &headers, asking, move |look, asked| {
        Ok(Json(tell(look, asked, &own)?).into_response())
    })
    .await
}

/// What is asked here and nowhere else.
struct Own {
    event: Option<String>,
    inactive_days: u32,
}

impl Own {
    fn read(uri: &Uri) -> Result<Self, ApiError> {
        let mut parameters = Parameters::of(uri, PARAMETERS)?;
        let wanted = "a whole number of days from 1 to 365";
        let inactive_days = parameters.parse("inactive_days", wanted)?.unwrap_or(Lifespan::INACTIVE_DAYS);
        if !(1..=Lifespan::MAX_INACTIVE_DAYS).contains(&inactive_days) {
            return Err(invalid("inactive_days", &inactive_days.to_string(), wanted));
        }
        Ok(Self { event: parameters.text("event"), inactive_days })
    }
}

/// The metrics that are told: those that keep their curve, and every retention.
fn chosen(definition: &Definition, only: Option<usize>, event: Option<&str>) -> Result<Vec<usize>, ApiError> {
    let has = |at: usize| {
        let metric = &definition.metrics[at];
        metric.keeps.curve || matches!(metric.kind, MetricKind::Retention { .. })
    };
    let wanted = "a metric that keeps its curve: define it with \"curve\": true";
    if let Some(at) = only.filter(|at| !has(*at)) {
        return Err(invalid("metric", definition.metrics[at].key.as_str(), wanted));
    }
    let mut found: Vec<usize> =
        (0..definition.metrics.len()).filter(|at| has(*at) && only.is_none_or(|only| only == *at)).collect();
    if let Some(event) = event {
        found.retain(|at| event_of(definition, *at) == event);
        if found.is_empty() {
            return Err(invalid("event", event, "the event of a metric of the experiment that keeps its curve"));
        }
    }
    Ok(found)
}

fn event_of(definition: &Definition, metric: usize) -> &str {
    definition.metrics[metric].kind.selectors().first().map_or("", |selector| selector.event.as_str())
}

fn tell(look: &Look, asked: &Asked, own: &Own) -> Result<Retention, ApiError> {
    let definition = &*look.measured.definition;
    let chosen = chosen(definition, look.plan.metric, own.event.as_deref())?;
    let complete = look.measured.complete;
    let reason = match (complete, chosen.is_empty()) {
        (false, _) => Some(build::MEASURING.to_owned()),
        (true, true) => Some(NOTHING.to_owned()),
        (true, false) => None,
    };
    let blocked = question(look, asked).2.blocked;
    let told = |at: usize| metric_curves(look, at, (asked.confidence, own.inactive_days), blocked);
    Ok(Retention {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        as_of: look.through.matured.to_string(),
        confidence: asked.confidence,
        inactive_days: own.inactive_days,
        anytime: false,
        anytime_reason: ONE_READING,
        fresh: look.fresh(),
        measuring: look.measuring(),
        metrics: if complete { chosen.into_iter().map(told).collect() } else { Vec::new() },
        reason,
    })
}

fn metric_curves(look: &Look, at: usize, (confidence, inactive_days): (f64, u32), blocked: bool) -> MetricCurves {
    let definition = &*look.measured.definition;
    let metric = &definition.metrics[at];
    let is_retention = matches!(metric.kind, MetricKind::Retention { .. });
    let mut told = MetricCurves {
        metric: metric.key.as_str().to_owned(),
        kind: metric.kind.word(),
        event: event_of(definition, at).to_owned(),
        days: if is_retention { definition.curve_days(at) } else { definition.window_days(at) },
        curves: Vec::new(),
        active_days: None,
        repeat_purchases: None,
        returned: is_retention.then(|| returned(look, at, confidence)),
        reason: (!metric.keeps.curve).then(|| NO_CURVE.to_owned()),
    };
    let (Some(spans), true) = (&look.measured.detail, metric.keeps.curve) else { return told };
    let everyone = look.measured.everyone.iter().map(|(key, row)| (key, row));
    let spans = spans.rows.iter().map(|(key, row)| (key, row));
    let arms = curves::read(definition, at, everyone, spans, look.through.matured);
    let kinds = ends_of(&metric.kind);
    told.curves =
        kinds.iter().map(|ends| curve(look, &curves(&arms, *ends, inactive_days, confidence), blocked)).collect();
    if is_retention {
        let days = |(arm, cohorts): (usize, &Cohorts)| ArmDays {
            arm: arm_key(look, arm),
            days: active_days(cohorts, confidence)
                .into_iter()
                .map(|day| ActiveDayInfo {
                    day: day.day,
                    persons: day.persons,
                    active: day.active,
                    share: share(day.active, day.persons),
                    interval: told_interval(day.interval),
                })
                .collect(),
        };
        told.active_days = Some(arms.iter().enumerate().map(days).collect());
    } else if kinds.contains(&curves::Ends::Repeat) {
        let shares = arms.iter().enumerate().map(|(arm, cohorts)| {
            let found = repeat_share(cohorts, confidence);
            share_info(look, arm, (found.repeated, found.persons), found.interval)
        });
        let arms = shares.collect();
        told.repeat_purchases = Some(RepeatInfo { causal: false, causal_reason: OF_BUYERS, arms });
    }
    told
}

/// Who came back in the span of a retention, of those whose window has closed. Where it never does (rolling retention): of those
/// whose span has begun by the end of the last whole day, as nobody else can have come back.
fn returned(look: &Look, at: usize, confidence: f64) -> Vec<ShareInfo> {
    let definition = &*look.measured.definition;
    let whole_days = |last: journey::Day| {
        let rows = look.measured.everyone.iter().map(|(key, row)| (key, row));
        let through = Through { live: last, ..look.through };
        read(definition, rows, through, CrossoverPolicy::First)
            .remove("")
            .unwrap_or_else(|| nobody(definition, through))
    };
    let reading = whole_days(look.through.matured);
    let begun = match definition.metrics[at].kind {
        MetricKind::Retention { from_day, to_day: None, .. } => {
            Some(whole_days((0..from_day).fold(look.through.matured, |day, _| day.previous())))
        }
        _ => None,
    };
    let shares = reading.arms.iter().enumerate().map(|(arm, read)| {
        let sums = read.matured[at].as_ref().unwrap_or(&read.live[at]);
        let counted = i64::try_from(sums.y / i128::from(journey::UNIT)).unwrap_or(0);
        let begun = begun.as_ref().filter(|_| read.matured[at].is_none());
        let persons = begun.map_or(sums.n, |begun| begun.arms[arm].persons);
        share_info(look, arm, (counted, persons), wilson_interval(counted, persons, confidence))
    });
    shares.collect()
}

fn share_info(
    look: &Look,
    arm: usize,
    (counted, persons): (i64, i64),
    interval: Result<Interval, Undefined>,
) -> ShareInfo {
    ShareInfo {
        arm: arm_key(look, arm),
        persons,
        counted,
        share: share(counted, persons),
        interval: told_interval(interval),
    }
}

fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn curve(look: &Look, curves: &Curves, blocked: bool) -> CurveInfo {
    let mut reasons = Reasons::new();
    let log_rank = curves.log_rank.as_ref().map_err(|reason| reasons.insert("log_rank", reason.to_string())).ok();
    let (causal, causal_reason) = match (blocked, curves.ends.is_of_everyone()) {
        (true, _) => (false, BLOCKED),
        (false, true) => (true, OF_EVERYONE),
        (false, false) => (false, OF_BUYERS),
    };
    CurveInfo {
        ends: curves.ends.word(),
        meaning: curves.ends.meaning(),
        method: "kaplan_meier",
        causal,
        causal_reason,
        log_rank: log_rank.map(|test| LogRankInfo {
            chi_square: test.chi_square,
            degrees_of_freedom: test.degrees_of_freedom,
            p_value: test.p_value,
            anytime: false,
            arms: test
                .arms
                .iter()
                .enumerate()
                .map(|(arm, events)| ArmEventsInfo {
                    arm: arm_key(look, arm),
                    observed: events.observed,
                    expected: events.expected,
                })
                .collect(),
        }),
        arms: curves.arms.iter().enumerate().map(|(arm, found)| arm_curve(look, arm, found)).collect(),
        reasons,
    }
}

fn arm_curve(look: &Look, arm: usize, found: &curves::ArmCurve) -> ArmCurveInfo {
    let mut reasons = Reasons::new();
    let rate = found.rate.map_err(|reason| reasons.insert("rate_per_day", reason.to_string())).ok();
    let curve = found.curve.as_ref().map_err(|reason| reasons.insert("points", reason.to_string())).ok();
    let median_days = curve.and_then(|curve| curve.time_to(0.5));
    if curve.is_some() && median_days.is_none() {
        reasons.insert("median_days", "more than half of the persons are left wherever the curve is known".to_owned());
    }
    let points = curve.map_or(&[][..], |curve| curve.points());
    ArmCurveInfo {
        arm: arm_key(look, arm),
        persons: curve.map_or(0, metrics::survival::Curve::persons),
        events: points.iter().map(|point| point.events).sum(),
        median_days,
        rate_per_day: Estimated {
            value: rate.map(|rate| rate.rate),
            low: rate.map(|rate| rate.interval.low),
            high: rate.map(|rate| rate.interval.high),
        },
        points: points
            .iter()
            .map(|point| CurvePoint {
                day: point.time,
                at_risk: point.at_risk,
                events: point.events,
                censored: point.censored,
                survival: point.survival,
                interval: told_interval(point.interval),
            })
            .collect(),
        reasons,
    }
}
