//! How long do the customers of an arm stay, and what are they worth in that time?
//!
//! The lifespan of STATISTICS choice 16, `L = 1 / churn`: of persons who are watched for a while, some are seen to leave. A person
//! whose last purchase (or exposure, before any) lies `inactive` whole days back has left then; whoever could have been seen
//! to leave and was not is under observation until the last day on which that could have begun. With `t` the days until then and
//! `f` whether the person left, the churn rate is `Σf / Σt`, the maximum likelihood estimate of a constant hazard under
//! censoring, and `L = Σt / Σf`: the same that `/retention` tells of the same events.
//!
//! `CLV = L R / T`, with R the value and T the person-days of *everyone* exposed. A person's influence on it is
//! `CLV (R_i/Rbar - T_i/Tbar + t_i/tbar - f_i/fbar)`; the four means of an arm are of the same persons, so their covariances
//! count. They follow from sums over cells of persons who were exposed and last bought on the same days, which add up like
//! every tally and know no single person.

use std::sync::Arc;

use ethnum::I256;
use journey::Definition;

use crate::inference::{Estimate, Undefined};
use crate::moments::{Moments, micro_days};
use crate::reading::{ArmReading, Through};
use crate::tally::detail::{Detail, Life, LifeKey};

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

impl Lifespans {
    /// Adds the persons of a cell, of whom each was watched for `watched` whole days after that of the exposure, and who last bought
    /// `bought` days after it; those who were watched for less than `inactive` days say nothing yet. Their times under
    /// observation add up to `d`.
    pub fn add(&mut self, n: i64, (y, d): (I256, I256), bought: u32, watched: i64, inactive: u32) {
        let could_leave = watched - i64::from(inactive);
        if could_leave < 0 {
            return;
        }
        let has_left = i64::from(bought) <= could_leave;
        let days = I256::from(if has_left { i64::from(bought) } else { could_leave });
        let persons = I256::from(n);
        self.days += persons * days;
        self.tt += persons * days * days;
        self.yt += y * days;
        self.dt += d * days;
        if has_left {
            self.left += n;
            self.tf += persons * days;
            self.yf += y;
            self.df += d;
        }
    }

    /// The lifespan in days; `None` where nobody was seen to stay, or nobody to leave.
    #[must_use]
    pub fn lifespan_days(&self) -> Option<f64> {
        (self.left > 0 && self.days > I256::ZERO).then(|| self.days.as_f64() / self.left as f64)
    }
}

/// The value of a customer of an arm over the lifespan of its persons, and the variance of that estimate.
///
/// # Errors
/// [`Undefined::NoLifespan`] where nobody was seen to stay, or nobody to leave; and what is missing of every ratio.
pub fn lifetime_value(sums: &Moments) -> Result<Estimate, Undefined> {
    let nothing = Lifespans::default();
    let lives = sums.lifespans.as_deref().unwrap_or(&nothing);
    let persons = match u64::try_from(sums.n) {
        Err(_) => return Err(Undefined::ImpossibleSums),
        Ok(0) => return Err(Undefined::NoPersons),
        Ok(1) => return Err(Undefined::FewerThanTwoPersons),
        Ok(persons) => persons,
    };
    let value = lifetime_point(sums)?;
    let (n, d, t, f) = (sums.n as f64, sums.d.as_f64(), lives.days.as_f64(), lives.left as f64);
    // The influence as (L / Dbar) y - (V / Dbar) d + (V / tbar) t - (V / fbar) f, which exists where nothing was bought, too.
    let per_value = lives.lifespan_days().ok_or(Undefined::NoLifespan)? / d;
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
    let lifespan = sums.lifespans.as_ref().and_then(|lives| lives.lifespan_days()).ok_or(Undefined::NoLifespan)?;
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
                    let d = life.d + observed(key, life, through);
                    if let Some(watched) = watched(key, window, through) {
                        lives.add(life.n, (life.y, d), key.days, watched, inactive);
                    }
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

/// The time for which persons of a cell whose window is open have been observed.
fn observed(key: &LifeKey, life: &Life, through: Through) -> I256 {
    match key.origin {
        Some(_) => I256::from(life.n) * I256::from(micro_days(through.end)) - life.t,
        None => I256::ZERO,
    }
}

/// How many whole days after that of the exposure the persons of a cell were watched; `None`: not one day has passed.
fn watched(key: &LifeKey, window: Option<i64>, through: Through) -> Option<i64> {
    match key.origin {
        Some(origin) => {
            let since = i64::from(through.matured.number()) - i64::from(origin);
            let watched = window.map_or(since, |window| since.min(window));
            (watched >= 0).then_some(watched)
        }
        None => window,
    }
}
