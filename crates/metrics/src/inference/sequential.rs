//! Is an arm better than control, however often one looks? Asymptotic confidence sequences: intervals and p-values that
//! hold at all moments together.
//!
//! An ordinary 95 % interval is wrong with 5 % *per reading*; a dashboard that refreshes all day is read until it is
//! wrong. A confidence sequence is wrong at *any* moment of the whole experiment with 5 % (Waudby-Smith, Arbour, Sinha,
//! Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences", arXiv 2103.06476v7).
//!
//! With `t` the time, `rho` the tuning and `z = difference / SE`:
//!
//! ```text
//! two-sided half-width  SE sqrt(2 (t rho^2 + 1) / (t rho^2) ln(sqrt(t rho^2 + 1) / alpha))                 (eq 9)
//! e-value               exp(t rho^2 z^2 / (2 (t rho^2 + 1))) / sqrt(t rho^2 + 1),   p = min(1, 1 / e)       (eq 155)
//! one-sided half-width  SE sqrt(2 (t rho^2 + 1) / (t rho^2) ln(1 + sqrt(t rho^2 + 1) / (2 alpha)))         (eq 134)
//! rho                   sqrt((-2 ln alpha + ln(1 - 2 ln alpha)) / N*), one-sided with 2 alpha              (eq 161)
//! ```
//!
//! **The plain form** takes `t = n_T + n_C` and Welch's standard error. Its theory wants the variance to be known well
//! from the start, which the small arm of an unequal split does not grant: with 5 % of the persons in one arm and 0.5 %
//! of them buying, the plain form is wrong at some moment in 65 % of experiments without any effect.
//!
//! **Journeylift's corrected form** takes `t = 4 n_T n_C / (n_T + n_C)`, the persons of the equal split that knows as
//! much, and `SE^2` the larger of Welch's and that of a variance pooled over both arms ([`Gap::pooled`]). At equal arms the
//! time is the usual one. `make calibration` shows both side by side.

use super::compare::Interval;
use super::fieller::{FiellerInterval, fieller};
use super::gap::{Bounds, Gap};
use super::undefined::{Undefined, finite, miss_rate};

/// The planned number of persons of an experiment that does not say: the time at which the sequence is tightest.
pub const DEFAULT_PLANNED_PERSONS: f64 = journey::DEFAULT_PLANNED_PERSONS as f64;

/// The error rate at which a plan is tuned. A fixed number, so that p-values do not depend on the confidence that
/// intervals are asked for with.
pub const PLANNED_ERROR: f64 = 0.05;

/// How a confidence sequence spends its error over time. Fixed before the first exposure: a tuning that is chosen after
/// having looked is not one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuning {
    rho: f64,
    rho_one_sided: f64,
}

impl Tuning {
    /// The tuning that makes the sequence tightest at `persons` persons (N*, one or more), at an error of
    /// [`PLANNED_ERROR`].
    pub fn planned(persons: f64) -> Result<Self, Undefined> {
        Ok(Self { rho: rho(persons, PLANNED_ERROR)?, rho_one_sided: rho(persons, 2.0 * PLANNED_ERROR)? })
    }

    /// The tuning of two-sided sequences.
    #[must_use]
    pub fn rho(&self) -> f64 {
        self.rho
    }

    /// The tuning of one-sided sequences.
    #[must_use]
    pub fn rho_one_sided(&self) -> f64 {
        self.rho_one_sided
    }
}

/// `rho = sqrt((-2 ln alpha + ln(1 - 2 ln alpha)) / persons)`: the tuning that makes a two-sided sequence of error `alpha`
/// (strictly between 0 and 1) tightest at a time of `persons` (eq 161).
pub fn rho(persons: f64, alpha: f64) -> Result<f64, Undefined> {
    let alpha = miss_rate(1.0 - alpha)?;
    if !(persons >= 1.0 && persons.is_finite()) {
        return Err(Undefined::InvalidPlan);
    }
    let spent = -2.0 * alpha.ln();
    Ok(((spent + spent.ln_1p()) / persons).sqrt())
}

