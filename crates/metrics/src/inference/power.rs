//! How many persons does an answer need, and how small an effect can the present ones show?
//!
//! A [`Design`] says how the experiment will be read (at a [`Horizon`], with a confidence, with some share of persons
//! in the arm); a [`Baseline`] says what the KPI looks like without the effect. Of effect, persons and power any two
//! give the third: [`Design::power`], [`Design::minimum_detectable_effect`], [`Design::persons_needed`].
//!
//! **Fixed horizon.** Reading once, by Welch's test with the t quantile: power is a pair of tails of the noncentral t
//! distribution with shift `effect / SE` and Welch's degrees of freedom. The closed formula of textbooks is
//! [`textbook_persons`].
//!
//! **Lift.** Reading once, by the posterior of the lift under a flat prior: its noise is that of control as well, so that a large
//! effect is found less often than by a test of the difference.
//!
//! **Sequential.** Reading all the while, by the confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas,
//! arXiv 2103.06476, equation 9), with the boundary time that small arms need:
//!
//! ```text
//! half-width = SE sqrt(2 (x + 1) / x  ln(sqrt(x + 1) / a)),   x = N_e rho^2,   N_e = 4 n_T n_C / (n_T + n_C)
//! rho^2 = (-2 ln 0.05 + ln(1 - 2 ln 0.05)) / N*,   SE^2 = max(Welch, pooled variance (1 / n_T + 1 / n_C))
//! ```
//!
//! Power is the probability of a verdict *at any time up to* that many persons: the difference in standard errors,
//! times the root of the persons so far, is a Brownian motion with drift, and the boundary is a curve that it
//! crosses. [`Design::power_of_one_look`] is the smaller probability of being beyond the boundary at the end.
//!
//! **N\***, the number of persons at which the sequence is narrowest, is a choice that is made from the plan
//! ([`tuning_for_persons`], [`Design::tuning_for_effect`]) and then kept.

mod crossing;
mod design;
mod lift;
mod noncentral;
mod reached;
#[cfg(test)]
mod tests;

use super::sequential::{PLANNED_ERROR, rho, two_sided_width};
use super::tails::{normal_isf, normal_sf, student_isf};
use super::undefined::{Undefined, finite, miss_rate};
use reached::{Span, beyond};

pub use design::{Baseline, Design, Direction, Horizon, Noise, Persons};

/// What a number of persons makes of a design: sizes, errors, and the width of the boundary.
struct Reach {
    /// The standard error that describes how the difference moves.
    true_error: f64,
    /// The standard error that the interval is made of.
    used_error: f64,
    /// Welch's degrees of freedom.
    degrees_of_freedom: f64,
    /// `N_e rho^2` of the sequence; not a number at a fixed horizon.
    information: f64,
}

impl Design {
    /// The probability that the interval excludes zero, for an absolute `effect` and `persons` in both arms together
    /// (not necessarily whole; at least two an arm).
    ///
    /// Fixed horizon: `P(|T| > t)`, `T` noncentral, exact for normal values of equal variance. Sequential: the
    /// probability of a verdict at any reading up to then, for a reading after every person; fewer readings or a
    /// later first one make it slightly smaller.
    pub fn power(&self, baseline: &Baseline, effect: f64, persons: f64) -> Result<f64, Undefined> {
        let reach = self.reach(baseline, effect, persons)?;
        let shift = finite(effect / reach.true_error)?;
        match self.horizon {
            Horizon::Fixed => {
                let df = reach.degrees_of_freedom;
                let quantile = student_isf(miss_rate(self.confidence)? / 2.0, df).ok_or(Undefined::OutOfRange)?;
                let tail = |shift| noncentral::noncentral_t_sf(quantile, df, shift).ok_or(Undefined::OutOfRange);
                Ok((tail(shift)? + tail(-shift)?).min(1.0))
            }
            Horizon::Lift(noise) => {
                let control = persons * (1.0 - self.share);
                let noise = Noise { variance: noise.variance / control, covariance: noise.covariance / control };
                let quantile = normal_isf(miss_rate(self.confidence)? / 2.0).ok_or(Undefined::OutOfRange)?;
                lift::power_of_lift(effect, reach.true_error.powi(2), baseline.value(), noise, quantile)
            }
            Horizon::Sequential { .. } => {
                let alpha = miss_rate(self.confidence)?;
                let widening = reach.used_error / reach.true_error;
                let boundary = |share: f64| {
                    // The half-width in standard errors at this share of the information, as a sum.
                    widening * share.sqrt() * two_sided_width(reach.information * share, 1.0, alpha)
                };
                crossing::crossing_probability(boundary, shift, reach.information).ok_or(Undefined::OutOfRange)
            }
        }
    }

