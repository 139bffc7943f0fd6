//! Values over the time that customers stay, which each arm estimates by itself: the true lift comes from persons who stay longer.
//!
//! A person buys on every day as long as they are a customer, and stops with the same probability each day. Of a person whose window
//! is closed it is then known how long they stayed, up to the last day on which they could have been seen to leave. How long persons
//! stay is all that differs between the arms, so the true value of each follows from sums of powers, without an integral.
//!
//! Everybody comes with a window that is closed, as in matured readings, which give the verdicts; open windows are left out.

use std::sync::Arc;

use ethnum::I256;
use journey::{Definition, Method, UNIT};
use metrics::lifespan::Lifespans;
use metrics::moments::Moments;
use metrics::report::{CONTRIBUTORS, PLANNED_CONTRIBUTORS};

use super::random::Random;
use super::run::{Run, judge, reading};
use super::sums::Sums;
use super::tables::{Counts, count_by};
use super::world::{LIFTS, Person, WINDOW_DAYS, of_lifetimes, tens};

/// After so many days without a purchase a customer has left.
const INACTIVE_DAYS: u32 = 5;
/// The last day on which a person can have a purchase, counted from the day of the exposure.
const LAST: u32 = WINDOW_DAYS - 1;
/// The last day on which a person can have left.
const LAST_TO_LEAVE: u32 = LAST - INACTIVE_DAYS;

/// How long the persons of control stay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stay {
    /// The probability that a person stays for another day.
    stays: f64,
}

/// Many leave, or hardly anybody.
pub(crate) const STAYS: [Stay; 2] = [Stay { stays: 0.9 }, Stay { stays: 0.998 }];

impl Stay {
    pub(crate) fn name(self) -> String {
        format!("lifespan, {:.1} % leave a day", 100.0 * (1.0 - self.stays))
    }

    /// The probability that a person is still there after so many days, added up over days from `first` to `last`.
    fn days(self, first: u32, last: u32) -> f64 {
        (first..=last).map(|day| self.stays.powf(f64::from(day))).sum()
    }

    /// The share of persons who are seen to leave.
    fn left(self) -> f64 {
        1.0 - self.stays.powf(f64::from(LAST_TO_LEAVE + 1))
    }

    /// The value over the lifespan: days that were stayed per person who left, times the value per day under observation.
    fn value(self) -> f64 {
        let lifespan = self.days(1, LAST_TO_LEAVE) / self.left();
        lifespan * A_DAY * (SIGMA * SIGMA / 2.0).exp() * self.days(0, LAST) / f64::from(WINDOW_DAYS)
    }

    /// How long persons have to stay for the value to be `factor` times as large, by bisection.
    fn lifted(self, factor: f64) -> Self {
        let (mut low, mut high) = (self.stays, 1.0 - 1e-9);
        for _ in 0..200 {
            let stays = f64::midpoint(low, high);
            if (Self { stays }).value() < factor * self.value() { low = stays } else { high = stays }
        }
        Self { stays: f64::midpoint(low, high) }
    }

    /// The day of a person's last purchase.
    fn last_purchase(self, uniform: f64) -> u32 {
        // Of 1 - u, which is never 0.
        let days = (1.0 - uniform).ln() / self.stays.ln();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of days, at most the last"
        )]
        let days = days.min(f64::from(LAST)) as u32;
        days
    }
}

/// The median of what a person spends a day, which is log-normal, and their own.
const A_DAY: f64 = 10.0;
/// The standard deviation of its logarithm.
const SIGMA: f64 = 0.5;

/// The sums of an arm.
#[derive(Debug, Clone, Copy, Default)]
struct Arm {
    sums: Sums,
    /// Persons, and their value, by the day of their last purchase.
    by_last: [(i64, i128); WINDOW_DAYS as usize],
}

impl Arm {
    fn add(&mut self, last: u32, a_day: i64) {
        let y = a_day * i64::from(last + 1);
        self.sums.expose();
        self.sums.add(&Person { y, d: OBSERVED, ..Person::default() });
        let (persons, value) = &mut self.by_last[last as usize];
        *persons += 1;
        *value += i128::from(y);
    }

    fn moments(&self) -> Moments {
        let (mut lives, mut orders) = (Lifespans::default(), 0);
        for (last, (persons, value)) in (0..).zip(self.by_last) {
            let observed = I256::from(i128::from(persons) * i128::from(OBSERVED));
            lives.add(persons, (I256::from(value), observed), last, i64::from(LAST), INACTIVE_DAYS);
            orders += persons * i64::from(last + 1);
        }
        Moments { orders, lifespans: Some(Arc::new(lives)), ..self.sums.moments() }
    }
}

/// Everybody is watched for the whole window.
const OBSERVED: i64 = WINDOW_DAYS as i64 * UNIT;

/// One experiment, read at the end of each of fifty days.
fn simulate(
    stays: &[Stay; LIFTS.len()],
    definition: &Definition,
    control_share: f64,
    persons: usize,
    random: &mut Random,
) -> [Run; LIFTS.len()] {
    let mut runs = [Run::default(); LIFTS.len()];
    let mut control = Arm::default();
    let mut arms = [Arm::default(); LIFTS.len()];
    let day = (persons / 50).max(1);
    let ask = |control: &Arm, arm: &Arm, method| {
        judge(definition, &reading([control.moments(), arm.moments()], true), method)
    };
    for at in 1..=persons {
        let to_control = random.chance(control_share);
        let (uniform, a_day) = (random.uniform(), tens(A_DAY * (SIGMA * random.normal()).exp()));
        if to_control {
            control.add(stays[0].last_purchase(uniform), a_day);
        } else {
            for (arm, stay) in arms.iter_mut().zip(stays) {
                arm.add(stay.last_purchase(uniform), a_day);
            }
        }
        if at % day == 0 {
            for ((arm, run), lift) in arms.iter().zip(&mut runs).zip(LIFTS) {
                run.told(&ask(&control, arm, Method::Sequential).0, lift.value());
                run.told_plainly(&ask(&control, arm, Method::Frequentist).0, lift.value());
            }
        }
    }
    for ((arm, run), (lift, stay)) in arms.iter().zip(&mut runs).zip(LIFTS.iter().zip(stays)) {
        let (versus, warned) = ask(&control, arm, Method::Frequentist);
        run.ended(&versus, warned, lift.value(), lift.value() * stays[0].value());
        // The fewest who are expected to leave an arm tell how well its lifespan is known.
        let expected = (control.sums.n as f64 * stays[0].left()).min(arm.sums.n as f64 * stay.left());
        run.should_warn = expected < CONTRIBUTORS;
        run.comfortable = expected >= PLANNED_CONTRIBUTORS;
    }
    runs
}

/// Simulates a cell `runs` times, under every true lift.
pub(crate) fn count(
    stay: Stay,
    control: i64,
    persons: usize,
    runs: usize,
    seed: u64,
    threads: usize,
) -> [Counts; LIFTS.len()] {
    let definition = of_lifetimes(INACTIVE_DAYS, control);
    let stays = LIFTS.map(|lift| stay.lifted(lift.factor()));
    count_by(runs, seed, threads, |random| simulate(&stays, &definition, control as f64 / 100.0, persons, random))
}
