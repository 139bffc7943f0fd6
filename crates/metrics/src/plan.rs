//! Definitions made ready for folding: names and paths resolved once, not per event.

use std::sync::Arc;

use crate::lens::Glass;
use journey::{
    Align, Bin, Day, Definition, Derived, Happening, Measure, MetricKind, Of, Path, Pattern, Scale, Selector, Zone,
    names,
};

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
    pub(crate) dimensions: Vec<Known>,
    pub(crate) lenses: Vec<Glass>,
}

/// What is known of a person at the first exposure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known {
    /// The last value at or before it.
    Last(Source),
    /// The bin of the last number at or before it.
    Bin(Source, Bin),
    /// The local hour of it.
    Hour,
    /// The local day of the week of it.
    Weekday,
    /// The phase of it.
    Phase,
    /// The probability of control, from what it says of its own arm.
    Probability(Source),
    /// The channels used in the days before it.
    Channels,
    /// Whether anything was done in the days before it.
    Active,
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
    Ratio { numerator: (Sieve, Take), denominator: (Sieve, Take) },
    Score(Vec<(Sieve, i64)>),
    Clv(Sieve),
    Net { value: Sieve, costs: Option<Sieve>, properties: Vec<Source> },
    Total(Sieve, Take),
    Repeat { sieve: Sieve, at_least: u32 },
    Latest { sieve: Sieve, take: Take, scale: Option<Scale> },
}

/// What of an event is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Take {
    /// Its value; none is 0.
    Value,
    /// One.
    Count,
    /// The number among its facts.
    Fact(usize),
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
            let kind = Rule::of(&metric.kind, paths);
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
        let dimensions = definition.experiment.dimensions.iter().map(|path| Known::of(path, paths)).collect();
        let lenses = definition.experiment.lenses.iter().enumerate();
        let lenses =
            lenses.map(|(at, lens)| Glass::new(&definition, lens, definition.lens_window_days(at), paths)).collect();
        Self { definition, metrics, dimensions, lenses }
    }
}

impl Known {
    fn of(path: &Path, paths: &mut Vec<Path>) -> Self {
        match path.derived() {
            None => Self::Last(Source::of(path, paths)),
            Some(Derived::Bin(bin)) => Self::Bin(Source::of(&bin.path, paths), bin),
            Some(Derived::Phase) => Self::Phase,
            Some(Derived::Hour) => Self::Hour,
            Some(Derived::Weekday) => Self::Weekday,
            Some(Derived::Probability) => Self::Probability(Source::of(&Path::of_probability(), paths)),
            Some(Derived::Channels) => Self::Channels,
            Some(Derived::Active) => Self::Active,
        }
    }
}

impl Rule {
    pub(crate) fn of(kind: &MetricKind, paths: &mut Vec<Path>) -> Self {
        let micros = |days: u32| i64::from(days) * journey::DAY_MICROS;
        let mut sieve = |selector: &Selector| Sieve::new(selector, paths);
        match kind {
            MetricKind::Conversion(selector) => Self::Conversion(sieve(selector)),
            MetricKind::Count(selector) => Self::Count(sieve(selector)),
            MetricKind::Sum(selector) => Self::Sum(sieve(selector)),
            MetricKind::Ratio { numerator, denominator } => {
                Self::Ratio { numerator: side(numerator, paths), denominator: side(denominator, paths) }
            }
            MetricKind::Retention { selector, from_day, to_day, align } => Self::Retention {
                sieve: sieve(selector),
                span: match align {
                    Align::Exposure => Span::Micros(micros(*from_day), to_day.map(micros)),
                    Align::Calendar => Span::Days(i64::from(*from_day), to_day.map(i64::from)),
                },
            },
            MetricKind::Score(parts) => {
                Self::Score(parts.iter().map(|part| (sieve(&part.selector), part.weight.units())).collect())
            }
            MetricKind::Clv { selector, .. } => Self::Clv(sieve(selector)),
            MetricKind::Quantile { measure, .. } | MetricKind::Total(measure) => {
                let (sieve, take) = side(measure, paths);
                Self::Total(sieve, take)
            }
            MetricKind::Repeat { selector, at_least } => Self::Repeat { sieve: sieve(selector), at_least: *at_least },
            // The time under observation is not of events.
            MetricKind::PerTime { of, .. } => Self::of(of, paths),
            MetricKind::Net { selector, costs, .. } => {
                let (value, of_events) = (sieve(selector), costs.event.as_ref().map(&mut sieve));
                let properties = costs.properties.iter().map(|path| Source::of(path, paths)).collect();
                Self::Net { value, costs: of_events, properties }
            }
            MetricKind::Latest(measure) => {
                let (sieve, take) = side(measure, paths);
                Self::Latest { sieve, take, scale: None }
            }
            MetricKind::Rating { measure, scale } => {
                let (sieve, take) = side(measure, paths);
                Self::Latest { sieve, take, scale: Some(*scale) }
            }
        }
    }
}

