//! In which lifecycle stage is a person, which have they reached, and how long did they stay in each?
//!
//! Kept are the changes of stage. Before the first one the stage is not known.

use std::sync::Arc;

use journey::{Happening, Path, Stage};

use super::{Mark, Sign, Told, add};
use crate::plan::Sieve;

/// Stages made ready.
#[derive(Debug, Clone)]
pub(super) struct Stages(Vec<(Arc<str>, Option<Sieve>)>);

impl Stages {
    pub(super) fn new(stages: &[Stage], paths: &mut Vec<Path>) -> Self {
        let ready = |stage: &Stage| {
            let rule = stage.rule.as_ref().map(|rule| Sieve::new(rule, paths));
            (Arc::from(stage.name.as_str()), rule)
        };
        Self(stages.iter().map(ready).collect())
    }

    /// The tag is the index of the stage: the last one whose rule takes the event, or which the event names.
    pub(super) fn sign(&self, event: &Happening) -> Option<Sign> {
        let is = |(name, rule): &(Arc<str>, Option<Sieve>)| match rule {
            Some(rule) => rule.takes(event),
            None => event.stage.as_ref() == Some(name),
        };
        let index = self.0.iter().rposition(is)?;
        Some((u16::try_from(index).ok()?, "".into(), 0))
    }
}

pub(super) fn is_news(marks: &[Mark], (tag, ..): &Sign) -> bool {
    marks.last().is_none_or(|last| last.tag != *tag)
}

/// What a key counts, stages by their index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageKey {
    /// Persons who have been in the stage.
    Reached(usize),
    /// Persons who are in it now.
    Now(usize),
    /// Moves from one stage to another.
    Move(usize, usize),
    /// Stays in a stage that ended: their number, their length in seconds, and its square.
    Stay(usize),
}

impl StageKey {
    fn text(self) -> Arc<str> {
        match self {
            Self::Reached(stage) => format!("r{stage}"),
            Self::Now(stage) => format!("n{stage}"),
            Self::Move(from, to) => format!("m{from} {to}"),
            Self::Stay(stage) => format!("s{stage}"),
        }
        .into()
    }
}

/// What a key counts; `None` where it is none.
#[must_use]
pub fn stage_key_of(key: &str) -> Option<StageKey> {
    let (kind, rest) = key.split_at_checked(1)?;
    match kind {
        "r" => Some(StageKey::Reached(rest.parse().ok()?)),
        "n" => Some(StageKey::Now(rest.parse().ok()?)),
        "s" => Some(StageKey::Stay(rest.parse().ok()?)),
        "m" => {
            let (from, to) = rest.split_once(' ')?;
            Some(StageKey::Move(from.parse().ok()?, to.parse().ok()?))
        }
        _ => None,
    }
}

pub(super) fn tell(stages: usize, marks: &[Mark], told: &mut Told) {
    for stage in 0..stages {
        if marks.iter().any(|mark| usize::from(mark.tag) == stage) {
            add(told, StageKey::Reached(stage).text(), [1]);
        }
    }
    for pair in marks.windows(2) {
        let (from, to) = (usize::from(pair[0].tag), usize::from(pair[1].tag));
        add(told, StageKey::Move(from, to).text(), [1]);
        let seconds = i128::from((pair[1].micros - pair[0].micros) / 1_000_000);
        add(told, StageKey::Stay(from).text(), [1, seconds, seconds * seconds]);
    }
    if let Some(last) = marks.last() {
        add(told, StageKey::Now(last.tag.into()).text(), [1]);
    }
}
