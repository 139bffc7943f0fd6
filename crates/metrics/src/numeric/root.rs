//! Where does a continuous function cross zero?

/// The root of `f` between `low` and `high`, where it has opposite signs; `None` where it has not, or is not a number.
///
/// Chandrupatla's method (1997): inverse quadratic interpolation where the three last points allow it, else halving.
/// Stops where the bracket is no wider than `relative` of the root, or a hundred steps of halving would have been.
pub(crate) fn root(mut f: impl FnMut(f64) -> f64, low: f64, high: f64, relative: f64) -> Option<f64> {
    let at_high = f(high);
    let at_low = f(low);
    root_between(f, (low, at_low), (high, at_high), relative)
}

/// The same between two places at which `f` is known.
pub(crate) fn root_between(
    mut f: impl FnMut(f64) -> f64,
    low: (f64, f64),
    high: (f64, f64),
    relative: f64,
) -> Option<f64> {
    const MOST_STEPS: usize = 200;
    let ((mut a, mut fa), (mut b, mut fb)) = (high, low);
    if fa == 0.0 {
        return Some(a);
    }
    if fb == 0.0 {
        return Some(b);
    }
    if fa.is_nan() || fb.is_nan() || fa.is_sign_positive() == fb.is_sign_positive() {
        return None;
    }
    let mut share = 0.5;
    for _ in 0..MOST_STEPS {
        let x = a + share * (b - a);
        let fx = f(x);
        if fx.is_nan() {
            return None;
        }
        let (c, fc);
        if fx.is_sign_positive() == fa.is_sign_positive() {
            (c, fc) = (a, fa);
        } else {
            (c, fc) = (b, fb);
            (b, fb) = (a, fa);
        }
        (a, fa) = (x, fx);
        let (best, at_best) = if fa.abs() < fb.abs() { (a, fa) } else { (b, fb) };
        let narrowest = (relative * best.abs()).max(f64::MIN_POSITIVE) / (b - a).abs();
        if at_best == 0.0 || narrowest >= 0.5 {
            return Some(best);
        }
        let (xi, phi) = ((a - b) / (c - b), (fa - fb) / (fc - fb));
        share = if phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi {
            fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        } else {
            0.5
        };
        share = share.clamp(narrowest, 1.0 - narrowest);
    }
    Some(if fa.abs() < fb.abs() { a } else { b })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_roots() {
        let near = |actual: Option<f64>, expected: f64| {
            let actual = actual.unwrap();
            assert!((actual - expected).abs() <= 1e-13 * expected.abs(), "{actual} is not {expected}");
        };
        near(root(|x| x * x - 2.0, 0.0, 2.0, 1e-15), 2f64.sqrt());
        near(root(|x| x.powi(9) - 1e-9, 0.0, 10.0, 1e-15), 0.1);
        near(root(|x| 1.0 / x - 1e-6, 1.0, 1e9, 1e-15), 1e6);
        near(root(|x| if x < 0.3 { -1.0 } else { 1.0 }, 0.0, 1.0, 1e-15), 0.3);
        assert_eq!(root(|x| x, 0.0, 1.0, 1e-15), Some(0.0));
        assert_eq!(root(|x| x * x + 1.0, -1.0, 1.0, 1e-15), None);
        assert_eq!(root(|_| f64::NAN, -1.0, 1.0, 1e-15), None);
    }
}
