//! How far is an arm from control, and what is known of that difference? The second moments that every method judges a
//! difference and its lift by.

use super::compare::Interval;
use super::fieller::Quotient;
use super::sample::Estimate;
use super::undefined::{Undefined, finite};

/// The difference of an arm's KPI to that of control, the control that a lift divides by, and their second moments.
///
/// All moments are those of estimates, not between persons. For plain KPIs the covariance of the difference with
/// control is minus control's variance; with a covariate taken out it is what remains of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// KPI of the arm less KPI of control.
    pub difference: f64,
    /// Persons in the arm; at least two.
    pub persons: u64,
    /// Persons in control; at least two.
    pub control_persons: u64,
    /// The part of the difference's variance that comes from the arm.
    pub variance: f64,
    /// The part of the difference's variance that comes from control.
    pub control_variance: f64,
    /// The KPI of control, which a lift divides by, as it is.
    pub base: f64,
    /// Its variance.
    pub base_variance: f64,
    /// The covariance of the difference with the KPI of control.
    pub covariance: f64,
    /// The share of the information that all persons will have given: 1 where their values are final.
    pub accrued: f64,
}

/// The two ends of an interval, either of which may be missing with its reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The lower end.
    pub low: Result<f64, Undefined>,
    /// The upper end.
    pub high: Result<f64, Undefined>,
}

impl Bounds {
    /// No ends, for one reason.
    #[must_use]
    pub fn none(reason: Undefined) -> Self {
        Self { low: Err(reason), high: Err(reason) }
    }

    /// Whether a number lies between the ends; a missing end bounds nothing.
    #[must_use]
    pub fn contains(&self, number: f64) -> bool {
        self.low.is_ok_and(|low| low <= number) | self.low.is_err()
            && self.high.is_ok_and(|high| number <= high) | self.high.is_err()
    }

    /// The interval, where both ends exist.
    pub fn interval(&self) -> Result<Interval, Undefined> {
        Ok(Interval { low: self.low?, high: self.high? })
    }
}

impl From<Result<Interval, Undefined>> for Bounds {
    fn from(interval: Result<Interval, Undefined>) -> Self {
        Self { low: interval.map(|ends| ends.low), high: interval.map(|ends| ends.high) }
    }
}

impl Gap {
    /// The difference of two estimates of independent arms.
    pub fn between(control: &Estimate, treatment: &Estimate) -> Result<Self, Undefined> {
        Ok(Self {
            difference: finite(treatment.minus(control))? + 0.0,
            persons: treatment.persons(),
            control_persons: control.persons(),
            variance: treatment.variance(),
            control_variance: control.variance(),
            base: control.value(),
            base_variance: control.variance(),
            covariance: -control.variance(),
            accrued: 1.0,
        })
    }

    /// The lift, `difference / |base|`.
    pub fn lift(&self) -> Result<f64, Undefined> {
        if self.base == 0.0 {
            Err(Undefined::ZeroControl)
        } else {
            Ok(finite(self.difference / self.base.abs())? + 0.0)
        }
    }

    /// The variance of the difference.
    pub fn difference_variance(&self) -> Result<f64, Undefined> {
        finite(self.variance + self.control_variance)
    }

    /// The variance of the lift by the delta method, before the division by `base^2`: that of `difference - lift |base|` at
    /// the estimated lift.
    pub fn lift_standard_error(&self) -> Result<f64, Undefined> {
        let lift = self.lift()?;
        finite(self.residual_variance(lift).max(0.0).sqrt() / self.base.abs())
    }

    /// `difference - lift |base|`: zero is what a lift of `lift` predicts.
    #[must_use]
    pub fn residual(&self, lift: f64) -> f64 {
        self.difference - lift * self.base.abs()
    }

    /// The variance of [`Gap::residual`].
    #[must_use]
    pub fn residual_variance(&self, lift: f64) -> f64 {
        let covariance = self.covariance * self.base.signum();
        self.variance + self.control_variance - 2.0 * lift * covariance + lift * lift * self.base_variance
    }

    /// The same difference with one variance between persons for both arms, each residual `y_T` and `(1 + lift) y_C` being
    /// an equally good witness of it: `s_p^2 (1 / n_T + 1 / n_C)` in place of `s_T^2 / n_T + s_C^2 / n_C`, `s_p^2` the
    /// pooled variance with `n_T + n_C - 2` degrees of freedom.
    ///
    /// In a small arm that has seen few of the rare large values, the variance is underestimated together with the mean;
    /// the large arm knows it.
    #[must_use]
    pub fn pooled(&self) -> Self {
        let (treatment, control) = (self.persons as f64, self.control_persons as f64);
        let all = treatment + control;
        let of_treatment = all * (treatment - 1.0) / (control * (all - 2.0));
        let of_control = all * (control - 1.0) / (treatment * (all - 2.0));
        Self {
            variance: self.variance * of_treatment,
            control_variance: self.control_variance * of_control,
            base_variance: self.base_variance * of_control,
            covariance: self.covariance * of_control,
            ..*self
        }
    }

    /// The same difference while the values of persons who are already counted still come in.
    ///
    /// Then persons are not the draws that a sequence counts: values are. Whoever acts next belongs to an arm with the
    /// probability of its weight, so what the difference has gathered is a martingale whose variance grows with `sum y^2`,
    /// the squares about *zero*: `sum y^2 / (n (n - 1)) = v + m^2 / (n - 1)` takes the place of v, and the time is that of
    /// the share of persons who have contributed (`accrued`, see `contributing_share` of the report). Squares about the mean
    /// shrink again when everyone has acted, which no martingale does: read live, they find an effect that is not there in 6
    /// % of experiments at values like 10 +- 3. `about_zero` is false for ratios, whose variance is that of `y - R d`, which
    /// adds up to zero by itself.
    #[must_use]
    pub fn accruing(&self, accrued: f64, about_zero: bool) -> Self {
        let square = |mean: f64, persons: u64| if about_zero { mean * mean / (persons as f64 - 1.0) } else { 0.0 };
        let of_control = square(self.base, self.control_persons);
        Self {
            variance: self.variance + square(self.base + self.difference, self.persons),
            control_variance: self.control_variance + of_control,
            base_variance: self.base_variance + of_control,
            covariance: self.covariance - of_control,
            accrued,
            ..*self
        }
    }

    /// The time of the corrected sequence: `4 n_T n_C / (n_T + n_C)`, the persons of an equal split that knows as much, times
    /// the share of the information that has accrued.
    #[must_use]
    pub fn time(&self) -> f64 {
        super::sequential::effective_persons(self.persons, self.control_persons) * self.accrued
    }

    /// The lift as a quotient of uncertain numbers.
    #[must_use]
    pub fn quotient(&self) -> Quotient {
        Quotient {
            numerator: self.difference,
            numerator_variance: self.variance + self.control_variance,
            denominator: self.base.abs(),
            denominator_variance: self.base_variance,
            covariance: self.covariance * self.base.signum(),
        }
    }
}
