//! Shares: which part of a whole, strictly between nothing and all of it.

use std::fmt;

use crate::amount::{Amount, UNIT};
use crate::invalid::Invalid;

/// A share strictly between 0 and 1, held as a whole number of millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    /// A share of `millionths`, where it lies strictly between 0 and 1.
    #[must_use]
    pub fn from_millionths(millionths: u32) -> Option<Self> {
        (millionths > 0 && i64::from(millionths) < UNIT).then_some(Self(millionths))
    }

    /// Makes a share of a number, which stands at `pointer`.
    ///
    /// # Errors
    /// Where it does not lie strictly between 0 and 1.
    pub fn of(amount: Amount, pointer: &str) -> Result<Self, Invalid> {
        u32::try_from(amount.units()).ok().and_then(Self::from_millionths).ok_or_else(|| {
            let detail = format!("{amount} is not strictly between 0 and 1: send a share such as 0.9");
            Invalid::new("out_of_range", pointer, detail)
        })
    }

    /// The share in millionths.
    #[must_use]
    pub fn millionths(self) -> u32 {
        self.0
    }

    /// The share as a number.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::amount::format_units(i128::from(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_lies_inside() {
        let of = |text: &str| Share::of(Amount::parse(text, "").unwrap(), "/q");
        assert_eq!(of("0.9").unwrap().to_string(), "0.9");
        assert_eq!(of("0.000001").unwrap().millionths(), 1);
        for outside in ["0", "1", "-0.5", "90"] {
            let refusal = of(outside).unwrap_err();
            assert_eq!((refusal.code, refusal.pointer.as_str()), ("out_of_range", "/q"), "{outside}");
        }
    }
}