    /// The probability that the interval excludes zero at one look, after `persons` in both arms: at a fixed horizon
    /// the power, for a sequence what is left of it without the looks before: `P(Z > (h - effect) / SE) + P(Z > (h +
    /// effect) / SE)`, `h` the half-width.
    pub fn power_of_one_look(&self, baseline: &Baseline, effect: f64, persons: f64) -> Result<f64, Undefined> {
        if matches!(self.horizon, Horizon::Fixed | Horizon::Lift(_)) {
            return self.power(baseline, effect, persons);
        }
        let error = self.reach(baseline, effect, persons)?.true_error;
        let half_width = self.half_width(baseline, effect, persons)?;
        let tail = |effect: f64| normal_sf((half_width - effect) / error).ok_or(Undefined::OutOfRange);
        Ok(tail(effect)? + tail(-effect)?)
    }

    /// The half-width of the interval of the absolute difference after `persons` in both arms, if the effect is
    /// `effect` (which matters to the variance of a conversion only).
    pub fn half_width(&self, baseline: &Baseline, effect: f64, persons: f64) -> Result<f64, Undefined> {
        let reach = self.reach(baseline, effect, persons)?;
        let alpha = miss_rate(self.confidence)?;
        match self.horizon {
            Horizon::Fixed => {
                let quantile = student_isf(alpha / 2.0, reach.degrees_of_freedom).ok_or(Undefined::OutOfRange)?;
                finite(quantile * reach.used_error)
            }
            Horizon::Lift(_) => Err(Undefined::BoundsLiftOnly),
            Horizon::Sequential { .. } => finite(reach.used_error * two_sided_width(reach.information, 1.0, alpha)),
        }
    }

    /// The smallest effect, as an absolute difference with its sign, that `persons` in both arms show with
    /// probability `power`. Divide by the baseline for a relative one.
    ///
    /// [`Undefined::Unreachable`] where no effect in that direction does: a share cannot leave `[0, 1]`.
    pub fn minimum_detectable_effect(
        &self,
        baseline: &Baseline,
        persons: f64,
        power: f64,
        direction: Direction,
    ) -> Result<f64, Undefined> {
        self.check_power(power)?;
        let scale = self.reach(baseline, 0.0, persons)?.true_error;
        let sign = if direction == Direction::Up { 1.0 } else { -1.0 };
        // Just inside the limit, where the arm still varies.
        let limit = match self.horizon {
            // However large the effect, what is not known of control bounds the power.
            Horizon::Lift(_) => baseline.limit(direction).min(1e9 * scale.max(baseline.value().abs())),
            Horizon::Fixed | Horizon::Sequential { .. } => baseline.limit(direction),
        } * (1.0 - 1e-9);
        let span = Span { lowest: 0.0, start: 2.0 * scale, limit, precision: self.precision() };
        let size = Self::where_reached(&span, power, |size| (*self, sign * size, persons), baseline)?;
        Ok(sign * size)
    }

