//! Where on the way through a funnel do arms lose persons?
//!
//! Causal: the share of *everyone exposed* who reached step k (`reach_k`), and who reached the step before and went no
//! further (`drop_k = reach_(k-1) - reach_k`, with `reach_0` everyone). Both are conversions, and judged as such.
//!
//! Description: among those who reached the step before, the share that went on, and how long they took. Who those are is
//! a consequence of the arm, so a difference between the arms is no effect.
//!
//! The *friction point* of an arm is the step at which it loses most: where `drop_k` is higher and `reach_k` lower than
//! under the baseline, each significantly. Both are asked for, because whoever brings more persons to a step than would have
//! come by themselves has more drop there without losing anybody. The p-value of a step is the larger one of the two (an
//! intersection-union test: Berger, Technometrics 1982), adjusted by Holm over the steps and arms.

use journey::{Goal, Key};

use crate::histogram::bounds;
use crate::inference::{Interval, Undefined, holm, wilson_interval};
use crate::lens::{ArmSights, FIRST_STEP, Sights, reach_key, times};
use crate::report::{Maturity, Question, Share, SharesReport, report_shares};

/// What is known of a funnel.
#[derive(Debug, Clone)]
pub struct Funnel {
    /// The shares that reached each step, in order, and then the shares that were lost at each.
    pub shares: SharesReport,
    /// Per step, per arm: how those who had reached the step before went on.
    pub steps: Vec<Vec<Onward>>,
    /// Per arm other than the baseline, in order: its friction point and its relief.
    pub friction: Vec<Friction>,
}

/// How those who reached the step before went on, in the main reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Onward {
    /// Persons who reached the step before.
    pub from: i64,
    /// Persons who reached the step.
    pub reached: i64,
    /// The interval of their share, after Wilson.
    pub interval: Result<Interval, Undefined>,
    /// How long half of those who reached it took at most, in seconds; the upper edge of a bucket of 1 %.
    pub median_seconds: Option<f64>,
    /// How long nine in ten took at most.
    pub p90_seconds: Option<f64>,
}

/// Where an arm loses more persons than the baseline, and where it loses fewer.
#[derive(Debug, Clone, PartialEq)]
pub struct Friction {
    /// The index of the arm.
    pub arm: usize,
    /// The step with the largest loss.
    pub point: Option<Point>,
    /// The step with the largest gain.
    pub relief: Option<Point>,
}

/// A step at which the arms differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The number of the step, from [`FIRST_STEP`].
    pub step: usize,
    /// The difference of `drop_k`, arm minus baseline.
    pub difference: f64,
    /// Its p-value, after Holm.
    pub p_value_adjusted: f64,
}

/// The index of `drop_k` among the shares of a funnel of so many steps.
#[must_use]
pub fn drop_index(steps: usize, step: usize) -> usize {
    steps + step - FIRST_STEP
}

/// What the arms make of a funnel of `steps` steps.
///
/// # Panics
/// Never: keys such as `reach_1` are names.
#[must_use]
pub fn funnel(question: &Question<'_>, arms: &[ArmSights], steps: usize, window_days: Option<u32>) -> Funnel {
    let numbers = FIRST_STEP..=steps;
    let share = |word: &str, step: usize, goal: Goal, count: &dyn Fn(&Sights) -> i64| {
        Key::parse(&format!("{word}_{step}"), "").ok().map(|key| Share::of(key, goal, arms, count))
    };
    let reach = numbers.clone().filter_map(|step| share("reach", step, Goal::Increase, &|s| reached(s, step)));
    let drop = numbers
        .clone()
        .filter_map(|step| share("drop", step, Goal::Decrease, &|s| reached(s, step - 1) - reached(s, step)));
    let shares: Vec<Share> = reach.chain(drop).collect();
    let shares = report_shares(question, arms, &shares, window_days);
    let main: Vec<&Sights> = arms
        .iter()
        .map(|arm| match (&arm.matured, question.maturity) {
            (Some(matured), Maturity::Matured) => matured,
            _ => &arm.live,
        })
        .collect();
    let onward = |step: usize| main.iter().map(|sights| onward(sights, step, question.confidence)).collect();
    let friction = friction(question, &shares, arms.len(), steps);
    Funnel { shares, steps: numbers.map(onward).collect(), friction }
}

/// Persons who reached a step; step 0 is the exposure.
fn reached(sights: &Sights, step: usize) -> i64 {
    if step < FIRST_STEP { sights.persons } else { sights.count(&reach_key(step)) }
}

fn onward(sights: &Sights, step: usize, confidence: f64) -> Onward {
    let (from, reached) = (reached(sights, step - 1), reached(sights, step));
    let times = times(sights, step);
    Onward {
        from,
        reached,
        interval: wilson_interval(reached, from, confidence),
        median_seconds: time(&times, 0.5),
        p90_seconds: time(&times, 0.9),
    }
}

/// The time, in seconds, that a share of those who reached the step took at most, from persons by bucket in ascending order.
fn time(times: &[(i16, i64)], share: f64) -> Option<f64> {
    let persons: i64 = times.iter().map(|(_, n)| n).sum();
    let wanted = share * persons as f64;
    let mut seen = 0;
    let (bucket, _) = times.iter().find(|(_, n)| {
        seen += n;
        seen as f64 >= wanted
    })?;
    Some(bounds(*bucket)?.1 as f64 / 1e6)
}

fn friction(question: &Question<'_>, shares: &SharesReport, arms: usize, steps: usize) -> Vec<Friction> {
    let others: Vec<usize> = (0..arms).filter(|arm| *arm != question.baseline).collect();
    // Whether more are lost, by how much, and the p-value of both of its signs.
    let mut found: Vec<(usize, usize, f64)> = Vec::new();
    let mut p_values = Vec::new();
    for arm in &others {
        for step in FIRST_STEP..=steps {
            let lost = shares.difference(drop_index(steps, step), *arm);
            let kept = shares.difference(step - FIRST_STEP, *arm);
            let (Some((Ok(p_lost), Some(lost))), Some((Ok(p_kept), Some(kept)))) = (lost, kept) else {
                continue;
            };
            found.push((*arm, step, lost));
            p_values.push(Some(if lost * kept < 0.0 { f64::max(p_lost, p_kept) } else { 1.0 }));
        }
    }
    let adjusted = holm(&p_values);
    let level = 1.0 - question.confidence;
    let of_arm = |arm: usize, sign: f64| {
        let of_sign = found.iter().zip(&adjusted).filter(|((of, _, lost), _)| *of == arm && sign * lost > 0.0);
        of_sign
            .filter_map(|((_, step, lost), p)| {
                Some(Point { step: *step, difference: *lost, p_value_adjusted: (*p).filter(|p| *p <= level)? })
            })
            .max_by(|a, b| a.difference.abs().total_cmp(&b.difference.abs()))
    };
    others.into_iter().map(|arm| Friction { arm, point: of_arm(arm, 1.0), relief: of_arm(arm, -1.0) }).collect()
}
