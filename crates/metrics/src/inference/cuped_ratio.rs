//! How much clearer is a ratio when each person's past is taken into account? CUPED for quotients of sums.

use ethnum::I256;

use super::cuped::{AdjustedComparison, AdjustedGap, compare_gap};
use super::exact::{Exact, quotient};
use super::gap::Gap;
use super::level::Level;
use super::sample::{Estimate, at_least_two};
use super::undefined::Undefined;
use crate::moments;

/// An arm's sums of the numerator `y` and the denominator `d` of a ratio, and of the same two before the exposure, `x`
/// and `u`. In 1e-6; squares and cross products in 1e-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatioCovariateSums {
    /// Persons.
    pub n: i64,
    /// Sum of the numerator.
    pub y: I256,
    /// Sum of its squares.
    pub yy: I256,
    /// Sum of the denominator.
    pub d: I256,
    /// Sum of its squares.
    pub dd: I256,
    /// Sum of the products of numerator and denominator.
    pub yd: I256,
    /// Sum of the numerator before the exposure.
    pub x: I256,
    /// Sum of its squares.
    pub xx: I256,
    /// Sum of the denominator before the exposure.
    pub u: I256,
    /// Sum of its squares.
    pub uu: I256,
    /// Sum of the products of numerator and denominator before the exposure.
    pub xu: I256,
    /// Sum of the products of the numerators.
    pub xy: I256,
    /// Sum of the products of the numerator and the denominator before.
    pub yu: I256,
    /// Sum of the products of the denominator and the numerator before.
    pub dx: I256,
    /// Sum of the products of the denominators.
    pub du: I256,
}

impl From<&moments::Moments> for RatioCovariateSums {
    fn from(sums: &moments::Moments) -> Self {
        let moments::Moments { n, y, yy, d, dd, yd, x, xx, u, uu, xu, xy, yu, dx, du, .. } = sums.clone();
        Self { n, y, yy, d, dd, yd, x, xx, u, uu, xu, xy, yu, dx, du }
    }
}

/// Compares the ratios of two arms after taking the ratio of each person's past out.
///
/// A ratio `R = Y / D` moves with its persons like the mean of `z_i = (y_i - R d_i) / m_D`, the ratio `P = X / U`
/// before the exposure like that of `w_i = (x_i - P u_i) / m_U` (the delta method: the gradient `(1 / m_D, -R / m_D,
/// -theta / m_U, theta P / m_U)` on the four by four covariance of the sums). So with T the arm, C control:
///
/// - `theta = sum_a S_zw,a / sum_a S_ww,a`, sums of products within arms: an effect of the treatment cannot leak in;
/// - adjusted ratio `R - theta (P - P_all)`, `P_all` of both arms together; variance `(s_z^2 + theta^2 s_w^2 - 2 theta
///   s_zw) / n`; difference `R_T - R_C - theta (P_T - P_C)`;
/// - lift: the adjusted difference over `|R_C|`, *unadjusted*, with the variance `v_T,adj / R_C^2 + (s_z,C^2 g^2 - 2
///   theta g s_zw,C + theta^2 s_w,C^2) / (n_C R_C^2)`, `g = R_T / R_C`; Fieller's set from the same moments.
///
/// Sources: Deng, Xu, Kohavi, Walker, WSDM 2013, appendix B; Deng, Knoblich, Lu, KDD 2018. Degrees of freedom: Welch's,
/// of the adjusted variances. Without any history (`U = 0` in an arm, or `w` without spread) `theta` is 0 and the
/// comparison is the plain one. The polynomials of sums are exact integers, each rounded once.
pub fn compare_adjusted_ratios(
    control: &RatioCovariateSums,
    treatment: &RatioCovariateSums,
    confidence: f64,
) -> Result<AdjustedComparison, Undefined> {
    let adjusted = adjust_ratios(control, treatment)?;
    let comparison = compare_gap(&adjusted, &Level::new(confidence)?);
    let AdjustedGap { theta, control, treatment, gap, .. } = adjusted;
    Ok(AdjustedComparison { theta, control, treatment, comparison, gap })
}

/// Takes the past out of the difference of two ratios; the formulas are those of [`compare_adjusted_ratios`].
pub fn adjust_ratios(control: &RatioCovariateSums, treatment: &RatioCovariateSums) -> Result<AdjustedGap, Undefined> {
    let persons = (at_least_two(control.n)?, at_least_two(treatment.n)?);
    let (c, t) = (Linear::of(control), Linear::of(treatment));
    if c.d.is_zero() || t.d.is_zero() {
        return Err(Undefined::ZeroDenominator);
    }
    let theta = Theta::within_arms(&c, &t);
    let (control, treatment) = (theta.adjusted(persons.0, &c, &t)?, theta.adjusted(persons.1, &t, &c)?);
    let base = number(&c.y, &c.d)?;
    let factor = number(&t.y, &t.d)? / base;
    let (v_z, v_zw, v_w) = (c.variance(&c.zz, 4, 0)?, c.variance(&c.zw, 2, 2)?, c.variance(&c.ww, 0, 4)?);
    let value = theta.value()?;
    let difference = theta.difference(&c, &t)?;
    let covariance = -(v_z - value * v_zw);
    let lift_variance =
        treatment.variance() + factor * factor * v_z - 2.0 * value * factor * v_zw + value * value * v_w;
    let gap = Gap {
        difference: difference + 0.0,
        persons: treatment.persons(),
        control_persons: control.persons(),
        variance: treatment.variance(),
        control_variance: control.variance(),
        base,
        base_variance: v_z,
        covariance,
        accrued: 1.0,
    };
    Ok(AdjustedGap { theta: value, control, treatment, gap, lift_variance })
}