    /// The persons that show an absolute `effect` (not zero) with probability `power`.
    pub fn persons_needed(&self, baseline: &Baseline, effect: f64, power: f64) -> Result<Persons, Undefined> {
        self.check_power(power)?;
        if effect == 0.0 {
            return Err(Undefined::Unreachable);
        }
        let span = self.of_persons(baseline, effect, power)?;
        let total = Self::where_reached(&span, power, |persons| (*self, effect, persons), baseline)?;
        self.persons(total)
    }

    /// The `N*` with which a sequence finds an absolute `effect` with probability `power`, being narrowest just where
    /// it is expected to: the persons that are needed and `N*` are one fixed point. Of the design only confidence and
    /// share matter.
    pub fn tuning_for_effect(&self, baseline: &Baseline, effect: f64, power: f64) -> Result<f64, Undefined> {
        self.check_power(power)?;
        if effect == 0.0 {
            return Err(Undefined::Unreachable);
        }
        let tuned = |persons: f64| Design {
            horizon: Horizon::Sequential { tuning: tuning_for_persons(persons, self.share) },
            ..*self
        };
        let span = tuned(self.fewest()).of_persons(baseline, effect, power)?;
        let persons = Self::where_reached(&span, power, |persons| (tuned(persons), effect, persons), baseline)?;
        Ok(tuning_for_persons(persons, self.share))
    }

    /// The place of the span from which on a design has the power, `of` saying which design, effect and persons a place stands for.
    fn where_reached(
        span: &Span,
        power: f64,
        of: impl Fn(f64) -> (Self, f64, f64),
        baseline: &Baseline,
    ) -> Result<f64, Undefined> {
        let short = |place: f64| {
            let (design, effect, persons) = of(place);
            design.power(baseline, effect, persons).map_or(f64::NAN, |found| beyond(found, power))
        };
        let once = |place: f64| {
            let (design, effect, persons) = of(place);
            design.power_of_one_look(baseline, effect, persons).map_or(f64::NAN, |found| beyond(found, power))
        };
        let looks_often = matches!(of(span.start).0.horizon, Horizon::Sequential { .. });
        span.reached(looks_often.then_some(once), short)
    }

    /// Numbers of persons among which an effect is looked for, beginning with what the closed formula gives. Errors where the
    /// design is none.
    fn of_persons(&self, baseline: &Baseline, effect: f64, power: f64) -> Result<Span, Undefined> {
        let fewest = self.fewest();
        self.power_of_one_look(baseline, effect, fewest)?;
        let textbook = textbook_persons(baseline, effect, self.confidence, self.share, power);
        let start = textbook.map_or(2.0 * fewest, |(control, treatment)| control + treatment);
        Ok(Span { lowest: fewest, start: start.max(2.0 * fewest), limit: MOST_PERSONS, precision: self.precision() })
    }

    /// The smallest number of persons with two in either arm.
    fn fewest(&self) -> f64 {
        2.0 / self.share.min(1.0 - self.share)
    }

