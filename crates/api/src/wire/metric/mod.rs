//! Metrics.

mod from;
mod request;
mod times;

use std::collections::BTreeMap;

use journey::{Costs, Filter, Measure, Metric, MetricKind, Part, Selector};
use serde::Serialize;
use utoipa::ToSchema;

use super::schema::{self, NumberOf};
pub(crate) use from::MetricBodySchema;
pub(crate) use request::{MetricSchema, filters, read};

/// A metric. Which of the fields are there depends on its kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Metric)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricInfo {
    /// The key within the tenant.
    key: String,
    /// What it computes: `conversion`, `count`, `sum`, `ratio`, `retention`, `score`, `clv`, `quantile`, `latest`, `rating` or
    /// `net`.
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
    /// So many events make a conversion; absent: one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 2)]
    at_least: Option<u32>,
    /// Per this much time under observation, for a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Per>)]
    per: Option<&'static str>,
    /// What of the events is looked at, for a quantile, a latest, a rating, or a sum of properties.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Of>)]
    of: Option<String>,
    /// How answers are scored, for a rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Scale>)]
    scale: Option<&'static str>,
    /// The lowest satisfied answer, for a rating on the scale `csat`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    satisfied_from: Option<NumberOf>,
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
    /// The lifespan in days, for a CLV over one that is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    lifespan_days: Option<u32>,
    /// How the lifespan is found, for a CLV over one that is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^estimated$")]
    lifespan: Option<&'static str>,
    /// After so many whole days without a purchase a customer has left, for a CLV over an estimated lifespan.
    #[serde(skip_serializing_if = "Option::is_none")]
    inactive_days: Option<u32>,
    /// The share of the value that is earned, for a net value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    margin: Option<NumberOf>,
    /// Where costs come from, for a net value.
    #[serde(skip_serializing_if = "Option::is_none")]
    costs: Option<CostsInfo>,
    /// Its own window in days; null: the experiment's.
    #[schema(required = true)]
    window_days: Option<u32>,
    /// A person counts for at most this much: a value, or a percentile of the values of all arms together.
    #[schema(required = true)]
    cap: Option<CapInfo>,
    /// The direction in which it improves.
    #[schema(value_type = schema::Goal)]
    goal: &'static str,
    /// Whether it gives verdicts; false: it only describes.
    verdict: bool,
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
    of: String,
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

/// Where the costs of persons come from, besides the cost model of their arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Costs)]
#[serde(deny_unknown_fields)]
struct CostsInfo {
    /// The name of the events whose value is a cost; null: none.
    #[schema(required = true)]
    event: Option<String>,
    /// Conditions that these events must meet.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    r#where: BTreeMap<String, Condition>,
    /// Properties of any event that are costs.
    property: Vec<String>,
}

fn costs_of(costs: &Costs) -> CostsInfo {
    CostsInfo {
        event: costs.event.as_ref().map(|selector| selector.event.as_str().to_owned()),
        r#where: costs.event.as_ref().map(conditions_of).unwrap_or_default(),
        property: costs.properties.iter().map(|path| path.as_str().to_owned()).collect(),
    }
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
        lifespan: None,
        inactive_days: None,
        margin: None,
        costs: None,
        window_days: metric.window_days,
        align: None,
        at_least: None,
        per: None,
        of: None,
        scale: None,
        satisfied_from: None,
        q: None,
        curve: metric.kind.has_curve().then_some(metric.keeps.curve),
        predict: matches!(metric.kind, MetricKind::Clv { .. }).then_some(metric.keeps.customers),
        cap: match metric.keeps.percentile_cap {
            Some(cap) => Some(CapInfo::Percentile { percentile: cap.share.value(), ignore_zeros: cap.ignore_zeros }),
            None => metric.cap.map(|cap| CapInfo::Value(cap.to_string())),
        },
        goal: metric.goal.word(),
        verdict: metric.decides,
        unit: metric.unit.as_ref().map(|unit| unit.as_str().to_owned()),
        description: metric.description.clone(),
    };
    info.tell(&metric.kind);
    info
}

impl MetricInfo {
    /// Tells what the kind computes.
    fn tell(&mut self, kind: &MetricKind) {
        match kind {
            MetricKind::Ratio { numerator, denominator } => {
                self.numerator = Some(side(numerator));
                self.denominator = Some(side(denominator));
            }
            MetricKind::Score(parts) => self.parts = Some(parts.iter().map(part).collect()),
            MetricKind::Conversion(selector) | MetricKind::Count(selector) | MetricKind::Sum(selector) => {
                self.tell_events(selector);
            }
            MetricKind::Retention { selector, from_day, to_day, align } => {
                self.tell_events(selector);
                (self.from_day, self.to_day, self.align) = (Some(*from_day), *to_day, Some(align.word()));
            }
            MetricKind::Clv { selector, lifespan } => {
                self.tell_events(selector);
                (self.lifespan_days, self.inactive_days) = (lifespan.days(), lifespan.inactive_days());
                self.lifespan = self.inactive_days.map(|_| "estimated");
            }
            MetricKind::Quantile { measure, share } => {
                self.tell_measure(measure);
                self.q = Some(share.value());
            }
            MetricKind::Repeat { selector, at_least } => {
                self.tell_events(selector);
                self.at_least = Some(*at_least);
            }
            MetricKind::Total(measure) | MetricKind::Latest(measure) => self.tell_measure(measure),
            MetricKind::Rating { measure, scale } => {
                self.tell_measure(measure);
                (self.scale, self.satisfied_from) = (Some(scale.word()), scale.satisfied_from().map(NumberOf));
            }
            MetricKind::Net { selector, margin, costs } => {
                self.tell_events(selector);
                (self.margin, self.costs) = (Some(NumberOf(*margin)), Some(costs_of(costs)));
            }
            MetricKind::PerTime { of, days } => {
                self.tell(of);
                self.per = times::word(*days);
            }
        }
    }

    fn tell_events(&mut self, selector: &Selector) {
        self.event = Some(selector.event.as_str().to_owned());
        self.r#where = conditions_of(selector);
    }

    fn tell_measure(&mut self, measure: &Measure) {
        self.tell_events(&measure.selector);
        self.of = Some(measure.of.as_str().to_owned());
    }
}

fn side(measure: &Measure) -> MeasureInfo {
    MeasureInfo {
        event: measure.selector.event.as_str().to_owned(),
        of: measure.of.as_str().to_owned(),
        r#where: conditions_of(&measure.selector),
    }
}

fn part(part: &Part) -> PartInfo {
    PartInfo {
        event: part.selector.event.as_str().to_owned(),
        weight: NumberOf(part.weight),
        r#where: conditions_of(&part.selector),
    }
}

#[cfg(test)]
mod tests;
