//! Is an arm better than control, and by how much? Welch's test of the difference, the lift with its delta-method
//! interval, and Fieller's.

use super::fieller::{FiellerInterval, Quotient, fieller};
use super::level::Level;
use super::sample::Estimate;
use super::tails::student_two_sided;
use super::undefined::{Undefined, finite};

/// A closed interval, `low <= high`, both finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// `centre +- half_width`, refused where an end is beyond the doubles.
    pub(super) fn around(centre: f64, half_width: f64) -> Result<Self, Undefined> {
        Ok(Self { low: finite(centre - half_width)?, high: finite(centre + half_width)? })
    }
}

/// Welch's two-sided test of the difference, and its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// The standard error of the difference.
    pub standard_error: f64,
    /// The difference in standard errors.
    pub t: f64,
    /// The degrees of freedom after Welch and Satterthwaite.
    pub degrees_of_freedom: f64,
    /// The two-sided p-value, on the scale of the absolute difference; never zero.
    pub p_value: f64,
    /// The interval of the difference.
    pub interval: Interval,
}

/// The relative lift `difference / |control|` as a fraction, with its interval by the delta method.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lift {
    /// The lift, as a fraction: 0.12 is 12 %.
    pub value: f64,
    /// The standard error of the lift by the delta method.
    pub standard_error: f64,
    /// The interval of the lift by the delta method.
    pub interval: Interval,
}

impl Lift {
    /// The impact score: the lift in per cent, `100 * lift`.
    #[must_use]
    pub fn impact_score(&self) -> f64 {
        100.0 * self.value
    }
}

/// An arm against control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// KPI of the arm less KPI of control.
    pub difference: f64,
    /// The test of the difference, or why there is none.
    pub test: Result<Test, Undefined>,
    /// The lift with its delta-method interval, or why there is none.
    pub lift: Result<Lift, Undefined>,
    /// Fieller's interval of the lift, or why there is none. Zero is inside exactly if `p_value >= 1 - confidence`.
    pub lift_fieller: Result<FiellerInterval, Undefined>,
}

/// Compares an arm with control, at fixed horizon.
///
/// With `v` the variance of an arm's estimate and `m` its value, T the arm, C control:
///
/// - difference `m_T - m_C`, standard error `sqrt(v_T + v_C)`, two-sided p-value of Student's t with the degrees of
///   freedom of [`welch_degrees_of_freedom`] (Welch 1947), interval with the t quantile at `confidence`;
/// - lift `(m_T - m_C) / |m_C|`, variance `v_T / m_C^2 + v_C m_T^2 / m_C^4` (Deng, Knoblich, Lu, KDD 2018), the same
///   degrees of freedom;
/// - Fieller's set of lifts with the same quantile ([`fieller()`]).
///
/// The estimates may be means or ratios. Conditions: with two variances of zero only the difference exists; with `m_C
/// = 0` the difference and its test do. Fails as a whole only where `confidence` is not strictly between 0 and 1, or
/// the difference is beyond the doubles.
pub fn compare(control: &Estimate, treatment: &Estimate, confidence: f64) -> Result<Comparison, Undefined> {
    compare_at(control, treatment, &Level::new(confidence)?)
}

/// [`compare()`] at a level that is made once for many comparisons.
pub fn compare_at(control: &Estimate, treatment: &Estimate, level: &Level) -> Result<Comparison, Undefined> {
    let degrees_of_freedom = welch_degrees_of_freedom(control, treatment);
    let factor = treatment.value() / control.value();
    let contrast = Contrast {
        difference: finite(treatment.minus(control))?,
        variance: treatment.variance() + control.variance(),
        base: control.value(),
        base_variance: control.variance(),
        covariance: -control.variance(),
        lift_variance: treatment.variance() + factor * factor * control.variance(),
        degrees_of_freedom,
    };
    Ok(contrast.evaluate(level))
}

/// The degrees of freedom of the difference of two estimates after Satterthwaite (1946) and Welch (1947): `(v_T +
/// v_C)^2 / (v_T^2 / (n_T - 1) + v_C^2 / (n_C - 1))`. [`Undefined::NoVariance`] where both variances are zero.
pub fn welch_degrees_of_freedom(control: &Estimate, treatment: &Estimate) -> Result<f64, Undefined> {
    let sum = finite(control.variance() + treatment.variance())?;
    if sum == 0.0 {
        return Err(Undefined::NoVariance);
    }
    // As shares of the sum, so that the squares of tiny variances do not vanish.
    let (share_c, share_t) = (control.variance() / sum, treatment.variance() / sum);
    let (df_c, df_t) = (control.degrees_of_freedom(), treatment.degrees_of_freedom());
    let df = 1.0 / (share_c * share_c / df_c + share_t * share_t / df_t);
    // By algebra the result lies between these; rounding must not carry it below 1.
    Ok(df.clamp(df_c.min(df_t), df_c + df_t))
}

/// A difference to a base, with what a test, a lift and Fieller's set need to know of the two.
pub(super) struct Contrast {
    /// The difference, already known to be finite.
    pub(super) difference: f64,
    /// Its variance.
    pub(super) variance: f64,
    /// What the lift divides by, in absolute value.
    pub(super) base: f64,
    /// The variance of the base.
    pub(super) base_variance: f64,
    /// The covariance of the difference with the base.
    pub(super) covariance: f64,
    /// The variance of `difference - lift * base` at the estimated lift: that of the lift is this over `base^2`.
    pub(super) lift_variance: f64,
    /// The degrees of freedom of the difference.
    pub(super) degrees_of_freedom: Result<f64, Undefined>,
}

impl Contrast {
    pub(super) fn evaluate(&self, level: &Level) -> Comparison {
        let quantile = self.degrees_of_freedom.and_then(|df| level.student(df));
        Comparison {
            difference: self.difference + 0.0,
            test: quantile.and_then(|quantile| self.test(quantile)),
            lift: self.base_of_lift().and_then(|()| self.lift(quantile?)),
            lift_fieller: self.base_of_lift().and_then(|()| self.fieller(quantile?)),
        }
    }

    fn base_of_lift(&self) -> Result<(), Undefined> {
        if self.base == 0.0 { Err(Undefined::ZeroControl) } else { Ok(()) }
    }

    fn test(&self, quantile: f64) -> Result<Test, Undefined> {
        let degrees_of_freedom = self.degrees_of_freedom?;
        let standard_error = finite(self.variance.sqrt())?;
        let t = finite(self.difference / standard_error)? + 0.0;
        let p_value = student_two_sided(t, degrees_of_freedom).ok_or(Undefined::OutOfRange)?;
        let interval = Interval::around(self.difference, finite(quantile * standard_error)?)?;
        Ok(Test { standard_error, t, degrees_of_freedom, p_value, interval })
    }

    fn lift(&self, quantile: f64) -> Result<Lift, Undefined> {
        let base = self.base.abs();
        let value = finite(self.difference / base)? + 0.0;
        // A variance that is zero by algebra may come out as a negative trace of rounding.
        let standard_error = finite(self.lift_variance.max(0.0).sqrt() / base)?;
        Ok(Lift { value, standard_error, interval: Interval::around(value, finite(quantile * standard_error)?)? })
    }

    fn fieller(&self, quantile: f64) -> Result<FiellerInterval, Undefined> {
        let quotient = Quotient {
            numerator: self.difference,
            numerator_variance: self.variance,
            denominator: self.base.abs(),
            denominator_variance: self.base_variance,
            covariance: self.covariance * self.base.signum(),
        };
        fieller(&quotient, quantile)
    }
}
