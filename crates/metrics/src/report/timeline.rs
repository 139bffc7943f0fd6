//! The timeline: the report as of every day, which is the prefix law drawn out.

use journey::{CrossoverPolicy, Day, Zone};

use super::{ArmReport, Question, Strata, Weights, report};
use crate::reading::{Cumulative, Through};
use crate::tally::{Row, RowKey};

/// One metric as of the end of a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The day.
    pub day: Day,
    /// The arms.
    pub arms: Vec<ArmReport>,
}

/// The report of one metric as of every day from the first entry to `through`, from the rows of everyone, and
/// of the dimension of strata where there is one.
#[must_use]
pub fn timeline(
    question: &Question<'_>,
    metric: usize,
    rows: &[(RowKey, Row)],
    zone: Zone,
    through: Through,
    (policy, strata): (CrossoverPolicy, Option<&[(RowKey, Row)]>),
) -> Vec<Point> {
    let mut rows: Vec<&(RowKey, Row)> = rows.iter().filter(|(key, _)| key.day <= through.live).collect();
    rows.sort_unstable_by_key(|(key, _)| key.day);
    let Some(first) = rows.first().map(|(key, _)| key.day) else {
        return Vec::new();
    };
    let mut cumulative = Cumulative::new(question.definition);
    let mut rows = rows.into_iter().peekable();
    let mut points = Vec::new();
    let mut day = first;
    while day <= through.live {
        let as_of = Through { live: day, matured: day.min(through.matured), end: zone.end_of(day) };
        while let Some((key, row)) = rows.next_if(|(key, _)| key.day <= day) {
            cumulative.add(key, row, through.matured, policy);
        }
        let reading = cumulative.reading(question.definition, as_of);
        let strata = strata.map(|rows| {
            let rows = rows.iter().map(|(key, row)| (key, row));
            Strata::of(question.definition, rows, as_of, policy)
        });
        let weights = strata.as_ref().map_or(question.weights, Weights::Within);
        let arms = report(&Question { weights, ..*question }, &reading).swap_remove(metric).arms;
        points.push(Point { day, arms });
        day = day.next();
    }
    points
}