/// `sqrt(2 (t rho^2 + 1) / (t rho^2) ln(sqrt(t rho^2 + 1) / alpha))`: half the width of a two-sided sequence at `time`, in
/// standard errors (eq 9).
#[must_use]
pub fn two_sided_width(time: f64, rho: f64, alpha: f64) -> f64 {
    let scaled = time * rho * rho;
    (2.0 * (scaled + 1.0) / scaled * (0.5 * scaled.ln_1p() - alpha.ln())).sqrt()
}

/// `sqrt(2 (t rho^2 + 1) / (t rho^2) ln(1 + sqrt(t rho^2 + 1) / (2 alpha)))`: the distance of the bound of a one-sided
/// sequence at `time`, in standard errors (eq 134).
#[must_use]
pub fn one_sided_width(time: f64, rho: f64, alpha: f64) -> f64 {
    let scaled = time * rho * rho;
    (2.0 * (scaled + 1.0) / scaled * ((scaled + 1.0).sqrt() / (2.0 * alpha)).ln_1p()).sqrt()
}

/// The logarithm of the two-sided e-value at `time` of a difference of `z` standard errors: `t rho^2 z^2 / (2 (t rho^2 +
/// 1)) - ln(t rho^2 + 1) / 2`. It reaches `ln(1 / alpha)` exactly where the interval excludes zero.
#[must_use]
pub fn log_e_value(z: f64, time: f64, rho: f64) -> f64 {
    let scaled = time * rho * rho;
    scaled / (scaled + 1.0) * z * z / 2.0 - 0.5 * scaled.ln_1p()
}

/// The one-sided p-value at `time` of a difference of `z` standard errors in the direction of the alternative: the
/// smallest `alpha` at which the bound of [`one_sided_width`] excludes zero, `sqrt(t rho^2 + 1) / (2 (exp(t rho^2 z^2 / (2
/// (t rho^2 + 1))) - 1))`, at most 1; never zero.
#[must_use]
pub fn one_sided_p_value(z: f64, time: f64, rho: f64) -> f64 {
    if z.is_nan() || z <= 0.0 {
        return 1.0;
    }
    let scaled = time * rho * rho;
    let exponent = scaled / (scaled + 1.0) * z * z / 2.0;
    ((scaled + 1.0).sqrt() / (2.0 * exponent.exp_m1())).clamp(f64::MIN_POSITIVE, 1.0)
}

/// A test of a difference that holds at all moments together, with everything that it is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialTest {
    /// The standard error that is used.
    pub standard_error: f64,
    /// Welch's, of the arms' own variances.
    pub welch_standard_error: f64,
    /// That of the variance pooled over both arms.
    pub pooled_standard_error: f64,
    /// The time of the boundary, in persons.
    pub time: f64,
    /// The tuning.
    pub rho: f64,
    /// Half the width of the interval in standard errors.
    pub width: f64,
    /// The logarithm of the e-value of the difference.
    pub log_e_value: f64,
    /// The two-sided p-value; never zero. Below `1 - confidence` exactly where the interval excludes zero.
    pub p_value: f64,
    /// The interval of the difference.
    pub interval: Interval,
}

/// An arm against control, judged in a way that may be read at any time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialComparison {
    /// The test of the difference.
    pub test: Result<SequentialTest, Undefined>,
    /// The lifts that are not refuted: Fieller's sets of both standard errors, united. Zero is inside exactly if the
    /// p-value is not below `1 - confidence`.
    pub lift: Result<FiellerInterval, Undefined>,
}

impl SequentialComparison {
    /// The ends of the lift's interval, an open side with its reason.
    #[must_use]
    pub fn lift_bounds(&self) -> Bounds {
        match self.lift {
            Ok(set) => Bounds { low: set.low.ok_or(Undefined::OpenSide), high: set.high.ok_or(Undefined::OpenSide) },
            Err(reason) => Bounds::none(reason),
        }
    }
}

/// The time of the corrected form: `4 n_T n_C / (n_T + n_C)`, the persons of an equal split that knows as much.
#[must_use]
pub fn effective_persons(treatment: u64, control: u64) -> f64 {
    let (treatment, control) = (treatment as f64, control as f64);
    4.0 * treatment * (control / (treatment + control))
}

