//! Dimensions that are worked out from what is known at the first exposure, beside those that are read off an event.

use std::fmt;

use crate::amount::{Amount, UNIT, format_units, parse_units};
use crate::invalid::{Invalid, shown};
use crate::path::Path;

/// So many days before the exposure `before.channels` and `before.active` look at, in days of 24 hours.
pub const BEFORE_DAYS: i64 = 28;

/// What a dimension is worked out from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Derived {
    /// `exposure.hour`: the hour of the first exposure in the tenant's zone, `0` to `23`.
    Hour,
    /// `exposure.weekday`: its local day of the week, `monday` to `sunday`.
    Weekday,
    /// `exposure.probability`: the probability with which the person was to come into control, as the exposure says it.
    Probability,
    /// `before.channels`: the channels on which the person did anything in the [`BEFORE_DAYS`] days before, sorted by name and
    /// joined by `+`; `none`.
    Channels,
    /// `before.active`: whether the person did anything in those days, `yes` or `no`.
    Active,
    /// `exposure.phase`: the phase of the experiment in which the person was first exposed, see [`crate::Phase::name`].
    Phase,
    /// `bin(PATH,STEP)`: the number at a path, rounded down to a multiple of the step.
    Bin(Bin),
}

/// A number that is rounded down to a multiple of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bin {
    /// Where the number stands.
    pub path: Path,
    /// The step, above 0.
    pub step: Amount,
}

/// The word of [`Derived::Phase`].
pub(crate) const PHASE: &str = "exposure.phase";

const WORDS: &[(&str, Derived)] = &[
    ("exposure.hour", Derived::Hour),
    ("exposure.weekday", Derived::Weekday),
    ("exposure.probability", Derived::Probability),
    (PHASE, Derived::Phase),
    ("before.channels", Derived::Channels),
    ("before.active", Derived::Active),
];

impl Derived {
    /// What `text` means, where it names something that is worked out; `Ok(None)`: it is a path into events.
    pub(crate) fn parse(text: &str, pointer: &str) -> Result<Option<Self>, Invalid> {
        let text = text.trim();
        if let Some((_, known)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(Some(known.clone()));
        }
        if text.starts_with("exposure.") || text.starts_with("before.") {
            let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
            let detail = format!("{} is unknown: use one of {}, or bin(PATH,STEP)", shown(text), words.join(", "));
            return Err(Invalid::new("invalid_dimension", pointer, detail));
        }
        let Some(inner) = text.strip_prefix("bin(") else { return Ok(None) };
        Bin::parse(inner, text, pointer).map(|bin| Some(Self::Bin(bin)))
    }
}

impl Bin {
    /// Reads what follows `bin(`.
    fn parse(inner: &str, whole: &str, pointer: &str) -> Result<Self, Invalid> {
        let refuse = |why: &str| {
            let detail = format!("{} {why}: write it like bin(properties.score,0.05)", shown(whole));
            Invalid::new("invalid_bin", pointer, detail)
        };
        let parts = inner.strip_suffix(')').and_then(|inner| inner.split_once(','));
        let (path, step) = parts.ok_or_else(|| refuse("is no bin"))?;
        let path = Path::parse(path, pointer)?;
        if path.is_field() {
            return Err(refuse("is of channel or stage, which are no numbers"));
        }
        let step = Amount::parse(step, pointer)?;
        if step.units() <= 0 {
            return Err(refuse("has a step that is not above 0"));
        }
        Ok(Self { path, step })
    }

    /// The lower edge of the bin that holds the number `text`; `None` where it is no number within ±1e9.
    #[must_use]
    pub fn of(&self, text: &str) -> Option<Amount> {
        let text = text.trim();
        let units = parse_units(text).ok().or_else(|| finer(text))?;
        let units = Amount::from_units(units)?.units();
        let step = self.step.units();
        Amount::from_units(units.div_euclid(step).checked_mul(step)?)
    }

    /// The middle of the bin with this lower edge.
    #[must_use]
    pub fn middle(&self, edge: Amount) -> f64 {
        (edge.units() as f64 + self.step.units() as f64 / 2.0) / UNIT as f64
    }
}

/// A number with more than six decimals, rounded down to millionths.
fn finer(text: &str) -> Option<i64> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    let units = (number * UNIT as f64).floor();
    #[expect(clippy::cast_possible_truncation, reason = "it lies within the bounds of an amount")]
    (units.abs() <= Amount::MAX_UNITS as f64).then_some(units as i64)
}

impl fmt::Display for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bin({},{})", self.path, format_units(self.step.units().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bin(text: &str) -> Bin {
        match Path::parse_dimension(text, "/dimensions/0").unwrap().derived() {
            Some(Derived::Bin(bin)) => bin,
            other => panic!("{text} is {other:?}"),
        }
    }

    #[test]
    fn numbers_go_down_to_the_edge() {
        let bin = bin(" bin( properties.score , 0.050 )");
        assert_eq!(bin.to_string(), "bin(properties.score,0.05)");
        for (text, edge) in [
            ("0.05", "0.05"),
            ("0.0499999", "0"),
            ("0.099999999999", "0.05"),
            ("1", "1"),
            ("-0.01", "-0.05"),
            ("5e-2", "0.05"),
            ("1e-9", "0"),
        ] {
            assert_eq!(bin.of(text).unwrap().to_string(), edge, "{text}");
        }
        for text in ["", "high", "NaN", "inf", "1e12", "true"] {
            assert_eq!(bin.of(text), None, "{text}");
        }
        assert!((bin.middle(bin.of("0.07").unwrap()) - 0.075).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_dimension_is_refused() {
        for (text, code) in [
            ("exposure.minute", "invalid_dimension"),
            ("before.value", "invalid_dimension"),
            ("bin(properties.score)", "invalid_bin"),
            ("bin(channel,1)", "invalid_bin"),
            ("bin(properties.score,0)", "invalid_bin"),
            ("bin(properties.score,-1)", "invalid_bin"),
            ("bin(properties.score,fine)", "not_a_number"),
            ("bin(nowhere.score,1)", "invalid_path"),
        ] {
            assert_eq!(Path::parse_dimension(text, "/dimensions/0").unwrap_err().code, code, "{text}");
        }
        assert_eq!(Path::parse_dimension("device", "").unwrap().derived(), None);
        // Filters look at events one by one, so nothing that is worked out can stand in them.
        assert_eq!(Path::parse("exposure.hour", "").unwrap_err().code, "invalid_path");
    }

    proptest! {
        #[test]
        fn an_edge_lies_at_most_a_step_below(units in -1_000_000_000i64..1_000_000_000, step in 1i64..10_000_000) {
            let bin = Bin { path: Path::parse("properties.score", "").unwrap(), step: Amount::from_units(step).unwrap() };
            let edge = bin.of(&Amount::from_units(units).unwrap().to_string()).unwrap().units();
            prop_assert!(edge <= units && units < edge + step && edge % step == 0);
        }
    }
}
