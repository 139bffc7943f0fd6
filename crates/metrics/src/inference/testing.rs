//! What the tests of the inference share.

use ethnum::I256;

/// Asserts that two numbers agree to a relative tolerance.
#[track_caller]
pub(super) fn close(actual: f64, expected: f64, relative: f64) {
    let error = (actual - expected).abs();
    assert!(
        error <= relative * expected.abs(),
        "{actual:e} is not {expected:e}: off by {:e} relative",
        error / expected.abs()
    );
}

/// A decimal number in units of `10^-places`; it must have no more decimals than that.
pub(super) fn units(decimal: &str, places: usize) -> I256 {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    assert!(fraction.len() <= places, "{decimal} has more than {places} decimals");
    format!("{whole}{fraction:0<places$}").parse().unwrap()
}
