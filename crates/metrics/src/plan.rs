//! Definitions made ready for folding: names and paths resolved once, not per event.

use std::sync::Arc;

use crate::lens::Glass;
use journey::{Align, Day, Definition, Happening, MetricKind, Of, Path, Pattern, Selector, Zone, names};

/// All that the folds of a tenant need: its zone, the definitions, and which facts of an event they look at.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Days are cut in this zone.
    pub zone: Zone,
    /// The paths into an event's JSON whose facts a [`Happening`] must carry, in this order.
    pub paths: Vec<Path>,
    /// One study per definition, in the order given.
    pub studies: Vec<Study>,
}

/// A definition made ready.
#[derive(Debug, Clone)]
pub struct Study {
    /// The definition.
    pub definition: Arc<Definition>,
    pub(crate) metrics: Vec<Gauge>,
    pub(crate) dimensions: Vec<Source>,
    pub(crate) lenses: Vec<Glass>,
}

/// Where in a happening a fact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The channel.
    Channel,
    /// The stage.
    Stage,
    /// The fact of this index.
    Fact(usize),
}

/// A metric made ready.
#[derive(Debug, Clone)]
pub(crate) struct Gauge {
    /// The length of the window.
    pub window_micros: Option<i64>,
    /// The most that a person counts for (in a ratio's numerator), in units.
    pub cap: Option<i128>,
    /// Whether events in a foreign currency are left out.
    pub money: bool,
    /// For a retention that keeps its curve: after so many microseconds activity no longer matters to it.
    pub activity_micros: Option<i64>,
    /// What is computed.
    pub kind: Rule,
}

/// A kind of metric with its selectors made ready.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    Conversion(Sieve),
    Retention { sieve: Sieve, span: Span },
    Count(Sieve),
    Sum(Sieve),
    Ratio { numerator: (Sieve, Of), denominator: (Sieve, Of) },
    Score(Vec<(Sieve, i64)>),
    Clv(Sieve),
    Quantile(Sieve, Of),
}

/// When a return counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Span {
    /// So many microseconds after the exposure, from the first to before the last.
    Micros(i64, Option<i64>),
    /// So many local days after that of the exposure, likewise.
    Days(i64, Option<i64>),
}

impl Span {
    /// Whether a return counts, `micros` and `days` after the exposure.
    pub(crate) fn holds(self, micros: i64, days: i64) -> bool {
        let (at, from, to) = match self {
            Self::Micros(from, to) => (micros, from, to),
            Self::Days(from, to) => (days, from, to),
        };
        at >= from && to.is_none_or(|to| at < to)
    }
}

/// A selector made ready.
#[derive(Debug, Clone)]
pub(crate) struct Sieve {
    event: Pattern,
    filters: Vec<(Source, Vec<String>)>,
}

impl Plan {
    /// Makes `definitions` ready.
    #[must_use]
    pub fn new(definitions: Vec<Arc<Definition>>, zone: Zone) -> Self {
        let mut paths = Vec::new();
        let studies = definitions.into_iter().map(|definition| Study::new(definition, &mut paths)).collect();
        Self { zone, paths, studies }
    }
}

