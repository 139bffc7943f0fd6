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
}

/// The value of each dimension of the study; empty where it is unknown. `journey` is sorted, and only what lies at or before
/// the instant of the first exposure is looked at.
pub(super) fn values(plan: &Plan, study: &Study, journey: &[Happening], first: First) -> Vec<Arc<str>> {
    let exposure = &journey[first.index];
    let known = &journey[..journey.partition_point(|event| event.at <= exposure.at)];
    study.dimensions.iter().map(|dimension| value(plan, study, dimension, known, first)).collect()
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
