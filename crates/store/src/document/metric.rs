//! How metrics are written.

use journey::{
    Align, Amount, Costs, Filter, Goal, Invalid, Keeps, Key, Lifespan, Measure, Metric, MetricDraft, MetricKind, Of,
    Part, Path, Pattern, PercentileCap, Scale, Selector, Share,
};
use serde::{Deserialize, Serialize};

use super::{amount, name, optional};

/// A metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MetricBody {
    key: String,
    kind: KindBody,
    window_days: Option<u32>,
    cap: Option<i64>,
    goal: String,
    unit: Option<String>,
    description: Option<String>,
    /// Absent in documents of metrics that keep nothing beside their sums, as all did at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keeps: Option<KeepsBody>,
    /// Absent where the kind of metric says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decides: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeepsBody {
    percentile_cap: Option<PercentileCapBody>,
    curve: bool,
    customers: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PercentileCapBody {
    share: u32,
    ignore_zeros: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum KindBody {
    Conversion {
        selector: SelectorBody,
    },
    Count {
        selector: SelectorBody,
    },
    Sum {
        selector: SelectorBody,
    },
    Ratio {
        numerator: MeasureBody,
        denominator: MeasureBody,
    },
    Retention {
        selector: SelectorBody,
        from_day: u32,
        to_day: Option<u32>,
        /// Absent: days of 24 hours that begin with the exposure, the only ones at first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        align: Option<String>,
    },
    Score {
        parts: Vec<PartBody>,
    },
    Clv {
        selector: SelectorBody,
        /// Absent: it is estimated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lifespan_days: Option<u32>,
        /// After which a customer has left, where the lifespan is estimated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inactive_days: Option<u32>,
    },
    Quantile {
        measure: MeasureBody,
        share: u32,
    },
    Repeat {
        selector: SelectorBody,
        at_least: u32,
    },
    Total {
        measure: MeasureBody,
    },
    PerTime {
        of: Box<KindBody>,
        days: u32,
    },
    Latest {
        measure: MeasureBody,
    },
    Rating {
        measure: MeasureBody,
        scale: String,
        satisfied_from: Option<i64>,
    },
    Net {
        selector: SelectorBody,
        margin: i64,
        costs: CostsBody,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CostsBody {
    event: Option<SelectorBody>,
    properties: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SelectorBody {
    event: String,
    filters: Vec<FilterBody>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FilterBody {
    path: String,
    values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct MeasureBody {
    selector: SelectorBody,
    of: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PartBody {
    selector: SelectorBody,
    weight: i64,
}
impl From<&Metric> for MetricBody {
    fn from(metric: &Metric) -> Self {
        Self {
            key: metric.key.to_string(),
            kind: (&metric.kind).into(),
            window_days: metric.window_days,
            cap: metric.cap.map(Amount::units),
            goal: metric.goal.word().to_owned(),
            unit: metric.unit.as_ref().map(ToString::to_string),
            description: metric.description.clone(),
            keeps: (metric.keeps != Keeps::default()).then(|| metric.keeps.into()),
            decides: (metric.decides == metric.kind.is_inflated()).then_some(metric.decides),
        }
    }
}

impl From<Keeps> for KeepsBody {
    fn from(Keeps { percentile_cap, curve, customers }: Keeps) -> Self {
        let cap = |PercentileCap { share, ignore_zeros }| PercentileCapBody { share: share.millionths(), ignore_zeros };
        Self { percentile_cap: percentile_cap.map(cap), curve, customers }
    }
}

impl TryFrom<KeepsBody> for Keeps {
    type Error = Invalid;

    fn try_from(KeepsBody { percentile_cap, curve, customers }: KeepsBody) -> Result<Self, Invalid> {
        let cap = |PercentileCapBody { share: millionths, ignore_zeros }| {
            Ok::<_, Invalid>(PercentileCap { share: share(millionths, "/cap/percentile")?, ignore_zeros })
        };
        Ok(Self { percentile_cap: percentile_cap.map(cap).transpose()?, curve, customers })
    }
}

impl TryFrom<MetricBody> for Metric {
    type Error = Invalid;

    fn try_from(body: MetricBody) -> Result<Self, Invalid> {
        Self::validate(MetricDraft {
            key: Key::parse(&body.key, "/key")?,
            kind: body.kind.try_into()?,
            window_days: body.window_days,
            cap: optional(body.cap, "/cap")?,
            goal: Goal::parse(&body.goal, "/goal")?,
            unit: name(body.unit, "/unit")?,
            description: body.description,
        })?
        .deciding(body.decides)
        .keeping(body.keeps.map_or(Ok(Keeps::default()), Keeps::try_from)?)
    }
}

impl From<&MetricKind> for KindBody {
    fn from(kind: &MetricKind) -> Self {
        match kind {
            MetricKind::Conversion(selector) => Self::Conversion { selector: selector.into() },
            MetricKind::Count(selector) => Self::Count { selector: selector.into() },
            MetricKind::Sum(selector) => Self::Sum { selector: selector.into() },
            MetricKind::Ratio { numerator, denominator } => {
                Self::Ratio { numerator: numerator.into(), denominator: denominator.into() }
            }
            MetricKind::Retention { selector, from_day, to_day, align } => Self::Retention {
                selector: selector.into(),
                from_day: *from_day,
                to_day: *to_day,
                align: (*align != Align::Exposure).then(|| align.word().to_owned()),
            },
            MetricKind::Score(parts) => Self::Score { parts: parts.iter().map(PartBody::from).collect() },
            MetricKind::Clv { selector, lifespan } => Self::Clv {
                selector: selector.into(),
                lifespan_days: lifespan.days(),
                inactive_days: lifespan.inactive_days(),
            },
            MetricKind::Quantile { measure, share } => {
                Self::Quantile { measure: measure.into(), share: share.millionths() }
            }
            MetricKind::Net { selector, margin, costs } => Self::Net {
                selector: selector.into(),
                margin: margin.units(),
                costs: CostsBody {
                    event: costs.event.as_ref().map(SelectorBody::from),
                    properties: costs.properties.iter().map(ToString::to_string).collect(),
                },
            },
            MetricKind::Repeat { selector, at_least } => {
                Self::Repeat { selector: selector.into(), at_least: *at_least }
            }
            MetricKind::Total(measure) => Self::Total { measure: measure.into() },
            MetricKind::PerTime { of, days } => Self::PerTime { of: Box::new((&**of).into()), days: *days },
            MetricKind::Latest(measure) => Self::Latest { measure: measure.into() },
            MetricKind::Rating { measure, scale } => Self::Rating {
                measure: measure.into(),
                scale: scale.word().to_owned(),
                satisfied_from: scale.satisfied_from().map(Amount::units),
            },
        }
    }
}

impl TryFrom<KindBody> for MetricKind {
    type Error = Invalid;

    fn try_from(body: KindBody) -> Result<Self, Invalid> {
        Ok(match body {
            KindBody::Conversion { selector } => Self::Conversion(selector.try_into()?),
            KindBody::Count { selector } => Self::Count(selector.try_into()?),
            KindBody::Sum { selector } => Self::Sum(selector.try_into()?),
            KindBody::Ratio { numerator, denominator } => {
                Self::Ratio { numerator: numerator.try_into()?, denominator: denominator.try_into()? }
            }
            KindBody::Retention { selector, from_day, to_day, align } => Self::Retention {
                selector: selector.try_into()?,
                from_day,
                to_day,
                align: align.map_or(Ok(Align::Exposure), |word| Align::parse(&word, "/align"))?,
            },
            KindBody::Score { parts } => Self::Score(parts.into_iter().map(Part::try_from).collect::<Result<_, _>>()?),
            KindBody::Clv { selector, lifespan_days, inactive_days } => {
                let lifespan = match (lifespan_days, inactive_days) {
                    (Some(days), None) => Lifespan::Days(days),
                    (None, Some(inactive_days)) => Lifespan::Estimated { inactive_days },
                    _ => {
                        return Err(Invalid::new("conflict", "/lifespan_days", "a lifespan is given or estimated"));
                    }
                };
                Self::Clv { selector: selector.try_into()?, lifespan }
            }
            KindBody::Quantile { measure, share: millionths } => {
                Self::Quantile { measure: measure.try_into()?, share: share(millionths, "/q")? }
            }
            KindBody::Net { selector, margin, costs } => Self::Net {
                selector: selector.try_into()?,
                margin: amount(margin, "/margin")?,
                costs: Costs {
                    event: costs.event.map(Selector::try_from).transpose()?,
                    properties: costs
                        .properties
                        .iter()
                        .map(|path| Path::parse(path, "/costs/property"))
                        .collect::<Result<_, _>>()?,
                },
            },
            KindBody::Repeat { selector, at_least } => Self::Repeat { selector: selector.try_into()?, at_least },
            KindBody::Total { measure } => Self::Total(measure.try_into()?),
            KindBody::PerTime { of, days } => Self::PerTime { of: Box::new((*of).try_into()?), days },
            KindBody::Latest { measure } => Self::Latest(measure.try_into()?),
            KindBody::Rating { measure, scale, satisfied_from } => Self::Rating {
                measure: measure.try_into()?,
                scale: Scale::parse(&scale, optional(satisfied_from, "/satisfied_from")?, "/scale")?,
            },
        })
    }
}

impl From<&Selector> for SelectorBody {
    fn from(selector: &Selector) -> Self {
        let filter = |filter: &Filter| FilterBody { path: filter.path.to_string(), values: filter.values.clone() };
        Self { event: selector.event.as_str().to_owned(), filters: selector.filters.iter().map(filter).collect() }
    }
}

impl TryFrom<SelectorBody> for Selector {
    type Error = Invalid;

    fn try_from(body: SelectorBody) -> Result<Self, Invalid> {
        let filter = |filter: FilterBody| {
            Ok::<_, Invalid>(Filter { path: Path::parse(&filter.path, "/where")?, values: filter.values })
        };
        Ok(Self {
            event: Pattern::parse(&body.event, "/event")?,
            filters: body.filters.into_iter().map(filter).collect::<Result<_, _>>()?,
        })
    }
}

impl From<&Measure> for MeasureBody {
    fn from(measure: &Measure) -> Self {
        Self { selector: (&measure.selector).into(), of: measure.of.as_str().to_owned() }
    }
}

impl TryFrom<MeasureBody> for Measure {
    type Error = Invalid;

    fn try_from(body: MeasureBody) -> Result<Self, Invalid> {
        Ok(Self { selector: body.selector.try_into()?, of: Of::parse(&body.of, "/of")? })
    }
}

impl From<&Part> for PartBody {
    fn from(part: &Part) -> Self {
        Self { selector: (&part.selector).into(), weight: part.weight.units() }
    }
}

impl TryFrom<PartBody> for Part {
    type Error = Invalid;

    fn try_from(body: PartBody) -> Result<Self, Invalid> {
        Ok(Self { selector: body.selector.try_into()?, weight: amount(body.weight, "/parts/weight")? })
    }
}

fn share(millionths: u32, pointer: &str) -> Result<Share, Invalid> {
    Share::from_millionths(millionths).ok_or_else(|| {
        Invalid::new("out_of_range", pointer, format!("{millionths} millionths are not strictly between 0 and 1"))
    })
}
