//! Metrics.

mod request;

use std::collections::BTreeMap;

use journey::{Filter, Measure, Metric, MetricKind, Part, Selector};
use serde::Serialize;
use utoipa::ToSchema;

use super::schema::{self, NumberOf};
pub(crate) use request::{MetricSchema, read};

/// A metric. Which of the fields are there depends on its kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Metric)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricInfo {
    /// The key within the tenant.
    key: String,
    /// What it computes: `conversion`, `count`, `sum`, `ratio`, `retention`, `score` or `clv`.
    kind: &'static str,
    /// The name of the events.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// Conditions that every event must meet: by path, the text that must match, or several of which one must.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    r#where: BTreeMap<String, Condition>,
    /// What stands above, for a ratio.
    #[serde(skip_serializing_if = "Option::is_none")]
    numerator: Option<MeasureInfo>,
    /// What stands below, for a ratio.
    #[serde(skip_serializing_if = "Option::is_none")]
    denominator: Option<MeasureInfo>,
    /// Days of 24 hours after the exposure, for a retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    from_day: Option<u32>,
    /// Days of 24 hours after the exposure, for a retention; absent: any time later.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_day: Option<u32>,
    /// The parts, for a score.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<PartInfo>>,
    /// The lifespan in days, for a CLV.
    #[serde(skip_serializing_if = "Option::is_none")]
    lifespan_days: Option<u32>,
    /// Its own window in days; null: the experiment's.
    #[schema(required = true)]
    window_days: Option<u32>,
    /// A person counts for at most this much.
    #[schema(required = true)]
    cap: Option<String>,
    /// The direction in which it improves.
    #[schema(value_type = schema::Goal)]
    goal: &'static str,
    /// The unit that people see.
    #[schema(required = true)]
    unit: Option<String>,
    /// For people.
    #[schema(required = true)]
    description: Option<String>,
}

/// What must stand at a path, as text: this, or one of these.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Condition {
    /// This.
    One(String),
    /// One of these.
    Several(Vec<String>),
}

/// One side of a ratio.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Measure)]
#[serde(deny_unknown_fields)]
struct MeasureInfo {
    /// The name of the events.
    event: String,
    /// What of them is added up.
    #[schema(value_type = schema::Of)]
    of: &'static str,
    /// Conditions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    r#where: BTreeMap<String, Condition>,
}

/// One part of a score.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Part)]
#[serde(deny_unknown_fields)]
struct PartInfo {
    /// The name of the events.
    event: String,
    /// Points per event.
    #[schema(value_type = f64)]
    weight: NumberOf,
    /// Conditions.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    r#where: BTreeMap<String, Condition>,
}

fn conditions_of(selector: &Selector) -> BTreeMap<String, Condition> {
    let condition = |filter: &Filter| match filter.values.as_slice() {
        [value] => Condition::One(value.clone()),
        several => Condition::Several(several.to_vec()),
    };
    selector.filters.iter().map(|filter| (filter.path.as_str().to_owned(), condition(filter))).collect()
}

/// The metric as it is answered.
pub(crate) fn info(metric: &Metric) -> MetricInfo {
    let text = |selector: &Selector| selector.event.as_str().to_owned();
    let mut info = MetricInfo {
        key: metric.key.as_str().to_owned(),
        kind: metric.kind.word(),
        event: None,
        r#where: BTreeMap::new(),
        numerator: None,
        denominator: None,
        from_day: None,
        to_day: None,
        parts: None,
        lifespan_days: None,
        window_days: metric.window_days,
        cap: metric.cap.map(|cap| cap.to_string()),
        goal: metric.goal.word(),
        unit: metric.unit.as_ref().map(|unit| unit.as_str().to_owned()),
        description: metric.description.clone(),
    };
    let side = |measure: &Measure| MeasureInfo {
        event: text(&measure.selector),
        of: measure.of.word(),
        r#where: conditions_of(&measure.selector),
    };
    match &metric.kind {
        MetricKind::Ratio { numerator, denominator } => {
            info.numerator = Some(side(numerator));
            info.denominator = Some(side(denominator));
        }
        MetricKind::Score(parts) => {
            let part = |part: &Part| PartInfo {
                event: text(&part.selector),
                weight: NumberOf(part.weight),
                r#where: conditions_of(&part.selector),
            };
            info.parts = Some(parts.iter().map(part).collect());
        }
        MetricKind::Conversion(selector)
        | MetricKind::Count(selector)
        | MetricKind::Sum(selector)
        | MetricKind::Retention { selector, .. }
        | MetricKind::Clv { selector, .. } => {
            info.event = Some(text(selector));
            info.r#where = conditions_of(selector);
        }
    }
    match metric.kind {
        MetricKind::Retention { from_day, to_day, .. } => (info.from_day, info.to_day) = (Some(from_day), to_day),
        MetricKind::Clv { lifespan_days, .. } => info.lifespan_days = Some(lifespan_days),
        _ => {}
    }
    info
}

#[cfg(test)]
mod tests;