/// Judges a difference by the corrected asymptotic confidence sequence of this module.
///
/// Conditions: a confidence strictly between 0 and 1; a spread in at least one arm; for the lift a control other than
/// zero.
pub fn sequential(gap: &Gap, tuning: &Tuning, confidence: f64) -> Result<SequentialComparison, Undefined> {
    let alpha = miss_rate(confidence)?;
    let pooled = gap.pooled();
    let time = gap.time();
    if time <= 0.0 {
        return Ok(SequentialComparison { test: Err(Undefined::NoVariance), lift: Err(Undefined::NoVariance) });
    }
    let width = two_sided_width(time, tuning.rho, alpha);
    let errors = || Ok((gap.difference_variance()?.sqrt(), pooled.difference_variance()?.sqrt()));
    let test = errors().and_then(|(welch, pooled)| test(gap.difference, [welch, pooled], time, tuning.rho, width));
    let lift = test.and_then(|_| {
        let estimate = gap.lift()?;
        Ok(fieller(&gap.quotient(), width)?.united(&fieller(&pooled.quotient(), width)?, estimate))
    });
    Ok(SequentialComparison { test, lift })
}

fn test(
    difference: f64,
    [welch, pooled]: [f64; 2],
    time: f64,
    rho: f64,
    width: f64,
) -> Result<SequentialTest, Undefined> {
    let standard_error = finite(welch.max(pooled))?;
    if standard_error == 0.0 {
        return Err(Undefined::NoVariance);
    }
    let log_e_value = finite(log_e_value(finite(difference / standard_error)?, time, rho))?;
    Ok(SequentialTest {
        standard_error,
        welch_standard_error: welch,
        pooled_standard_error: pooled,
        time,
        rho,
        width,
        log_e_value,
        p_value: super::mixture::p_value(log_e_value),
        interval: Interval::around(difference, finite(width * standard_error)?)?,
    })
}

/// The plain asymptotic confidence sequence as `GrowthBook` and `PostHog` compute it, for comparison: `t = n_T + n_C`, Welch's
/// standard error, `rho` tuned at `1 - confidence`. The pooled standard error is given, not used.
pub fn plain_sequential(gap: &Gap, planned_persons: f64, confidence: f64) -> Result<SequentialTest, Undefined> {
    let alpha = miss_rate(confidence)?;
    let rho = rho(planned_persons, alpha)?;
    let time = gap.persons as f64 + gap.control_persons as f64;
    let welch = gap.difference_variance()?.sqrt();
    let plain = test(gap.difference, [welch, welch], time, rho, two_sided_width(time, rho, alpha))?;
    Ok(SequentialTest { pooled_standard_error: gap.pooled().difference_variance()?.sqrt(), ..plain })
}

/// Whether `difference - lift |control|` is above or below zero: bounds that each hold at all moments with `confidence`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneSided {
    /// The lower bound of the residual.
    pub low: f64,
    /// The upper bound of the residual.
    pub high: f64,
    /// The p-value of "not above zero".
    pub p_above: f64,
    /// The p-value of "not below zero".
    pub p_below: f64,
    /// The standard error of the residual.
    pub standard_error: f64,
}

/// The one-sided corrected sequences of the residual at `lift` ([`Gap::residual`]), each with error `1 - confidence`.
pub fn one_sided_sequential(gap: &Gap, tuning: &Tuning, lift: f64, confidence: f64) -> Result<OneSided, Undefined> {
    let alpha = miss_rate(confidence)?;
    let time = gap.time();
    if time <= 0.0 {
        return Err(Undefined::NoVariance);
    }
    let variance = gap.residual_variance(lift).max(gap.pooled().residual_variance(lift));
    let standard_error = finite(finite(variance)?.max(0.0).sqrt())?;
    if standard_error == 0.0 {
        return Err(Undefined::NoVariance);
    }
    let residual = finite(gap.residual(lift))?;
    let z = finite(residual / standard_error)?;
    let half = finite(one_sided_width(time, tuning.rho_one_sided, alpha) * standard_error)?;
    let Interval { low, high } = Interval::around(residual, half)?;
    Ok(OneSided {
        low,
        high,
        p_above: one_sided_p_value(z, time, tuning.rho_one_sided),
        p_below: one_sided_p_value(-z, time, tuning.rho_one_sided),
        standard_error,
    })
}