    fn persons(&self, total: f64) -> Result<Persons, Undefined> {
        let up = |persons: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, below 2^53")]
            let whole = persons.ceil() as u64;
            whole
        };
        if total > MOST_PERSONS {
            return Err(Undefined::Unreachable);
        }
        Ok(Persons { total, control: up(total * (1.0 - self.share)), treatment: up(total * self.share) })
    }

    fn precision(&self) -> f64 {
        if matches!(self.horizon, Horizon::Sequential { .. }) { PRECISION_OF_SEQUENCES } else { PRECISION }
    }

    fn check_power(&self, power: f64) -> Result<(), Undefined> {
        if power > miss_rate(self.confidence)? && power < 1.0 { Ok(()) } else { Err(Undefined::InvalidDesign) }
    }

    fn reach(&self, baseline: &Baseline, effect: f64, persons: f64) -> Result<Reach, Undefined> {
        baseline.check()?;
        miss_rate(self.confidence)?;
        if !(self.share > 0.0 && self.share < 1.0 && effect.is_finite() && persons.is_finite()) {
            return Err(Undefined::InvalidDesign);
        }
        let (n_c, n_t) = (persons * (1.0 - self.share), persons * self.share);
        // Half a person of slack, because shares of whole numbers are not exact.
        if n_c.min(n_t) < 2.0 - 1e-9 {
            return Err(Undefined::FewerThanTwoPersons);
        }
        let (s_c, s_t) = (baseline.variance(0.0), baseline.variance(effect));
        let (v_c, v_t) = (s_c / n_c, s_t / n_t);
        let welch = v_c + v_t;
        let share = v_c / welch;
        let df = 1.0 / (share * share / (n_c - 1.0) + (1.0 - share) * (1.0 - share) / (n_t - 1.0));
        let pooled = ((n_c - 1.0) * s_c + (n_t - 1.0) * s_t) / (persons - 2.0);
        let widest = welch.max(pooled * (1.0 / n_c + 1.0 / n_t));
        let (used, information) = match self.horizon {
            Horizon::Fixed | Horizon::Lift(_) => (welch, f64::NAN),
            Horizon::Sequential { tuning } => (widest, 4.0 * n_t * n_c / persons * rho(tuning, PLANNED_ERROR)?.powi(2)),
        };
        Ok(Reach {
            true_error: finite(welch.sqrt())?,
            used_error: finite(used.sqrt())?,
            degrees_of_freedom: df.max(1.0),
            information,
        })
    }
}

/// Relative precision of solved numbers; those of a sequence, which is dear to evaluate and known to fewer digits, are solved less
/// finely.
const PRECISION: f64 = 1e-12;
const PRECISION_OF_SEQUENCES: f64 = 1e-9;

/// More persons than there will ever be; a plan that needs more is refused.
const MOST_PERSONS: f64 = 1e15;

/// The `N*` of a plan for `persons` in both arms, the arm having `share` of them: the boundary time `N_e = 4 n_T n_C /
/// (n_T + n_C)` of the last of them, where the sequence is then about narrowest.
#[must_use]
pub fn tuning_for_persons(persons: f64, share: f64) -> f64 {
    4.0 * persons * share * (1.0 - share)
}

/// The persons that an absolute `effect` needs by the closed formula of textbooks and calculators, before rounding:
///
/// `n_C = (z_(a/2) + z_b)^2 (s_C^2 + s_T^2 / k) / effect^2`, `n_T = k n_C`, `k = share / (1 - share)`, `a = 1 -
/// confidence`, `z_b` the normal quantile of `power`; the chance of a verdict in the wrong direction is neglected.
/// For comparison with published figures; `(n_C, n_T)`.
pub fn textbook_persons(
    baseline: &Baseline,
    effect: f64,
    confidence: f64,
    share: f64,
    power: f64,
) -> Result<(f64, f64), Undefined> {
    baseline.check()?;
    if !(share > 0.0 && share < 1.0 && power > 0.0 && power < 1.0) {
        return Err(Undefined::InvalidDesign);
    }
    let z = normal_isf(miss_rate(confidence)? / 2.0).ok_or(Undefined::OutOfRange)?
        + normal_isf(1.0 - power).ok_or(Undefined::OutOfRange)?;
    let odds = share / (1.0 - share);
    let variance = baseline.variance(0.0) + baseline.variance(effect) / odds;
    let control = finite(z * z * variance / (effect * effect)).map_err(|_| Undefined::Unreachable)?;
    Ok((control, finite(odds * control)?))
}

/// Days until `needed` persons are there and their windows have closed: `(needed - present) / per_day`, rounded up,
/// plus the window. Zero where they are already `present` (matured); `None` where nobody comes.
#[must_use]
pub fn days_needed(needed: f64, present: f64, per_day: f64, window_days: f64) -> Option<f64> {
    if needed <= present {
        return Some(0.0);
    }
    (per_day > 0.0).then(|| ((needed - present) / per_day).ceil() + window_days).filter(|days| days.is_finite())
}
