//! Metrics.

mod request;

use std::collections::BTreeMap;

use journey::{Filter, Measure, Metric, MetricKind, Part, Selector};
use serde::Serialize;
use utoipa::ToSchema;

use super::schema::{self, NumberOf};
pub(crate) use request::{MetricSchema, filters, read};

/// A metric. Which of the fields are there depends on its kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Metric)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricInfo {
    /// The key within the tenant.
    key: String,
    /// What it computes: `conversion`, `count`, `sum`, `ratio`, `retention`, `score`, `clv` or `quantile`.
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
    /// Days after the exposure, for a retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    from_day: Option<u32>,
    /// Days after the exposure, for a retention; absent: any time later.
    #[serde(skip_serializing_if = "Option::is_none")]
    to_day: Option<u32>,
    /// How days are counted, for a retention.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Align>)]
    align: Option<&'static str>,
    /// What of the events is added up for a person, for a quantile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Of>)]
    of: Option<&'static str>,
    /// The share of persons at or below it, for a quantile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    q: Option<f64>,
    /// Whether it keeps the curve of `/retention`; absent where its kind has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    curve: Option<bool>,
    /// Whether it keeps what `/clv?predict=true` needs, for a CLV.
    #[serde(skip_serializing_if = "Option::is_none")]
    predict: Option<bool>,
    /// The parts, for a score.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<PartInfo>>,
    /// The lifespan in days, for a CLV.
    #[serde(skip_serializing_if = "Option::is_none")]
    lifespan_days: Option<u32>,
    /// Its own window in days; null: the experiment's.
    #[schema(required = true)]
    window_days: Option<u32>,
    /// A person counts for at most this much: a value, or a percentile of the values of all arms together.
    #[schema(required = true)]
    cap: Option<CapInfo>,
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

/// The most that a person counts for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cap)]
#[serde(untagged)]
enum CapInfo {
    /// This much.
    Value(String),
    /// What this share of persons stay at or below.
    Percentile {
        /// The share of persons.
        #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
        percentile: f64,
        /// Whether only persons with a value other than zero are looked at.
        ignore_zeros: bool,
    },
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
        align: None,
        of: None,
        q: None,
        curve: metric.kind.has_curve().then_some(metric.keeps.curve),
        predict: matches!(metric.kind, MetricKind::Clv { .. }).then_some(metric.keeps.customers),
        cap: match metric.keeps.percentile_cap {
            Some(cap) => Some(CapInfo::Percentile { percentile: cap.share.value(), ignore_zeros: cap.ignore_zeros }),
            None => metric.cap.map(|cap| CapInfo::Value(cap.to_string())),
        },
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
        MetricKind::Quantile { measure, share } => {
            info.event = Some(text(&measure.selector));
            info.r#where = conditions_of(&measure.selector);
            (info.of, info.q) = (Some(measure.of.word()), Some(share.value()));
        }
    }
    match metric.kind {
        MetricKind::Retention { from_day, to_day, align, .. } => {
            (info.from_day, info.to_day, info.align) = (Some(from_day), to_day, Some(align.word()));
        }
        MetricKind::Clv { lifespan_days, .. } => info.lifespan_days = Some(lifespan_days),
        _ => {}
    }
    info
}

#[cfg(test)]
mod tests;
