//! Which arm makes more persons convert, when few have? An exact test of first conversions, valid at any time, for any
//! split, while outcomes are still coming in.
//!
//! Under no effect, whoever converts next belongs to an arm with the probability of its assignment weight, whatever the
//! rate, however it changes over time, and however long outcomes take. So the arms of the converters, in the order of
//! their first conversions, are draws from the weights, and the multinomial mixture of Lindon and Malek (`NeurIPS` 2022) is
//! an exact test from the first converter on. No normal theory, no variance, no gate is needed.
//!
//! Inverted, it bounds the rate ratio `R = p_T / p_C`: under a ratio of R the next converter is the arm's with probability
//! `w_T R / (w_T R + w_C)`. While windows are open this assumes that the arm multiplies the rate of converting at all
//! times alike, which is why the set is meant for rates under 10 %, where rates and shares agree.

use super::gap::Bounds;
use super::mixture::{log_e_value, p_value};
use super::strata::{Converters, ConvertersWithin};
use super::undefined::{Undefined, finite, miss_rate};

/// How strongly the mixture holds to the weights: small enough to see a doubled rate within a few dozen converters,
/// large enough not to be surprised by the first three.
pub const CONVERTERS_CONCENTRATION: f64 = 20.0;

/// The arms of the converters against the weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExactConverters {
    /// Persons of control who converted.
    pub control: u64,
    /// Persons of the arm who converted.
    pub treatment: u64,
    /// The probability that a converter is the arm's if there is no effect.
    pub share: f64,
    /// The logarithm of the e-value.
    pub log_e_value: f64,
    /// The two-sided p-value; never zero. Below `1 - confidence` exactly where the set excludes a lift of zero.
    pub p_value: f64,
    /// The lifts `R - 1` that are not refuted, as fractions; from -1 up. An arm without converters leaves a side open.
    pub lift: Bounds,
}

/// Tests the arms of `control + treatment` first conversions against the weights of the two arms.
///
/// Set: all R with `c_T ln R - n ln(1 - s + s R) > ln E - ln(1 / alpha)`, `s` the arm's share of the weights, `n` the
/// converters, E their e-value: the left side is the log-likelihood ratio of R against 1, so that zero lift is inside
/// exactly if `p >= alpha`. It is concave in `ln R`; its two roots are found by Newton's method.
///
/// Conditions: weights above zero, a confidence strictly between 0 and 1, at least one converter.
pub fn exact_converters(
    control: u64,
    treatment: u64,
    [control_weight, treatment_weight]: [f64; 2],
    confidence: f64,
) -> Result<ExactConverters, Undefined> {
    let alpha = miss_rate(confidence)?;
    let log_e_value =
        log_e_value(&[control, treatment], &[control_weight, treatment_weight], CONVERTERS_CONCENTRATION)?;
    if control == 0 && treatment == 0 {
        return Err(Undefined::NoConverters);
    }
    let unit = control_weight.max(treatment_weight);
    let share = treatment_weight / unit / (control_weight / unit + treatment_weight / unit);
    let likelihood = Likelihood { control: control as f64, treatment: treatment as f64, share };
    let level = log_e_value + alpha.ln();
    let lift = Bounds {
        low: if treatment == 0 { Ok(-1.0) } else { likelihood.root(level, Side::Below) },
        high: if control == 0 { Err(Undefined::TooFewConverters) } else { likelihood.root(level, Side::Above) },
    };
    Ok(ExactConverters {
        control,
        treatment,
        share,
        log_e_value,
        p_value: p_value(log_e_value),
        lift: beside_zero(lift, level),
    })
}

