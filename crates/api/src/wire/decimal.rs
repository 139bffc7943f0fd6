//! Exact sums as decimal text, and back.

use ethnum::I256;
use journey::Fault;

/// Reads decimal text, an exponent allowed, as an exact integer in units of ten to the power `-scale`. More decimals than that
/// are refused, or rounded to the nearest unit, halves away from zero.
pub(crate) fn parse_decimal(text: &str, scale: i64, rounded: bool) -> Result<I256, Fault> {
    // Sums have fewer digits than this by far, and 256 bits hold it.
    const MOST_DIGITS: i64 = 75;
    let text = text.trim();
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], exponent(&rest[at + 1..])?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !digits_only(whole) || !digits_only(fraction) {
        return Err(Fault::NotDecimal);
    }
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0').collect();
    let first = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len());
    let digits = &digits[first..];
    let length = |digits: &[u8]| i64::try_from(digits.len()).unwrap_or(i64::MAX);
    // The value is `digits` as an integer, times ten to this power, in units.
    let power = exponent.saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX)).saturating_add(scale);
    if digits.is_empty() {
        return Ok(I256::ZERO);
    }
    if length(digits).saturating_add(power) > MOST_DIGITS {
        return Err(Fault::TooLarge);
    }
    // What stands below the unit.
    let below = usize::try_from(power.saturating_neg().clamp(0, length(digits))).unwrap_or(0);
    let (kept, cut) = digits.split_at(digits.len() - below);
    if !rounded && (cut.iter().any(|digit| *digit != 0) || power < -length(digits)) {
        return Err(Fault::TooFine);
    }
    let ten = I256::new(10);
    let zeros = u32::try_from(power.max(0)).unwrap_or(0);
    let units = kept.iter().fold(I256::ZERO, |units, digit| units * ten + I256::from(*digit)) * ten.pow(zeros);
    // With a power below the digits themselves the first digit cut off is a zero before them.
    let up = power >= -length(digits) && cut.first().is_some_and(|digit| *digit >= 5);
    let units = units + I256::from(i64::from(up));
    Ok(if negative { -units } else { units })
}

fn exponent(text: &str) -> Result<i64, Fault> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::NotDecimal);
    }
    let magnitude: i64 = digits.parse().unwrap_or(1_000_000).min(1_000_000);
    Ok(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// An integer in units of ten to the power `-scale` as the shortest decimal text: no sum goes through a double.
pub(crate) fn decimal(units: &impl ToString, scale: usize) -> String {
    let text = units.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sums_are_the_shortest_exact_text() {
        for (units, scale, text) in [
            (2_262_000_000i128, 6, "2262"),
            (2_870_050_362_100_000_000, 12, "2870050.3621"),
            (-1, 6, "-0.000001"),
            (0, 12, "0"),
            (10, 0, "10"),
        ] {
            assert_eq!(decimal(&units, scale), text);
        }
    }

    #[test]
    fn text_is_read_to_the_unit() {
        for (text, scale, units) in [
            ("74282.32", 6, 74_282_320_000i64),
            (" 1777100.9728 ", 12, 1_777_100_972_800_000_000),
            ("-1e3", 0, -1000),
            (".5", 1, 5),
            ("0.000", 0, 0),
            ("1500e-3", 1, 15),
        ] {
            assert_eq!(parse_decimal(text, scale, false), Ok(I256::from(units)), "{text}");
        }
        for (text, fault) in [
            ("1.5", Fault::TooFine),
            ("1e-99999", Fault::TooFine),
            ("1e75", Fault::TooLarge),
            ("1e99999999999", Fault::TooLarge),
            ("NaN", Fault::NotDecimal),
            ("", Fault::NotDecimal),
            ("1_0", Fault::NotDecimal),
        ] {
            assert_eq!(parse_decimal(text, 0, false), Err(fault), "{text}");
        }
        for (text, units) in [("1.5", 2i64), ("-1.5", -2), ("1.49", 1), ("0.5", 1), ("0.05", 0), ("1e-99999", 0)] {
            assert_eq!(parse_decimal(text, 0, true), Ok(I256::from(units)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(units: i128, scale in 0u8..30) {
            let text = decimal(&units, scale.into());
            prop_assert_eq!(parse_decimal(&text, scale.into(), false), Ok(I256::from(units)), "{}", text);
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.eE]{0,90}", scale in 0i64..30, rounded: bool) {
            let _ = parse_decimal(&text, scale, rounded);
        }

        #[test]
        fn it_writes_amounts_as_they_write_themselves(units: i128) {
            prop_assert_eq!(decimal(&units, 6), journey::format_units(units));
        }
    }
}
