//! Exact decimal values.

use std::fmt;

use crate::invalid::{Invalid, shown};

/// One, in the units that amounts are counted in: a millionth.
pub const UNIT: i64 = 1_000_000;

/// A decimal value within ±1e9 with at most 6 decimals, held as an integer number of millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// The largest magnitude, in millionths.
    pub const MAX_UNITS: i64 = 1_000_000_000 * UNIT;

    /// Reads decimal text such as `59.90`, `-3` or `1.5e3`, which stands at `pointer`.
    pub fn parse(text: &str, pointer: &str) -> Result<Self, Invalid> {
        let trimmed = text.trim();
        let units = parse_units(trimmed).map_err(|fault| match fault {
            Fault::NotDecimal => {
                let detail = format!("{} is no decimal number: write it like 59.90", shown(trimmed));
                Invalid::new("not_a_number", pointer, detail)
            }
            Fault::TooFine => {
                let detail = format!("{} has more than 6 decimals: round it to at most 6", shown(trimmed));
                Invalid::new("too_many_decimals", pointer, detail)
            }
            Fault::TooLarge => Self::out_of_range(trimmed, pointer),
        })?;
        Self::from_units(units).ok_or_else(|| Self::out_of_range(trimmed, pointer))
    }

    /// Reads a decimal text as the nearest millionth, halves away from zero: numbers that others measured often have more
    /// decimals than six. `None`: no number, or outside ±1e9.
    #[must_use]
    pub fn nearest(text: &str) -> Option<Self> {
        read_units(text.trim(), true).ok().and_then(Self::from_units)
    }

    /// An amount of `units` millionths, where it lies within ±1e9.
    #[must_use]
    pub fn from_units(units: i64) -> Option<Self> {
        (units.unsigned_abs() <= Self::MAX_UNITS.unsigned_abs()).then_some(Self(units))
    }

    /// An amount that is known to lie within ±1e9.
    pub(crate) const fn known(units: i64) -> Self {
        Self(units)
    }

    /// The amount in millionths.
    #[must_use]
    pub fn units(self) -> i64 {
        self.0
    }

    /// The amount with its sign turned.
    #[must_use]
    pub fn negated(self) -> Self {
        Self(-self.0)
    }

    fn out_of_range(text: &str, pointer: &str) -> Invalid {
        let detail = format!("{} lies outside ±1000000000: send a value within it", shown(text));
        Invalid::new("out_of_range", pointer, detail)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_units(i128::from(self.0)))
    }
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not a decimal number at all.
    NotDecimal,
    /// More than six decimals.
    TooFine,
    /// Does not fit 64 bits of millionths.
    TooLarge,
}

/// Reads decimal text, an exponent allowed, as an exact number of millionths.
///
/// # Errors
/// [`Fault`] says whether it is no number, too fine or too large.
pub fn parse_units(text: &str) -> Result<i64, Fault> {
    read_units(text, false)
}

/// The same; where it `rounds`, to the nearest millionth, halves away from zero.
fn read_units(text: &str, rounds: bool) -> Result<i64, Fault> {
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], parse_exponent(&rest[at + 1..])?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits_only = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits_only(whole) || !digits_only(fraction) {
        return Err(Fault::NotDecimal);
    }
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
    // The value is `digits` as an integer, times ten to this power, in millionths.
    let power = exponent - i64::try_from(fraction.len()).map_err(|_| Fault::TooFine)? + 6;
    let significant = digits.iter().skip_while(|d| **d == 0).count();
    if significant == 0 {
        return Ok(0);
    }
    let mut digits = &digits[digits.len() - significant..];
    let mut power = power;
    let mut is_raised = false;
    while power < 0 {
        match digits.split_last() {
            Some((last, head)) if rounds || *last == 0 => {
                is_raised = *last >= 5;
                digits = head;
            }
            // Nothing is left of it.
            None if rounds => return Ok(0),
            _ => return Err(Fault::TooFine),
        }
        power += 1;
    }
    if digits.len() as u64 + power.unsigned_abs() > 19 {
        return Err(Fault::TooLarge);
    }
    let mut units: i64 = 0;
    for digit in digits.iter().copied().chain(std::iter::repeat_n(0, usize::try_from(power).unwrap_or(0))) {
        units = units.checked_mul(10).and_then(|u| u.checked_add(i64::from(digit))).ok_or(Fault::TooLarge)?;
    }
    units = units.checked_add(i64::from(is_raised)).ok_or(Fault::TooLarge)?;
    Ok(if negative { -units } else { units })
}

