//! Through which lifecycle stages do persons go, and how long do they stay?
//!
//! Causal: the share of everyone exposed who reached a stage. Description: where persons are now, where they moved from a
//! stage, and how long the stays took that ended.

use ethnum::I256;
use journey::{Goal, Key, UNIT};

use crate::inference::{Estimate, Undefined, mean};
use crate::lens::{ArmSights, Sights, StageKey, stage_key_of};
use crate::report::{Question, Share, SharesReport, report_shares};

/// The shares of everyone exposed who reached each stage, in order.
///
/// # Panics
/// Never: keys such as `stage_1` are names.
#[must_use]
pub fn reached(question: &Question<'_>, arms: &[ArmSights], stages: usize, window_days: Option<u32>) -> SharesReport {
    let share = |stage: usize| {
        let key = Key::parse(&format!("stage_{}", stage + 1), "").ok()?;
        Some(Share::of(key, Goal::Increase, arms, |sights| Stages::of(sights, stages).reached[stage]))
    };
    let shares: Vec<Share> = (0..stages).filter_map(share).collect();
    report_shares(question, arms, &shares, window_days)
}

/// What is known of the stages of an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct Stages {
    /// Persons exposed.
    pub persons: i64,
    /// Persons who have been in each stage.
    pub reached: Vec<i64>,
    /// Persons who are in each stage now.
    pub now: Vec<i64>,
    /// Moves from each stage to each.
    pub moves: Vec<Vec<i64>>,
    /// The mean length of the stays in each stage that ended, in seconds; `None`: none did.
    pub mean_seconds: Vec<Option<f64>>,
    /// The same with its uncertainty, from two stays on.
    pub stays: Vec<Result<Estimate, Undefined>>,
}

impl Stages {
    /// What a lens with so many stages shows of an arm.
    #[must_use]
    pub fn of(sights: &Sights, stages: usize) -> Self {
        let mut found = Self {
            persons: sights.persons,
            reached: vec![0; stages],
            now: vec![0; stages],
            moves: vec![vec![0; stages]; stages],
            mean_seconds: vec![None; stages],
            stays: vec![Err(Undefined::NoPersons); stages],
        };
        for key in sights.sums.keys() {
            let count = sights.count(key);
            match stage_key_of(key) {
                Some(StageKey::Reached(stage)) if stage < stages => found.reached[stage] = count,
                Some(StageKey::Now(stage)) if stage < stages => found.now[stage] = count,
                Some(StageKey::Move(from, to)) if from < stages && to < stages => found.moves[from][to] = count,
                Some(StageKey::Stay(stage)) if stage < stages => {
                    found.mean_seconds[stage] = (count > 0).then(|| sights.sum(key, 1).as_f64() / count as f64);
                    let unit = I256::from(UNIT);
                    found.stays[stage] = mean(count, sights.sum(key, 1) * unit, sights.sum(key, 2) * unit * unit);
                }
                _ => {}
            }
        }
        found
    }
}
