//! What is known of a person at the first exposure: the values of the dimensions.

use std::collections::BTreeSet;
use std::sync::Arc;

use journey::{Amount, BEFORE_DAYS, Experiment, Fact, Happening, Instant, UNIT, names, parse_units};

use crate::plan::{Known, Plan, Source, Study};

/// The longest dimension value that is kept, in characters; a longer one is cut.
const MAX_VALUE_CHARS: usize = 255;

/// The first exposure of a journey.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    /// Where it stands in the journey.
    pub index: usize,
    /// The arm that it names.
    pub arm: usize,
    /// When.
    pub at: Instant,
}

impl First {
    /// The first exposure that counts for the study.
    pub(super) fn of(study: &Study, journey: &[Happening]) -> Option<Self> {
        let experiment = &study.definition.experiment;
        journey.iter().enumerate().find_map(|(index, event)| {
            let exposure = event.exposure.as_ref().filter(|e| e.experiment == experiment.key)?;
            let arm = experiment.arm(exposure.arm.as_str()).filter(|_| experiment.is_inside(event.at))?;
            Some(Self { index, arm, at: event.at })
        })
    }
}

/// The value of each dimension of the study; empty where it is unknown. `journey` is sorted, and only what lies at or before
/// the instant of the first exposure is looked at.
pub(super) fn values(plan: &Plan, study: &Study, journey: &[Happening], first: First) -> Vec<Arc<str>> {
    let known = until(journey, first);
    study.dimensions.iter().map(|dimension| value(plan, study, dimension, known, first)).collect()
}

/// What is known at the instant of the first exposure.
fn until(journey: &[Happening], first: First) -> &[Happening] {
    &journey[..journey.partition_point(|event| event.at <= first.at)]
}

impl Plan {
    /// The places in the sorted `journey` of events whose facts were left out though the dimensions of a study may be known from them: for each
    /// dimension the last `most` of these that lie behind every event that is known to tell it. None: [`super::fold`] looks at no facts that were
    /// left out, where those of exposures and of [`Plan::names_with_facts`] are there.
    ///
    /// # Panics
    /// Where the plan has no study of that index.
    #[must_use]
    pub fn bare_that_matter(&self, study: usize, journey: &[Happening], most: usize) -> Vec<usize> {
        let study = &self.studies[study];
        let mut places = Vec::new();
        if !study.dimensions.iter().any(Known::looks_back_at_facts) || !journey.iter().any(|event| event.bare) {
            return places;
        }
        let Some(first) = First::of(study, journey) else { return places };
        let known = until(journey, first);
        for dimension in study.dimensions.iter().filter(|dimension| dimension.looks_back_at_facts()) {
            let may_tell =
                |(place, event): (usize, &Happening)| (event.bare || dimension.is_told_by(event)).then_some(place);
            let last_first = known.iter().enumerate().rev().filter_map(may_tell);
            places.extend(last_first.take_while(|place| known[*place].bare).take(most));
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}

impl Plan {
    /// The instant of the first exposure that counts for a study.
    ///
    /// # Panics
    /// Where the plan has no study of that index.
    #[must_use]
    pub fn exposed_at(&self, study: usize, journey: &[Happening]) -> Option<Instant> {
        First::of(&self.studies[study], journey).map(|first| first.at)
    }
}

impl Known {
    /// Whether it is looked for in the facts of event after event.
    fn looks_back_at_facts(&self) -> bool {
        matches!(self, Self::Last(Source::Fact(_)) | Self::Bin(Source::Fact(_), _))
    }

    /// Whether it is known from the event, where [it looks back](Self::looks_back_at_facts).
    fn is_told_by(&self, event: &Happening) -> bool {
        match self {
            Self::Last(source) => source.value(event).is_some(),
            Self::Bin(source, bin) => source.value(event).is_some_and(|text| bin.of(&text).is_some()),
            _ => false,
        }
    }
}

fn value(plan: &Plan, study: &Study, dimension: &Known, known: &[Happening], first: First) -> Arc<str> {
    let exposure = &known[first.index];
    match dimension {
        Known::Last(source) => cut(known.iter().rev().find_map(|event| source.value(event)).unwrap_or_else(unknown)),
        Known::Bin(source, bin) => {
            let number = |event: &Happening| source.value(event).and_then(|text| bin.of(&text));
            known.iter().rev().find_map(number).map_or_else(unknown, text)
        }
        Known::Phase => phase(&study.definition.experiment, exposure.at),
        Known::Hour => plan.zone.hour_of(exposure.at).to_string().into(),
        Known::Weekday => plan.day(exposure.at).weekday().into(),
        Known::Probability(source) => {
            let of_control = first.arm == study.definition.experiment.control;
            probability(*source, exposure, of_control).map_or_else(unknown, text)
        }
        Known::Channels => {
            let used: BTreeSet<&str> =
                before(known, exposure).filter_map(|event| event.channel).map(journey::Channel::word).collect();
            if used.is_empty() { "none".into() } else { used.into_iter().collect::<Vec<_>>().join("+").into() }
        }
        Known::Active => if before(known, exposure).next().is_some() { "yes" } else { "no" }.into(),
    }
}

/// The name of the phase in which an exposure lies.
pub(super) fn phase(experiment: &Experiment, at: Instant) -> Arc<str> {
    experiment.phase_at(at).map_or_else(|| "start".into(), |phase| phase.name().into())
}

fn unknown() -> Arc<str> {
    "".into()
}

fn text(number: Amount) -> Arc<str> {
    number.to_string().into()
}

fn cut(value: Arc<str>) -> Arc<str> {
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => value[..end].into(),
        None => value,
    }
}

/// What the person did in the days before the exposure, its own instant left out.
fn before<'a>(known: &'a [Happening], exposure: &Happening) -> impl Iterator<Item = &'a Happening> {
    let from = known.partition_point(|event| event.at < exposure.at.plus_days(-BEFORE_DAYS));
    let to = known.partition_point(|event| event.at < exposure.at);
    known[from..to].iter().filter(|event| names::is_by_person(&event.name))
}

