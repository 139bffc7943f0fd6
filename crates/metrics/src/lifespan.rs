//! How long do the customers of an arm stay, and what are they worth in that time?
//!
//! The lifespan of STATISTICS choice 16, `L = 1 / churn`: of persons who are watched for a while, some are seen to leave. A person
//! whose last purchase (or exposure, before any) lies `inactive` whole days back has left then; whoever could have been seen
//! to leave and was not is under observation until the last day on which that could have begun. With `t` the days until then and
//! `f` whether the person left, the churn rate is `Σf / Σt`, the maximum likelihood estimate of a constant hazard under
//! censoring, and `L = Σt / Σf`, by the same rule as [`crate::curves`].
//!
//! `CLV = L R / T`, with R the value and T the person-days of *everyone* exposed. A person's influence on it is
//! `CLV (R_i/Rbar - T_i/Tbar + t_i/tbar - f_i/fbar)`; the four means of an arm are of the same persons, so their covariances
//! count. They follow from sums over persons who last bought on the same day, and over persons who were exposed on the same day,
//! which add up like every tally.

use std::sync::Arc;

use ethnum::I256;
use journey::{Definition, Lifespan};

use crate::inference::{Estimate, Undefined, at_least_two};
use crate::moments::{Moments, micro_days};
use crate::reading::{ArmReading, Through};
use crate::tally::detail::{Detail, Life, LifeBy};

/// Sums over the persons of an arm that say how long they stay. `t`: days until a person left or was last watched for it; `f`: 1 for
/// whoever left; `y`: the value, in units; `d`: the time under observation, in millionths of a day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lifespans {
    /// Σf: persons who left.
    pub left: i64,
    /// Σt
    pub days: I256,
    /// Σt²
    pub tt: I256,
    /// Σtf
    pub tf: I256,
    /// Σyt
    pub yt: I256,
    /// Σyf
    pub yf: I256,
    /// Σdt
    pub dt: I256,
    /// Σdf
    pub df: I256,
}

/// Sums over persons of whom some left on one day, or were last watched for it then. `e`: the day of their exposure; `d`: their time
/// under observation.
#[derive(Debug, Clone, Copy)]
struct Together {
    n: I256,
    y: I256,
    d: I256,
    e: I256,
    ee: I256,
    ye: I256,
    de: I256,
}

impl Lifespans {
    /// Adds persons who were each watched for `watched` whole days after that of the exposure and last bought `bought` days after
    /// it; those who were watched for less than `inactive` days say nothing yet. Their values add up to `y`, and their times under
    /// observation to `d`.
    pub fn add(&mut self, n: i64, (y, d): (I256, I256), bought: u32, watched: i64, inactive: u32) {
        let could_leave = watched - i64::from(inactive);
        if could_leave >= 0 {
            let zero = I256::ZERO;
            let persons = Together { n: I256::from(n), y, d, e: zero, ee: zero, ye: zero, de: zero };
            let bought = i64::from(bought);
            self.add_until(&persons, bought.min(could_leave), bought <= could_leave, 1);
        }
    }

    /// Adds, `sign` times, persons who left on a day, or were last watched for it then.
    fn add_until(&mut self, persons: &Together, day: i64, left: bool, sign: i64) {
        let (day, sign) = (I256::from(day), I256::from(sign));
        let Together { n, y, d, e, ee, ye, de } = *persons;
        // Each was there for day - e.
        let days = n * day - e;
        self.days += sign * days;
        self.tt += sign * (n * day * day - (day + day) * e + ee);
        self.yt += sign * (y * day - ye);
        self.dt += sign * (d * day - de);
        if left {
            self.left += i64::try_from(sign * n).unwrap_or(i64::MAX);
            self.tf += sign * days;
            self.yf += sign * y;
            self.df += sign * d;
        }
    }

