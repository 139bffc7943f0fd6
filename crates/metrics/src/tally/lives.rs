//! How long did a person stay so far, and what did they bring in that time? What each day enters for lifespans that are estimated.

use ethnum::I256;
use journey::Day;

use super::detail::{Life, LifeBy, LifeKey};
use crate::contribution::{Assignment, Trace};
use crate::moments::{MAX_VALUE, State};

/// What a person enters into the lives of metric `metric`, whose states are these: the day, the life, what it amounts to, and 1
/// where the person comes into it or -1 where they leave it for another.
pub(super) fn lives(
    metric: u16,
    assignment: &Assignment,
    trace: &Trace,
    states: &[(Day, State)],
) -> Vec<(Day, LifeKey, Life, i64)> {
    let mut purchases = trace.steps.iter().filter(|step| step.orders > 0).map(|step| step.day).peekable();
    let exposed = assignment.day;
    let (mut last, mut now) = (exposed, Vec::new());
    let mut entries = Vec::new();
    for (day, state) in states {
        while let Some(bought) = purchases.next_if(|bought| bought <= day) {
            // Where the clocks go back over midnight, what follows the exposure can have an earlier date.
            last = last.max(bought);
        }
        let next = of_person(exposed, last, state);
        let key = |by| LifeKey { metric, matured: false, by };
        for (by, life) in now.iter().filter(|life| !next.contains(life)) {
            entries.push((*day, key(*by), *life, -1));
        }
        for (by, life) in next.iter().filter(|life| !now.contains(life)) {
            entries.push((*day, key(*by), *life, 1));
        }
        now = next;
    }
    if let Some(day) = trace.matured {
        entries.extend(now.into_iter().map(|(by, life)| (day, LifeKey { metric, matured: true, by }, life, 1)));
    }
    entries
}

/// The lives that a person stands in; none where they are left out of all sums.
fn of_person(exposed: Day, last: Day, state: &State) -> Vec<(LifeBy, Life)> {
    if state.y.abs() > MAX_VALUE || state.d.abs() > MAX_VALUE {
        return Vec::new();
    }
    let (exposed, last, y) = (exposed.number(), last.number(), I256::from(state.y));
    let Some(at) = state.open else {
        let days = u32::try_from(last.saturating_sub(exposed)).unwrap_or(0);
        return vec![(LifeBy::Closed(days), Life { n: 1, y, d: I256::from(state.d), ..Life::default() })];
    };
    let (t, e) = (I256::from(at), I256::from(exposed));
    let plain = Life { n: 1, y, t, ..Life::default() };
    let by_last = Life { e, ee: e * e, ye: y * e, te: t * e, ..plain };
    vec![(LifeBy::Last(last), by_last), (LifeBy::Exposed(exposed), plain)]
}