fn number(above: &Exact, below: &Exact) -> Result<f64, Undefined> {
    quotient(above, below).ok_or(Undefined::OutOfRange)
}

/// An arm's sums as exact integers, with the sums of products of `z` and `w` times powers of the denominators.
struct Linear {
    n: Exact,
    y: Exact,
    d: Exact,
    x: Exact,
    /// One where there is no history, so that it can stand below a line.
    u: Exact,
    history: bool,
    /// `D^2 sum (y - R d)^2`.
    zz: Exact,
    /// `D U sum (y - R d) (x - P u)`.
    zw: Exact,
    /// `U^2 sum (x - P u)^2`.
    ww: Exact,
}

impl Linear {
    fn of(sums: &RatioCovariateSums) -> Self {
        let of = |sum: I256| Exact::from(sum);
        let (y, d, x, u) = (of(sums.y), of(sums.d), of(sums.x), of(sums.u));
        let two = Exact::from(2);
        let zz =
            &(&(&d.squared() * &of(sums.yy)) + &(&y.squared() * &of(sums.dd))) - &(&(&two * &(&y * &d)) * &of(sums.yd));
        let history = !u.is_zero();
        let zero = Exact::from(0);
        let (zw, ww) = if history {
            let plus = &(&(&d * &u) * &of(sums.xy)) + &(&(&y * &x) * &of(sums.du));
            let minus = &(&(&d * &x) * &of(sums.yu)) + &(&(&y * &u) * &of(sums.dx));
            let ww = &(&(&u.squared() * &of(sums.xx)) + &(&x.squared() * &of(sums.uu)))
                - &(&(&two * &(&x * &u)) * &of(sums.xu));
            (&plus - &minus, ww)
        } else {
            (zero.clone(), zero)
        };
        let u = if history { u } else { Exact::from(1) };
        Self { n: Exact::from(sums.n), y, d, x, u, history, zz, zw, ww }
    }

    /// A (co)variance of the arm's estimates: `n / (n - 1)` of a sum of products over powers of `D` and `U`.
    fn variance(&self, products: &Exact, of_d: u32, of_u: u32) -> Result<f64, Undefined> {
        let below = &power(&self.d, of_d) * &power(&self.u, of_u);
        number(&(products * &self.n), &(&below * &(&self.n - &Exact::from(1))))
    }
}

fn power(base: &Exact, exponent: u32) -> Exact {
    (0..exponent).fold(Exact::from(1), |product, _| &product * base)
}

/// The coefficient as a quotient of integers.
struct Theta {
    p: Exact,
    q: Exact,
}

impl Theta {
    /// `S_zw = zw n^2 / (D^2 U^2)` and `S_ww = ww n^2 / U^4` of both arms, brought to common denominators.
    fn within_arms(c: &Linear, t: &Linear) -> Self {
        let products = |of_c: &Exact, of_t: &Exact, below_c: &Exact, below_t: &Exact| {
            let from = |arm: &Linear, product: &Exact, other: &Exact| &(product * &arm.n.squared()) * &other.squared();
            &from(c, of_c, below_t) + &from(t, of_t, below_c)
        };
        let above = products(&c.zw, &t.zw, &(&c.d * &c.u), &(&t.d * &t.u));
        let below = products(&c.ww, &t.ww, &c.u.squared(), &t.u.squared());
        if !c.history || !t.history || below.is_zero() || below.is_negative() {
            return Self { p: Exact::from(0), q: Exact::from(1) };
        }
        Self { p: &above * &(&c.u * &t.u).squared(), q: &(&c.d * &t.d).squared() * &below }
    }

    fn value(&self) -> Result<f64, Undefined> {
        number(&self.p, &self.q)
    }

    /// The adjusted ratio of an arm, at the ratio before the exposure of both arms together, with its variance.
    fn adjusted(&self, persons: u64, arm: &Linear, other: &Linear) -> Result<Estimate, Undefined> {
        let (d, u) = (arm.d.squared(), arm.u.squared());
        let mixed = &(&Exact::from(2) * &(&self.p * &self.q)) * &(&arm.zw * &(&d * &u));
        let spread = &(&(&self.q.squared() * &(&arm.zz * &u.squared()))
            + &(&self.p.squared() * &(&arm.ww * &d.squared())))
            - &mixed;
        let below = &(&(&d * &u).squared() * &self.q.squared()) * &(&arm.n - &Exact::from(1));
        let variance = number(&(&spread * &arm.n), &below)?;
        let all = &arm.u + &other.u;
        let shift = if all.is_zero() {
            0.0
        } else {
            let apart = &(&arm.x * &all) - &(&arm.u * &(&arm.x + &other.x));
            number(&(&self.p * &apart), &(&self.q * &(&arm.u * &all)))?
        };
        Estimate::from_parts(persons, number(&arm.y, &arm.d)? - shift, variance)
    }

    fn difference(&self, c: &Linear, t: &Linear) -> Result<f64, Undefined> {
        let ratios = &(&t.y * &c.d) - &(&c.y * &t.d);
        let before = &(&t.x * &c.u) - &(&c.x * &t.u);
        let (d, u) = (&c.d * &t.d, &c.u * &t.u);
        let above = &(&(&ratios * &self.q) * &u) - &(&(&before * &self.p) * &d);
        number(&above, &(&(&d * &u) * &self.q))
    }
}

#[cfg(test)]
mod tests;