    /// Adds the persons of a life, as of `through`. Persons are watched for `window` days after that of the exposure.
    fn add_life(&mut self, by: LifeBy, life: &Life, window: Option<i64>, inactive: u32, through: Through) {
        // The last day on which anybody can have been seen to leave whose window is open. Where the clocks were changed, a window can stay
        // open for one more local day, which is watched as long as it does.
        let could_leave = i64::from(through.matured.number()) - i64::from(inactive);
        let n = I256::from(life.n);
        let end = I256::from(micro_days(through.end));
        let d = n * end - life.t;
        match by {
            LifeBy::Closed(bought) => {
                self.add(life.n, (life.y, life.d), bought, window.unwrap_or(0), inactive);
            }
            LifeBy::Last(day) => {
                let Life { y, e, ee, ye, te, .. } = *life;
                let persons = Together { n, y, d, e, ee, ye, de: end * e - te };
                let day = i64::from(day);
                self.add_until(&persons, day.min(could_leave), day <= could_leave, 1);
            }
            // All of them stand among those who have not left, and say nothing yet.
            LifeBy::Exposed(day) if i64::from(day) > could_leave => {
                let e = I256::from(day);
                let persons = Together { n, y: life.y, d, e: n * e, ee: n * e * e, ye: life.y * e, de: d * e };
                self.add_until(&persons, could_leave, false, -1);
            }
            LifeBy::Exposed(_) => {}
        }
    }

    /// The lifespan in days.
    ///
    /// # Errors
    /// [`Undefined::NobodyLeft`], [`Undefined::NobodyStayed`].
    pub fn lifespan_days(&self) -> Result<f64, Undefined> {
        match (self.left > 0, self.days > I256::ZERO) {
            (false, _) => Err(Undefined::NobodyLeft),
            (true, false) => Err(Undefined::NobodyStayed),
            (true, true) => Ok(self.days.as_f64() / self.left as f64),
        }
    }
}

/// What the lift of a value over such a lifespan speaks of.
#[must_use]
pub fn speaks_of(lifespan: Lifespan) -> &'static str {
    match lifespan {
        Lifespan::Days(_) => {
            "the lifespan is given and the same in every arm, so the lift is that of the value per person and day under observation"
        }
        Lifespan::Estimated { .. } => {
            "the lifespan of each arm is one over its churn rate, so the lift speaks of how long customers stay, too, and its interval \
             of how sure that is"
        }
    }
}

/// The value of a customer of an arm over the lifespan of its persons, and the variance of that estimate.
///
/// # Errors
/// Those of [`Lifespans::lifespan_days`], and what is missing of every ratio.
pub fn lifetime_value(sums: &Moments) -> Result<Estimate, Undefined> {
    let nothing = Lifespans::default();
    let lives = sums.lifespans.as_deref().unwrap_or(&nothing);
    let persons = at_least_two(sums.n)?;
    let value = lifetime_point(sums)?;
    let (n, d, t, f) = (sums.n as f64, sums.d.as_f64(), lives.days.as_f64(), lives.left as f64);
    // The influence as (L / Dbar) y - (V / Dbar) d + (V / tbar) t - (V / fbar) f, which exists where nothing was bought, too.
    let per_value = lives.lifespan_days()? / d;
    let of_value = per_value * per_value * sums.yy.as_f64();
    let mixed = lives.yt.as_f64() / t - lives.yf.as_f64() / f - sums.yd.as_f64() / d;
    let alone = sums.dd.as_f64() / d / d + lives.tt.as_f64() / t / t + 1.0 / f;
    let together = lives.df.as_f64() / d / f - lives.dt.as_f64() / d / t - lives.tf.as_f64() / t / f;
    let spread = of_value + 2.0 * per_value * value * mixed + value * value * (alone + 2.0 * together);
    // Everything cancels where all persons are alike; what rounding leaves of it is no variance.
    let scale = of_value + value * value * alone;
    let spread = if spread.abs() <= 1e-13 * scale { 0.0 } else { spread };
    Estimate::from_parts(persons, value, n / (n - 1.0) * spread)
}

