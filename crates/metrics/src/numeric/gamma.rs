//! What is the logarithm of a gamma function, and of a quotient of two?

use std::f64::consts::PI;

/// `ln Gamma(x)` for `x > 0`; not a number elsewhere.
///
/// Stirling's series with eight terms (Abramowitz and Stegun 6.1.41), after raising small arguments by `Gamma(x + 1) =
/// x Gamma(x)`. Error below 4e-15 times the largest of 1, `x` and the result.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    const ENOUGH: f64 = 12.0;
    if x.is_nan() || x <= 0.0 {
        return f64::NAN;
    }
    let mut product = 1.0;
    let mut raised = x;
    while raised < ENOUGH {
        product *= raised;
        raised += 1.0;
    }
    let inverse = 1.0 / raised;
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0
            + square
                * (-1.0 / 360.0
                    + square
                        * (1.0 / 1260.0
                            + square
                                * (-1.0 / 1680.0
                                    + square
                                        * (1.0 / 1188.0
                                            + square
                                                * (-691.0 / 360_360.0
                                                    + square * (1.0 / 156.0 - square * 3617.0 / 122_400.0)))))));
    (raised - 0.5) * raised.ln() - raised + (2.0 * PI).ln() / 2.0 + series - product.ln()
}

/// The derivative of [`ln_gamma`] for `x > 0`; by its asymptotic series (Abramowitz and Stegun 6.3.18) after raising
/// small arguments.
pub(crate) fn digamma(x: f64) -> f64 {
    const ENOUGH: f64 = 12.0;
    let mut below = 0.0;
    let mut raised = x;
    while raised < ENOUGH {
        below += 1.0 / raised;
        raised += 1.0;
    }
    let square = 1.0 / (raised * raised);
    let series = square
        * (1.0 / 12.0
            - square
                * (1.0 / 120.0
                    - square
                        * (1.0 / 252.0
                            - square
                                * (1.0 / 240.0
                                    - square * (1.0 / 132.0 - square * (691.0 / 32_760.0 - square / 12.0))))));
    raised.ln() - 0.5 / raised - series - below
}

/// The derivative of [`digamma`] for `x > 0` (Abramowitz and Stegun 6.4.12).
pub(crate) fn trigamma(x: f64) -> f64 {
    const ENOUGH: f64 = 12.0;
    let mut below = 0.0;
    let mut raised = x;
    while raised < ENOUGH {
        below += 1.0 / (raised * raised);
        raised += 1.0;
    }
    let inverse = 1.0 / raised;
    let square = inverse * inverse;
    let series = 1.0 / 6.0
        - square
            * (1.0 / 30.0
                - square
                    * (1.0 / 42.0
                        - square
                            * (1.0 / 30.0 - square * (5.0 / 66.0 - square * (691.0 / 2730.0 - square * 7.0 / 6.0)))));
    inverse * (1.0 + inverse * (0.5 + inverse * series)) + below
}

/// `ln(Gamma(x + n) / Gamma(x))`: the logarithm of `x (x + 1) ... (x + n - 1)`, for `x > 0`.
///
/// A product for small `n`, where the difference of two large logarithms would lose its digits.
pub(crate) fn ln_rising(x: f64, n: u32) -> f64 {
    const FEW: u32 = 64;
    if n > FEW {
        return ln_gamma(x + f64::from(n)) - ln_gamma(x);
    }
    // Eight factors at a time stay far inside the doubles, and save seven logarithms of eight.
    let mut sum = 0.0;
    let mut product = 1.0;
    for i in 0..n {
        product *= x + f64::from(i);
        if !(1e-200..=1e200).contains(&product) || i % 8 == 7 {
            sum += product.ln();
            product = 1.0;
        }
    }
    sum + product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: mpmath 1.4.1 at 40 digits, `loggamma`.
    #[test]
    fn reference() {
        for (x, expected) in [
            (1e-8, 18.42068073818021),
            (0.25, 1.2880225246980774),
            (0.5, 0.5723649429247001),
            (1.0, 0.0),
            (1.4616321449683622, -0.12148629053584961),
            (2.0, 0.0),
            (3.5, 1.2009736023470743),
            (11.9, 17.25847745059552),
            (100.0, 359.1342053695754),
            (123456.789, 1323902.0187950633),
        ] {
            let error = (ln_gamma(x) - expected).abs();
            assert!(error <= 4e-15 * expected.abs().max(1.0), "ln Gamma({x}): off by {error:e}");
        }
        assert!(ln_gamma(0.0).is_nan() && ln_gamma(-1.5).is_nan() && ln_gamma(f64::NAN).is_nan());
    }

    /// Source: mpmath 1.4.1 at 40 digits, `digamma` and `polygamma(1, x)`.
    #[test]
    fn derivatives() {
        for (x, first, second) in [
            (0.001, -1000.5755719318103, 1000001.6425331958),
            (0.25, -4.2274535333762655, 17.19732915450711),
            (1.0, -0.5772156649015329, 1.6449340668482264),
            (1.5, 0.03648997397857652, 0.9348022005446793),
            (3.7, 1.1671535393615113, 0.3100378576700383),
            (11.5, 2.3982391295357814, 0.09084666127454623),
            (12.0, 2.442661679975812, 0.08690187287176838),
            (250.0, 5.519459584531046, 0.004008010666632534),
            (1000000.0, 13.815510057964191, 1.0000005000001667e-06),
        ] {
            assert!((digamma(x) - first).abs() <= 2e-14 * first.abs().max(1.0), "digamma({x}) = {}", digamma(x));
            assert!((trigamma(x) - second).abs() <= 2e-14 * second, "trigamma({x}) = {}", trigamma(x));
        }
    }

    /// Where a product gives way to a difference of logarithms nothing jumps.
    #[test]
    fn rising_factorials() {
        for x in [1e-3, 0.24, 3.0, 1e4] {
            for n in [0, 1, 7, 8, 9, 40, 64, 65, 200] {
                let plain: f64 = (0..n).map(|i| (x + f64::from(i)).ln()).sum();
                assert!((ln_rising(x, n) - plain).abs() <= 1e-13 * plain.abs().max(1.0), "{x} {n}");
            }
        }
    }
}