/// See [`super::converters_within`].
pub(super) fn within(strata: &[Converters], confidence: f64) -> Result<ConvertersWithin, Undefined> {
    let alpha = miss_rate(confidence)?;
    let (mut log_e, mut likelihoods) = (0.0, Vec::new());
    let (mut converters, mut expected) = ([0u64; 2], 0.0);
    for ([control, treatment], weights) in strata.iter().filter(|(counts, _)| *counts != [0, 0]) {
        log_e += log_e_value(&[*control, *treatment], weights, CONVERTERS_CONCENTRATION)?;
        let share = weights[1] / (weights[0] + weights[1]);
        converters = [converters[0] + control, converters[1] + treatment];
        expected += share * (*control as f64 + *treatment as f64);
        likelihoods.push(Likelihood { control: *control as f64, treatment: *treatment as f64, share });
    }
    let all = (converters[0] + converters[1]) as f64;
    if likelihoods.is_empty() {
        return Err(Undefined::NoConverters);
    }
    let log_e_value = finite(log_e)?;
    let level = log_e_value + alpha.ln();
    let at = |s: f64| likelihoods.iter().map(|one| one.at(s).0).sum::<f64>();
    let slope = |s: f64| likelihoods.iter().map(|one| one.at(s).1).sum::<f64>();
    let best = halve(-FARTHEST, FARTHEST, |s| slope(s) > 0.0);
    let lift = Bounds {
        low: if converters[1] == 0 { Ok(-1.0) } else { finite(halve(-FARTHEST, best, |s| at(s) < level).exp_m1()) },
        high: if converters[0] == 0 {
            Err(Undefined::TooFewConverters)
        } else {
            finite(halve(best, FARTHEST, |s| at(s) >= level).exp_m1())
        },
    };
    Ok(ConvertersWithin { converters, share: expected / all, log_e_value, lift: beside_zero(lift, level) })
}

/// Logarithms of rate ratios beyond this are not told apart.
const FARTHEST: f64 = 60.0;

/// Where `is_left` ceases to hold between two numbers.
fn halve(mut low: f64, mut high: f64, is_left: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..100 {
        let middle = low.midpoint(high);
        if is_left(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low.midpoint(high)
}

/// Rounding must not carry an end over zero: the level says on which side it lies.
fn beside_zero(lift: Bounds, level: f64) -> Bounds {
    let inside = level <= 0.0;
    let Bounds { low, high } = lift;
    if inside {
        return Bounds { low: low.map(|low| low.min(0.0)), high: high.map(|high| high.max(0.0)) };
    }
    match (low, high) {
        // Above zero as a whole, or below it: whichever side is farther.
        (Ok(low), high) if high.is_err() || high.is_ok_and(|high| low + high > 0.0) => {
            Bounds { low: Ok(low.max(f64::MIN_POSITIVE)), high }
        }
        (low, high) => Bounds { low, high: high.map(|high| high.min(-f64::MIN_POSITIVE)) },
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Below,
    Above,
}

/// The log-likelihood ratio of `ln R = s` against 0: `c_T s - n ln(1 + share (e^s - 1))`.
struct Likelihood {
    control: f64,
    treatment: f64,
    share: f64,
}

impl Likelihood {
    /// Value and slope at `s`.
    fn at(&self, s: f64) -> (f64, f64) {
        let n = self.control + self.treatment;
        if s > 0.0 {
            // Written with e^-s, which does not overflow: n ln(1 + share (e^s - 1)) = n (s + ln(share + (1 - share) e^-s)).
            let rest = (1.0 - self.share) * (-s).exp_m1();
            let share = self.share / (1.0 + rest);
            return (-self.control * s - n * rest.ln_1p(), self.treatment - n * share);
        }
        let rest = self.share * s.exp_m1();
        (self.treatment * s - n * rest.ln_1p(), self.treatment - n * (self.share + rest) / (1.0 + rest))
    }

    /// The lift `R - 1` at which the ratio crosses `level` on one side of its maximum.
    fn root(&self, level: f64, side: Side) -> Result<f64, Undefined> {
        const MOST_STEPS: usize = 100;
        let n = self.control + self.treatment;
        // Where one arm has no converters the ratio has no maximum, and its asymptote, which lies above it, is the start.
        // Else the start is the root of the parabola at the maximum.
        let mut s = if self.control == 0.0 {
            (level + n * (-self.share).ln_1p()) / self.treatment
        } else if self.treatment == 0.0 {
            -(level + n * self.share.ln()) / self.control
        } else {
            let best = (self.treatment / self.control).ln() + ((1.0 - self.share) / self.share).ln();
            let drop = (self.at(best).0 - level).max(0.0);
            let reach = (2.0 * drop * n / (self.treatment * self.control)).sqrt();
            if side == Side::Below { best - reach } else { best + reach }
        };
        // After one step Newton's iterates on a concave function approach the root from outside and cannot leave it.
        for _ in 0..MOST_STEPS {
            let (value, slope) = self.at(s);
            let step = (level - value) / slope;
            if !step.is_finite() {
                break;
            }
            s += step;
            // Newton's method squares the error: after a step this small nothing is left but rounding.
            if step.abs() <= 1e-8 * s.abs().max(1e-3) {
                break;
            }
        }
        finite(s.exp_m1())
    }
}