/// The value alone: it exists for a single person too, whose uncertainty does not.
///
/// # Errors
/// As [`lifetime_value`].
pub fn lifetime_point(sums: &Moments) -> Result<f64, Undefined> {
    if sums.d == I256::ZERO {
        return Err(Undefined::ZeroDenominator);
    }
    let lifespan = sums.lifespans.as_ref().map_or(Err(Undefined::NobodyLeft), |lives| lives.lifespan_days())?;
    Ok(lifespan * (sums.y.as_f64() / sums.d.as_f64()))
}

/// Adds to the readings of the arms what their details say of how long persons stay, both where windows are closed and live.
pub(crate) fn add(definition: &Definition, details: &[Option<&Detail>], through: Through, arms: &mut [ArmReading]) {
    for (at, metric) in definition.metrics.iter().enumerate() {
        let (Some(inactive), Ok(number)) = (metric.kind.inactive_days(), u16::try_from(at)) else { continue };
        // Like curves: a person is watched from the day of the exposure on, which is the first day of the window.
        let window = definition.window_days(at).map(|days| i64::from(days) - 1);
        for (arm, detail) in arms.iter_mut().zip(details) {
            let lives = |matured: bool| {
                let mut lives = Lifespans::default();
                let cells = detail.iter().flat_map(|detail| &detail.lives);
                for (key, life) in cells.filter(|(key, _)| key.metric == number && key.matured == matured) {
                    lives.add_life(key.by, life, window, inactive, through);
                }
                Some(Arc::new(lives))
            };
            arm.live[at].lifespans = lives(false);
            if let Some(moments) = &mut arm.matured[at] {
                moments.lifespans = lives(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// What is known of a person: value in units, time under observation in millionths of a day, the day of the last purchase, and for how
    /// many days they were watched.
    type Known = (i64, i64, u32, i64);

    const INACTIVE: u32 = 5;

    fn persons(random: &mut Random, count: usize) -> Vec<Known> {
        let person = |_| {
            let watched = i64::try_from(random.bits() % 40).unwrap();
            let bought = u32::try_from(random.bits() % (watched.unsigned_abs() + 1)).unwrap();
            let value =
                i64::try_from(random.bits() % 90_000_000).unwrap() * i64::from(!random.bits().is_multiple_of(3));
            (value, watched * 1_000_000 + 345_678, bought, watched)
        };
        (0..count).map(person).collect()
    }

    fn sums(persons: &[Known]) -> Moments {
        let (mut sums, mut lives) = (Moments::default(), Lifespans::default());
        for (value, observed, bought, watched) in persons {
            let (y, d) = (I256::from(*value), I256::from(*observed));
            sums.n += 1;
            sums.y += y;
            sums.yy += y * y;
            sums.d += d;
            sums.dd += d * d;
            sums.yd += y * d;
            lives.add(1, (y, d), *bought, *watched, INACTIVE);
        }
        sums.lifespans = Some(Arc::new(lives));
        sums
    }

    /// The value where each person counts so often, from the definition.
    fn weighted(persons: &[Known], weights: &[f64]) -> f64 {
        let (mut y, mut d, mut t, mut f) = (0.0, 0.0, 0.0, 0.0);
        for ((value, observed, bought, watched), weight) in persons.iter().zip(weights) {
            y += weight * *value as f64 / 1e6;
            d += weight * *observed as f64 / 1e6;
            let end = *watched - i64::from(INACTIVE);
            if end >= 0 {
                let bought = i64::from(*bought);
                t += weight * bought.min(end) as f64;
                f += if bought <= end { *weight } else { 0.0 };
            }
        }
        (t / f) * (y / d)
    }

    /// The infinitesimal jackknife (Efron 1982, "The Jackknife, the Bootstrap and Other Resampling Plans", chapter 6): the
    /// influence of a person is the derivative by their weight, taken here by central differences. Tolerance 1e-7 relative, what
    /// these leave.
    #[test]
    fn the_variance_is_that_of_the_influences() {
        let mut random = Random::new(16);
        for count in [2, 3, 12, 300] {
            let (known, found) = std::iter::repeat_with(|| persons(&mut random, count))
                .find_map(|known| Some((lifetime_value(&sums(&known)).ok()?, known)))
                .map(|(found, known)| (known, found))
                .unwrap();
            let ones = vec![1.0; count];
            let value = weighted(&known, &ones);
            assert!((found.value() - value).abs() <= 1e-12 * value, "{found:?} is not {value}");
            let step = 1e-4;
            let squares: f64 = (0..count)
                .map(|at| {
                    let moved = |by: f64| {
                        let mut weights = ones.clone();
                        weights[at] += by;
                        weighted(&known, &weights)
                    };
                    ((moved(step) - moved(-step)) / (2.0 * step)).powi(2)
                })
                .sum();
            let n = count as f64;
            let variance = squares * n / (n - 1.0);
            let off = (found.variance() - variance).abs();
            assert!(off <= 1e-7 * variance + 1e-12 * value * value, "{count}: {found:?} is not {variance}");
        }
    }

    #[test]
    fn a_cell_of_many_is_many_persons() {
        let mut random = Random::new(3);
        for (_, _, bought, watched) in persons(&mut random, 50) {
            let (mut one_by_one, mut at_once) = (Lifespans::default(), Lifespans::default());
            let (y, d) = (I256::new(7_000_000), I256::new(3_000_000));
            (0..4).for_each(|_| one_by_one.add(1, (y, d), bought, watched, INACTIVE));
            let four = I256::new(4);
            at_once.add(4, (four * y, four * d), bought, watched, INACTIVE);
            assert_eq!(one_by_one, at_once);
        }
    }

    /// Who buys every day and leaves on each with probability h has stayed (1 - h) / h days, whenever they are watched. Within
    /// five standard errors of the geometric distribution.
    #[test]
    fn censoring_takes_nothing_from_the_lifespan() {
        let mut random = Random::new(8);
        for h in [0.02, 0.1, 0.5] {
            let mut lives = Lifespans::default();
            for _ in 0..20_000 {
                let watched = i64::try_from(random.bits() % 60).unwrap() + i64::from(INACTIVE);
                let mut bought = 0u32;
                while i64::from(bought) < watched && random.uniform() >= h {
                    bought += 1;
                }
                lives.add(1, (I256::ZERO, I256::ZERO), bought, watched, INACTIVE);
            }
            let (found, expected) = (lives.lifespan_days().unwrap(), (1.0 - h) / h);
            let error = 1.0 / (h * (lives.left as f64).sqrt());
            assert!((found - expected).abs() <= 5.0 * error, "{found} is not {expected}");
        }
    }

    #[test]
    fn what_is_not_known_has_a_reason() {
        assert_eq!(lifetime_value(&Moments::default()), Err(Undefined::NoPersons));
        assert_eq!(lifetime_value(&sums(&[(1, 1, 0, 9)])), Err(Undefined::FewerThanTwoPersons));
        // Everyone left on the first day; nobody could have left yet; nobody left.
        for (nobody, reason) in [
            ([(5, 9, 0, 9); 3], Undefined::NobodyStayed),
            ([(5, 9, 1, 4); 3], Undefined::NobodyLeft),
            ([(5, 9, 8, 9); 3], Undefined::NobodyLeft),
        ] {
            assert_eq!(lifetime_value(&sums(&nobody)), Err(reason), "{nobody:?}");
        }
        // Nothing was bought: the value is 0, and so is its spread.
        let nothing = lifetime_value(&sums(&[(0, 9_000_000, 3, 9), (0, 9_000_000, 1, 9)])).unwrap();
        assert_eq!((nothing.value(), nothing.variance()), (0.0, 0.0));
        // All alike: what rounding leaves is no variance.
        let alike = lifetime_value(&sums(&[(7_700_000, 9_345_678, 3, 9); 11])).unwrap();
        assert!(alike.value() > 0.0 && alike.variance() == 0.0, "{alike:?}");
    }
}