/// The probability of control in ten thousandths: as the exposure says it of its own arm, or what that leaves. Arms of one
/// assignment get the same value however finely each is written.
fn probability(source: Source, exposure: &Happening, of_control: bool) -> Option<Amount> {
    const GRAIN: i64 = UNIT / 10_000;
    let Fact::One(text) = source.fact(exposure)? else { return None };
    let units = parse_units(text.trim()).ok().or_else(|| {
        let number: f64 = text.trim().parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "it lies between 0 and 1")]
        (number > 0.0 && number < 1.0).then(|| (number * UNIT as f64).round() as i64)
    })?;
    let units = if of_control { units } else { UNIT - units };
    (0 < units && units < UNIT).then(|| Amount::from_units((units + GRAIN / 2) / GRAIN * GRAIN))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saying(probability: &str) -> Happening {
        Happening {
            at: Instant::from_micros(0),
            id: journey::EventId::from_bytes([0; 16]),
            name: names::EXPOSURE.into(),
            channel: None,
            stage: None,
            value: None,
            foreign: false,
            exposure: None,
            facts: vec![Fact::One(probability.into())],
            bare: false,
        }
    }

    #[test]
    fn both_arms_of_an_assignment_have_one_probability() {
        let of = |text: &str, of_control| {
            probability(Source::Fact(0), &saying(text), of_control).map(|found| found.to_string())
        };
        for (control, other, value) in
            [("0.1", "0.9", "0.1"), ("0.33335", "0.66665", "0.3334"), ("0.3333333333333", "0.6666666666667", "0.3333")]
        {
            assert_eq!((of(control, true).as_deref(), of(other, false).as_deref()), (Some(value), Some(value)));
        }
        for text in ["0", "1", "1.5", "-0.1", "half", ""] {
            assert_eq!((of(text, true), of(text, false)), (None, None), "{text}");
        }
    }
}