fn side(measure: &Measure, paths: &mut Vec<Path>) -> (Sieve, Take) {
    let sieve = Sieve::new(&measure.selector, paths);
    let take = match &measure.of {
        Of::Value => Take::Value,
        Of::Count => Take::Count,
        Of::Property(path) => Take::Fact(place(path, paths)),
    };
    (sieve, take)
}

/// Where the fact at `path` stands in a happening.
fn place(path: &Path, paths: &mut Vec<Path>) -> usize {
    paths.iter().position(|known| known == path).unwrap_or_else(|| {
        paths.push(path.clone());
        paths.len() - 1
    })
}

impl Take {
    /// The number that is looked at, in units; `None` where there is none.
    fn number(self, event: &Happening) -> Option<i128> {
        let units = |amount: journey::Amount| i128::from(amount.units());
        match self {
            Self::Value => Some(event.value.map_or(0, units)),
            Self::Count => Some(i128::from(journey::UNIT)),
            Self::Fact(at) => Source::Fact(at).number(event),
        }
    }
}

impl Source {
    pub(crate) fn of(path: &Path, paths: &mut Vec<Path>) -> Self {
        match path.as_str() {
            "channel" => Self::Channel,
            "stage" => Self::Stage,
            _ => Self::Fact(place(path, paths)),
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
        self.adds(Take::Value, event)
    }

    fn adds(&self, take: Take, event: &Happening) -> Option<i128> {
        if self.takes(event) {
            return take.number(event).or(Some(0));
        }
        let refunds = match &self.event {
            Pattern::Any => true,
            Pattern::Named(name) => name.as_str() == names::ORDER,
        };
        (refunds && &*event.name == names::REFUND && self.passes(event)).then(|| -take.number(event).unwrap_or(0).abs())
    }

    /// What the event adds under `take`, in units. Refunds lower values and other numbers of an order, never counts.
    pub(crate) fn measure(&self, take: Take, event: &Happening) -> Option<i128> {
        match take {
            Take::Value | Take::Fact(_) => self.adds(take, event),
            Take::Count => self.takes(event).then_some(i128::from(journey::UNIT)),
        }
    }

    /// The answer that the event gives, in units, scored where there is a scale; `None` where it gives none.
    pub(crate) fn answer(&self, take: Take, scale: Option<Scale>, event: &Happening) -> Option<i128> {
        let answer = take.number(event).filter(|_| !matches!(take, Take::Value) || event.value.is_some())?;
        if !self.takes(event) {
            return None;
        }
        scale.map_or(Some(answer), |scale| scale.score(answer))
    }

    fn passes(&self, event: &Happening) -> bool {
        self.filters.iter().all(|(source, values)| values.iter().any(|value| source.is(event, value)))
    }
}

impl Source {
    /// Whether `text` stands here, alone or in an array.
    pub(crate) fn is(self, event: &Happening, text: &str) -> bool {
        match self {
            Self::Channel => event.channel.is_some_and(|channel| channel.word() == text),
            Self::Stage => event.stage.as_deref() == Some(text),
            Self::Fact(at) => event.facts.get(at).is_some_and(|fact| fact.is(text)),
        }
    }

    /// The number that stands here, in units, rounded to the nearest; nothing where none stands or it lies outside ±1e9.
    pub(crate) fn number(self, event: &Happening) -> Option<i128> {
        let Self::Fact(at) = self else { return None };
        let journey::Fact::One(text) = event.facts.get(at)? else { return None };
        journey::Amount::nearest(text).map(|amount| i128::from(amount.units()))
    }

    /// The fact that stands here, where it is one of the JSON.
    pub(crate) fn fact(self, event: &Happening) -> Option<&journey::Fact> {
        match self {
            Self::Fact(at) => event.facts.get(at),
            Self::Channel | Self::Stage => None,
        }
    }

    /// All the values that stand here, in their order.
    pub(crate) fn values(self, event: &Happening) -> Vec<Arc<str>> {
        match self {
            Self::Fact(at) => match event.facts.get(at) {
                Some(journey::Fact::Many(texts)) => texts.iter().filter(|text| !text.is_empty()).cloned().collect(),
                _ => self.value(event).into_iter().collect(),
            },
            Self::Channel | Self::Stage => self.value(event).into_iter().collect(),
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
