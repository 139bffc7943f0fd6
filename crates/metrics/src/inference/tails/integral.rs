//! What is the area under a bell-shaped tail? One quadrature, shared by the functions that need the shape beside the
//! exponential.

/// Nodes (positive halves) and weights of the 16-point Gauss-Legendre rule on `[-1, 1]`.
const RULE: [(f64, f64); 8] = [
    (0.095_012_509_837_637_44, 0.189_450_610_455_068_5),
    (0.281_603_550_779_258_9, 0.182_603_415_044_923_6),
    (0.458_016_777_657_227_4, 0.169_156_519_395_002_54),
    (0.617_876_244_402_643_7, 0.149_595_988_816_576_73),
    (0.755_404_408_355_003, 0.124_628_971_255_533_87),
    (0.865_631_202_387_831_7, 0.095_158_511_682_492_78),
    (0.944_575_023_073_232_6, 0.062_253_523_938_647_89),
    (0.989_400_934_991_649_9, 0.027_152_459_411_754_095),
];

/// The 16 nodes of the rule, ascending, and their weights.
pub(crate) fn legendre() -> ([f64; 16], [f64; 16]) {
    let at = |index: usize| if index < 8 { (RULE[7 - index], -1.0) } else { (RULE[index - 8], 1.0) };
    (
        std::array::from_fn(|index| {
            let ((node, _), sign) = at(index);
            sign * node
        }),
        std::array::from_fn(|index| at(index).0.1),
    )
}

/// Panels of the rule. With eight, the rule is exact to rounding for every shape that is smooth on the scale of the
/// bell.
const PANELS: u8 = 8;

/// Where the integrand has fallen by `e^-REACH`, far below the last digit.
const REACH: f64 = 42.0;

/// The integral over `u` from 0 to infinity of `exp(-z u - u^2 / 2) * shape(z + u)`, for `z >= 0`.
///
/// That is `exp(z^2 / 2)` times the integral of the bell times the shape from `z` on: scaled so that it neither
/// underflows nor loses digits far out. `shape` is smooth and grows at most like a power.
pub(super) fn scaled_tail(z: f64, shape: impl Fn(f64) -> f64) -> f64 {
    // The root of z u + u^2 / 2 = REACH, written without cancellation.
    let end = 2.0 * REACH / (z + (z * z + 2.0 * REACH).sqrt());
    let half = end / f64::from(2 * PANELS);
    let mut sum = 0.0;
    for panel in 0..PANELS {
        let middle = half * f64::from(2 * panel + 1);
        for (node, weight) in RULE {
            for u in [middle - half * node, middle + half * node] {
                sum += weight * (-u * (z + u / 2.0)).exp() * shape(z + u);
            }
        }
    }
    sum * half
}
