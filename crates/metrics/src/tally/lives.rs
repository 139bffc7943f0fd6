//! How long did a person stay so far, and what did they bring in that time? What each day enters for lifespans that are estimated.

use ethnum::I256;
use journey::Day;

use super::detail::{Life, LifeKey};
use crate::contribution::{Assignment, Trace};
use crate::moments::{MAX_VALUE, State};

/// What a person enters into the lives of metric `metric`, whose states are these: the day, the cell, what it amounts to, and 1
/// where the person comes into it or -1 where they leave it for another.
pub(super) fn lives(
    metric: u16,
    assignment: &Assignment,
    trace: &Trace,
    states: &[(Day, State)],
) -> Vec<(Day, LifeKey, Life, i64)> {
    let mut purchases = trace.steps.iter().filter(|step| step.orders > 0).map(|step| step.day).peekable();
    let exposed = assignment.day;
    let (mut last, mut now) = (exposed, None);
    let mut entries = Vec::new();
    for (day, state) in states {
        while let Some(bought) = purchases.next_if(|bought| bought <= day) {
            // Where the clocks go back over midnight, what follows the exposure can have an earlier date.
            last = last.max(bought);
        }
        let next = cell(metric, (exposed, last), state);
        if next != now {
            entries.extend(now.map(|(key, life)| (*day, key, life, -1)));
            entries.extend(next.map(|(key, life)| (*day, key, life, 1)));
            now = next;
        }
    }
    if let (Some(day), Some((key, life))) = (trace.matured, now) {
        entries.push((day, LifeKey { matured: true, ..key }, life, 1));
    }
    entries
}

/// The cell that a person is in; `None` for persons who are left out of all sums.
fn cell(metric: u16, (exposed, last): (Day, Day), state: &State) -> Option<(LifeKey, Life)> {
    if state.y.abs() > MAX_VALUE || state.d.abs() > MAX_VALUE {
        return None;
    }
    let days = u32::try_from(last.number().saturating_sub(exposed.number())).unwrap_or(0);
    // Once the window has closed, the day of the exposure says nothing more.
    let origin = state.open.map(|_| exposed.number());
    let life = Life { n: 1, y: I256::from(state.y), d: I256::from(state.d), t: I256::from(state.open.unwrap_or(0)) };
    Some((LifeKey { metric, matured: false, origin, days }, life))
}
