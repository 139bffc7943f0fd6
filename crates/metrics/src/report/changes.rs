//! Why did a lift change? What was told then, and step by step what came to it, until what is told now.

use std::collections::BTreeMap;

use super::{ArmReport, Question, report};
use crate::journal::{Cause, Journal};
use crate::reading::{Through, nobody, read};
use crate::tally::{Row, RowKey};

/// What moved a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Time: windows closed, and what was dated ahead has come.
    Windows,
    /// What was measured since.
    By(Cause),
}

impl Moved {
    /// All of them, in the order in which they are applied.
    pub const ALL: [Self; 6] = [
        Self::Windows,
        Self::By(Cause::NewPersons),
        Self::By(Cause::Events),
        Self::By(Cause::LateEvents),
        Self::By(Cause::Merges),
        Self::By(Cause::Erasures),
    ];

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Windows => "matured_windows",
            Self::By(cause) => cause.word(),
        }
    }
}

/// A metric before and after every step.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// The arms as they stood then.
    pub then: Vec<ArmReport>,
    /// What moved them, and the arms after it; the last ones are those of now.
    pub steps: Vec<(Moved, Vec<ArmReport>)>,
}

/// Takes the moves of `journal` back from the rows of everyone, reads what stood then, and applies them again, one cause after the
/// other in the order of [`Moved::ALL`]. A lift is no sum, so what a cause moves depends on what came before it; in a fixed order
/// the steps add up to the whole.
#[must_use]
pub fn changes(
    question: &Question<'_>,
    metric: usize,
    (everyone, journal): (&[(RowKey, Row)], &Journal),
    [then, now]: [Through; 2],
) -> Changes {
    let mut rows: BTreeMap<RowKey, Row> = everyone.iter().cloned().collect();
    for cause in Cause::ALL {
        for (key, moved) in journal.of(cause) {
            rows.entry(key).or_default().subtract(moved);
        }
    }
    let arms = |rows: &BTreeMap<RowKey, Row>, through: Through| {
        let reading = read(question.definition, rows, through, question.policy).remove("");
        let reading = reading.unwrap_or_else(|| nobody(question.definition, through));
        report(question, &reading).swap_remove(metric).arms
    };
    let stood = arms(&rows, then);
    let mut steps = Vec::new();
    for moved in Moved::ALL {
        if let Moved::By(cause) = moved {
            for (key, row) in journal.of(cause) {
                rows.entry(key).or_default().add(row);
            }
        }
        steps.push((moved, arms(&rows, now)));
    }
    Changes { then: stood, steps }
}
