//! How much clearer is a comparison when each person's past is taken into account? CUPED for means.

use ethnum::I256;

use super::compare::{Comparison, Contrast, welch_degrees_of_freedom};
use super::exact::{Exact, cross, quotient};
use super::gap::Gap;
use super::level::Level;
use super::sample::{Estimate, at_least_two};
use super::undefined::Undefined;
use crate::moments;

/// An arm's sums of the KPI `y` and of the covariate `x`, the same KPI before the exposure. In 1e-6; squares and
/// cross products in 1e-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CovariateSums {
    /// Persons.
    pub n: i64,
    /// Sum of the KPI.
    pub y: I256,
    /// Sum of its squares.
    pub yy: I256,
    /// Sum of the covariate.
    pub x: I256,
    /// Sum of its squares.
    pub xx: I256,
    /// Sum of the products of covariate and KPI.
    pub xy: I256,
}

impl From<&moments::Moments> for CovariateSums {
    fn from(sums: &moments::Moments) -> Self {
        Self { n: sums.n, y: sums.y, yy: sums.yy, x: sums.x, xx: sums.xx, xy: sums.xy }
    }
}

/// The coefficient by which the covariate is taken out of the KPI: a quotient of integers, kept exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theta {
    numerator: Exact,
    denominator: Exact,
}

impl Theta {
    /// The coefficient pooled within arms: the sum over arms of `S_xy` over the sum of `S_xx`, `S_ab` being an arm's
    /// sum of products of deviations from *its own* means. An effect of the treatment cannot leak into it.
    ///
    /// Zero, which leaves the KPI as it is, where the covariate does not vary within any arm.
    #[must_use]
    pub fn within_arms(arms: &[CovariateSums]) -> Self {
        let start = (Exact::from(0), Exact::from(0), Exact::from(1));
        let (numerator, denominator, _) =
            arms.iter().filter(|arm| arm.n > 0).fold(start, |(above, below, common), arm| {
                let arm = Spread::of(arm);
                // S = cross / n, brought to the common denominator of the arms before.
                (&(&above * &arm.n) + &(&arm.xy * &common), &(&below * &arm.n) + &(&arm.xx * &common), &common * &arm.n)
            });
        Self::new(numerator, denominator)
    }

    /// The coefficient of all persons taken as one sample, whatever their arm: what `GrowthBook` uses. For comparison
    /// with peers.
    #[must_use]
    pub fn across_arms(arms: &[CovariateSums]) -> Self {
        let sum = |part: fn(&CovariateSums) -> Exact| arms.iter().fold(Exact::from(0), |sum, arm| &sum + &part(arm));
        let (n, x) = (sum(|arm| Exact::from(arm.n)), sum(|arm| Exact::from(arm.x)));
        Self::new(
            cross(&n, &x, &sum(|arm| Exact::from(arm.y)), &sum(|arm| Exact::from(arm.xy))),
            cross(&n, &x, &x, &sum(|arm| Exact::from(arm.xx))),
        )
    }

    fn new(numerator: Exact, denominator: Exact) -> Self {
        if denominator.is_zero() {
            return Self { numerator: denominator, denominator: Exact::from(1) };
        }
        Self { numerator, denominator }
    }

    /// The coefficient as a double; `None` where it is beyond the doubles.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        quotient(&self.numerator, &self.denominator)
    }
}

/// A comparison of KPIs from which the covariate has been taken out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdjustedComparison {
    /// The coefficient that was used.
    pub theta: f64,
    /// The adjusted KPI of control, at the covariate's mean over both arms: on the scale of the KPI.
    pub control: Estimate,
    /// The adjusted KPI of the arm, at the same covariate mean.
    pub treatment: Estimate,
    /// Difference, test, lift and Fieller's interval of the adjusted KPI.
    pub comparison: Comparison,
    /// The adjusted difference and the unadjusted control below the lift, with their second moments.
    pub gap: Gap,
}

/// A difference from which the covariate has been taken out, before any method judges it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdjustedGap {
    /// The coefficient that was used.
    pub theta: f64,
    /// The adjusted KPI of control, at the covariate's mean over both arms: on the scale of the KPI.
    pub control: Estimate,
    /// The adjusted KPI of the arm, at the same covariate mean.
    pub treatment: Estimate,
    /// The adjusted difference and the unadjusted control below the lift, with their second moments.
    pub gap: Gap,
    /// The variance of the lift by the delta method, times the square of control.
    pub(super) lift_variance: f64,
}

/// Compares the means of two arms after taking the covariate out (CUPED: Deng, Xu, Kohavi, Walker, WSDM 2013).
///
/// With means `m`, variances `s^2` and covariances between persons (n - 1), T the arm, C control:
///
/// - adjusted mean `m_Y - theta (m_X - M_X)`, `M_X` the covariate's mean over both arms, which shifts both alike and
///   leaves the difference `m_T,Y - m_C,Y - theta (m_T,X - m_C,X)`; variance `(s_Y^2 + theta^2 s_X^2 - 2 theta s_YX)
///   / n`;
/// - lift: the adjusted difference over `|m_C|`, the *unadjusted* mean of control, variance `v_T,adj / m_C^2 +
///   (s_Y,C^2 g^2 - 2 theta s_YX,C g + theta^2 s_X,C^2) / (n_C m_C^2)`, `g = m_T / m_C` unadjusted: the delta method
///   with the covariance of the difference and the mean below it, as in the head of `GrowthBook`'s repository;
/// - Fieller's set from the same three second moments.
///
/// Degrees of freedom: Welch's, of the adjusted variances. All polynomials of sums are exact; each number is rounded
/// once.
pub fn compare_adjusted(
    control: &CovariateSums,
    treatment: &CovariateSums,
    theta: &Theta,
    confidence: f64,
) -> Result<AdjustedComparison, Undefined> {
    let adjusted = adjust(control, treatment, theta)?;
    let comparison = compare_gap(&adjusted, &Level::new(confidence)?);
    let AdjustedGap { theta, control, treatment, gap, .. } = adjusted;
    Ok(AdjustedComparison { theta, control, treatment, comparison, gap })
}