impl Study {
    fn new(definition: Arc<Definition>, paths: &mut Vec<Path>) -> Self {
        let metrics = definition.metrics.iter().enumerate().map(|(index, metric)| {
            let micros = |days: u32| i64::from(days) * journey::DAY_MICROS;
            let mut sieve = |selector: &Selector| Sieve::new(selector, paths);
            let kind = match &metric.kind {
                MetricKind::Conversion(selector) => Rule::Conversion(sieve(selector)),
                MetricKind::Count(selector) => Rule::Count(sieve(selector)),
                MetricKind::Sum(selector) => Rule::Sum(sieve(selector)),
                MetricKind::Ratio { numerator, denominator } => Rule::Ratio {
                    numerator: (sieve(&numerator.selector), numerator.of),
                    denominator: (sieve(&denominator.selector), denominator.of),
                },
                MetricKind::Retention { selector, from_day, to_day, align } => Rule::Retention {
                    sieve: sieve(selector),
                    span: match align {
                        Align::Exposure => Span::Micros(micros(*from_day), to_day.map(micros)),
                        Align::Calendar => Span::Days(i64::from(*from_day), to_day.map(i64::from)),
                    },
                },
                MetricKind::Score(parts) => {
                    Rule::Score(parts.iter().map(|part| (sieve(&part.selector), part.weight.units())).collect())
                }
                MetricKind::Clv { selector, .. } => Rule::Clv(sieve(selector)),
                MetricKind::Quantile { measure, .. } => Rule::Quantile(sieve(&measure.selector), measure.of),
            };
            let is_watched = metric.keeps.curve && matches!(metric.kind, MetricKind::Retention { .. });
            Gauge {
                window_micros: definition.window_days(index).map(micros),
                cap: metric.cap.map(|cap| i128::from(cap.units())),
                money: metric.kind.is_money(),
                activity_micros: is_watched.then(|| definition.curve_days(index).map_or(i64::MAX, micros)),
                kind,
            }
        });
        let metrics = metrics.collect();
        let dimensions = definition.experiment.dimensions.iter().map(|path| Source::of(path, paths)).collect();
        let lenses = definition.experiment.lenses.iter().enumerate();
        let lenses = lenses.map(|(at, lens)| Glass::new(lens, definition.lens_window_days(at), paths)).collect();
        Self { definition, metrics, dimensions, lenses }
    }
}

impl Source {
    pub(crate) fn of(path: &Path, paths: &mut Vec<Path>) -> Self {
        match path.as_str() {
            "channel" => Self::Channel,
            "stage" => Self::Stage,
            _ => {
                let known = paths.iter().position(|p| p == path);
                Self::Fact(known.unwrap_or_else(|| {
                    paths.push(path.clone());
                    paths.len() - 1
                }))
            }
        }
    }
}

impl Sieve {
    pub(crate) fn new(selector: &Selector, paths: &mut Vec<Path>) -> Self {
        let filters = selector.filters.iter().map(|f| (Source::of(&f.path, paths), f.values.clone())).collect();
        Self { event: selector.event.clone(), filters }
    }

    /// Whether the event counts.
    pub(crate) fn takes(&self, event: &Happening) -> bool {
        let named = match &self.event {
            Pattern::Any => names::is_by_person(&event.name),
            Pattern::Named(name) => name.as_str() == &*event.name,
        };
        named && self.passes(event)
    }

    /// The value that the event adds, in units. The refund of an order takes away from the value of orders, whether
    /// orders are named or are among the events of `*`.
    pub(crate) fn value(&self, event: &Happening) -> Option<i128> {
        let units = || i128::from(event.value.map_or(0, journey::Amount::units));
        if self.takes(event) {
            return Some(units());
        }
        let refunds = match &self.event {
            Pattern::Any => true,
            Pattern::Named(name) => name.as_str() == names::ORDER,
        };
        (refunds && &*event.name == names::REFUND && self.passes(event)).then(|| -units().abs())
    }

    /// What the event adds under `of`, in units.
    pub(crate) fn measure(&self, of: Of, event: &Happening) -> Option<i128> {
        match of {
            Of::Value => self.value(event),
            Of::Count => self.takes(event).then_some(i128::from(journey::UNIT)),
        }
    }

    fn passes(&self, event: &Happening) -> bool {
        self.filters.iter().all(|(source, values)| values.iter().any(|value| source.is(event, value)))
    }
}

impl Source {
    fn is(self, event: &Happening, text: &str) -> bool {
        match self {
            Self::Channel => event.channel.is_some_and(|channel| channel.word() == text),
            Self::Stage => event.stage.as_deref() == Some(text),
            Self::Fact(at) => event.facts.get(at).is_some_and(|fact| fact.is(text)),
        }
    }

    /// The single value that stands here.
    pub(crate) fn value(self, event: &Happening) -> Option<Arc<str>> {
        match self {
            Self::Channel => event.channel.map(|channel| channel.word().into()),
            Self::Stage => event.stage.clone(),
            Self::Fact(at) => match event.facts.get(at) {
                Some(journey::Fact::One(text)) if !text.is_empty() => Some(text.clone()),
                _ => None,
            },
        }
    }
}

impl Plan {
    /// The local day of an instant.
    pub(crate) fn day(&self, at: journey::Instant) -> Day {
        self.zone.day_of(at)
    }
}
