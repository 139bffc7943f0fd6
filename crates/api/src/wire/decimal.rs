//! Exact sums as decimal text.

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

    proptest! {
        #[test]
        fn it_writes_amounts_as_they_write_themselves(units: i128) {
            prop_assert_eq!(decimal(&units, 6), journey::format_units(units));
        }
    }
}
