//! Money in Segment's properties.

use journey::{Amount, Json};

/// The properties that hold money, in the order in which they count.
const PLACES: [&str; 3] = ["revenue", "total", "value"];

/// The money of an event as decimal text, and the property that it comes from.
///
/// It is the first of `revenue`, `total` and `value` that is a number or decimal text. Client libraries compute in
/// binary floating point, which turns 59.90 into 59.900000000000006: a number with more than six decimals is rounded
/// to six here, while the native format refuses it. A refund counts below zero, whatever sign it was sent with.
pub(crate) fn of(properties: &Json, is_refund: bool) -> Option<(&'static str, String)> {
    PLACES.into_iter().find_map(|place| {
        let text = match properties.get(place)? {
            Json::Number(number) => number.to_text(),
            Json::Text(text) => text.trim().to_owned(),
            _ => return None,
        };
        let text = rounded(text)?;
        if !is_refund {
            return Some((place, text));
        }
        let magnitude = text.trim_start_matches(['-', '+']);
        Some((place, format!("-{magnitude}")))
    })
}

/// The decimal text with at most six decimals; `None` where it is no decimal number.
fn rounded(text: String) -> Option<String> {
    match Amount::parse(&text, "").map_err(|refusal| refusal.code) {
        // One that is too large is refused later, with its name.
        Ok(_) | Err("out_of_range") => Some(text),
        Err("too_many_decimals") => {
            let float: f64 = text.parse().ok()?;
            float.is_finite().then(|| format!("{float:.6}"))
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(source: &str, is_refund: bool) -> Option<(&'static str, String)> {
        of(&crate::json::parse(source.as_bytes()).unwrap(), is_refund)
    }

    #[test]
    fn the_first_usable_property_counts() {
        let some = |place, text: &str| Some((place, text.to_owned()));
        assert_eq!(money(r#"{"value":3,"total":2,"revenue":1}"#, false), some("revenue", "1"));
        assert_eq!(money(r#"{"value":3,"total":"2.50"}"#, false), some("total", "2.50"));
        assert_eq!(money(r#"{"value":"3","revenue":null}"#, false), some("value", "3"));
        assert_eq!(money(r#"{"value":"many","revenue":{}}"#, false), None);
        assert_eq!(money(r#"{"revenue":"NaN"}"#, false), None);
        assert_eq!(money("{}", false), None);
    }

    #[test]
    fn floats_are_rounded_and_refunds_negative() {
        let some = |place, text: &str| Some((place, text.to_owned()));
        assert_eq!(money(r#"{"revenue":59.900000000000006}"#, false), some("revenue", "59.900000"));
        assert_eq!(money(r#"{"revenue":1e-9}"#, false), some("revenue", "0.000000"));
        assert_eq!(money(r#"{"total":27.5}"#, true), some("total", "-27.5"));
        assert_eq!(money(r#"{"total":-27.5}"#, true), some("total", "-27.5"));
    }
}