/// Judges an adjusted difference at fixed horizon; see [`compare_adjusted`].
#[must_use]
pub fn compare_gap(adjusted: &AdjustedGap, level: &Level) -> Comparison {
    let gap = &adjusted.gap;
    Contrast {
        difference: gap.difference,
        variance: adjusted.treatment.variance() + adjusted.control.variance(),
        base: gap.base,
        base_variance: gap.base_variance,
        covariance: gap.covariance,
        lift_variance: adjusted.lift_variance,
        degrees_of_freedom: welch_degrees_of_freedom(&adjusted.control, &adjusted.treatment),
    }
    .evaluate(level)
}

/// Takes the covariate out of the difference of two arms; the formulas are those of [`compare_adjusted`].
pub fn adjust(control: &CovariateSums, treatment: &CovariateSums, theta: &Theta) -> Result<AdjustedGap, Undefined> {
    let persons = (at_least_two(control.n)?, at_least_two(treatment.n)?);
    let (c, t) = (Spread::of(control), Spread::of(treatment));
    let (p, q) = (&theta.numerator, &theta.denominator);
    let (all, all_x) = (&c.n + &t.n, &c.x + &t.x);
    let adjusted = |persons: u64, arm: &Spread| {
        let shift = p * &(&(&arm.x * &all) - &(&arm.n * &all_x));
        let above = &(q * &(&arm.y * &all)) - &shift;
        let value = quotient(&above, &(&(q * &(&arm.n * &all)) * &Exact::power_of_ten(6)));
        let mixed = &(&Exact::from(2) * &(p * q)) * &arm.xy;
        let spread = &(&(&q.squared() * &arm.yy) + &(&p.squared() * &arm.xx)) - &mixed;
        let variance = quotient(&spread, &(&q.squared() * &arm.per_mean()));
        Estimate::from_parts(persons, value.ok_or(Undefined::OutOfRange)?, variance.ok_or(Undefined::OutOfRange)?)
    };
    let (control, treatment) = (adjusted(persons.0, &c)?, adjusted(persons.1, &t)?);
    let apart = |of_t: &Exact, of_c: &Exact| &(of_t * &c.n) - &(of_c * &t.n);
    let difference = &(q * &apart(&t.y, &c.y)) - &(p * &apart(&t.x, &c.x));
    let number = |above: &Exact, below: &Exact| quotient(above, below).ok_or(Undefined::OutOfRange);
    let difference = number(&difference, &(&(q * &(&c.n * &t.n)) * &Exact::power_of_ten(6)))?;
    let base = number(&c.y, &(&c.n * &Exact::power_of_ten(6)))?;
    let base_variance = number(&c.yy, &c.per_mean())?;
    let covariance = -number(&(&(q * &c.yy) - &(p * &c.xy)), &(q * &c.per_mean()))?;
    let theta = theta.value().ok_or(Undefined::OutOfRange)?;
    let factor = number(&t.y, &t.n)? / number(&c.y, &c.n)?;
    let covariate =
        theta * theta * number(&c.xx, &c.per_mean())? - 2.0 * theta * factor * number(&c.xy, &c.per_mean())?;
    let gap = Gap {
        difference: difference + 0.0,
        persons: treatment.persons(),
        control_persons: control.persons(),
        variance: treatment.variance(),
        control_variance: control.variance(),
        base,
        base_variance,
        covariance,
        accrued: 1.0,
    };
    let lift_variance = treatment.variance() + factor * factor * base_variance + covariate;
    Ok(AdjustedGap { theta, control, treatment, gap, lift_variance })
}

/// An arm's sums as exact integers, the second moments about its own means: `n` times the sums of products of
/// deviations.
struct Spread {
    n: Exact,
    y: Exact,
    x: Exact,
    yy: Exact,
    xx: Exact,
    xy: Exact,
}

impl Spread {
    fn of(sums: &CovariateSums) -> Self {
        let (n, y, x) = (Exact::from(sums.n), Exact::from(sums.y), Exact::from(sums.x));
        Self {
            yy: cross(&n, &y, &y, &Exact::from(sums.yy)),
            xx: cross(&n, &x, &x, &Exact::from(sums.xx)),
            xy: cross(&n, &x, &y, &Exact::from(sums.xy)),
            n,
            y,
            x,
        }
    }

    /// What a second moment is divided by to become the (co)variance of means in units of one: `n^2 (n - 1) 1e12`.
    fn per_mean(&self) -> Exact {
        &self.n.squared() * &(&(&self.n - &Exact::from(1)) * &Exact::power_of_ten(12))
    }
}