fn parse_exponent(text: &str) -> Result<i64, Fault> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::NotDecimal);
    }
    let magnitude: i64 = digits.parse().unwrap_or(1_000_000).min(1_000_000);
    Ok(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// Millionths as the shortest decimal text: `2262`, `13908.33`, `-0.000001`.
#[must_use]
pub fn format_units(units: i128) -> String {
    let magnitude = units.unsigned_abs();
    let (whole, fraction) = (magnitude / 1_000_000, magnitude % 1_000_000);
    let sign = if units < 0 { "-" } else { "" };
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let fraction = format!("{fraction:06}");
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_and_programs_write() {
        for (text, units) in [
            ("59.90", 59_900_000),
            ("-3", -3_000_000),
            ("+.5", 500_000),
            ("5.", 5_000_000),
            ("1.5e3", 1_500_000_000),
            ("1500e-3", 1_500_000),
            ("0.0000000", 0),
            ("1e-6", 1),
            ("000000000000000000000000001", 1_000_000),
            ("0e400", 0),
        ] {
            assert_eq!(parse_units(text), Ok(units), "{text}");
        }
        assert_eq!(Amount::parse("1000000000", "/value").unwrap().units(), Amount::MAX_UNITS);
    }

    #[test]
    fn the_nearest_millionth_is_that_of_a_finer_number() {
        for (text, units) in [
            ("3.3333333333333335", Some(3_333_333)),
            ("0.0000005", Some(1)),
            ("-0.0000005", Some(-1)),
            ("0.00000049999", Some(0)),
            ("0.0000000000005", Some(0)),
            ("9e-999999999", Some(0)),
            ("999999999.9999995", Some(Amount::MAX_UNITS)),
            ("1000000000.0000005", None),
            ("7", Some(7_000_000)),
            ("true", None),
            ("", None),
        ] {
            assert_eq!(Amount::nearest(text).map(Amount::units), units, "{text}");
        }
    }

    #[test]
    fn refuses_with_the_reason() {
        for (text, code) in [
            ("NaN", "not_a_number"),
            ("", "not_a_number"),
            (".", "not_a_number"),
            ("1e", "not_a_number"),
            ("1,5", "not_a_number"),
            ("0x10", "not_a_number"),
            ("inf", "not_a_number"),
            ("0.0000001", "too_many_decimals"),
            ("1e-7", "too_many_decimals"),
            ("1e400", "out_of_range"),
            ("1000000000.000001", "out_of_range"),
            ("-1e99999999999999999999", "out_of_range"),
        ] {
            assert_eq!(Amount::parse(text, "/value").unwrap_err().code, code, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_units_are_one(units in -Amount::MAX_UNITS..=Amount::MAX_UNITS) {
            let amount = Amount::from_units(units).unwrap();
            prop_assert_eq!(Amount::parse(&amount.to_string(), "/value").unwrap(), amount);
        }

        #[test]
        fn a_json_number_of_six_decimals_survives_the_float_in_between(units in -Amount::MAX_UNITS..=Amount::MAX_UNITS) {
            let float: f64 = format_units(i128::from(units)).parse().unwrap();
            prop_assert_eq!(parse_units(&format!("{float}")), Ok(units));
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.eE]{0,40}") {
            let _ = parse_units(&text);
        }
    }
}
