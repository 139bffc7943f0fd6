//! Entries: what one person adds to the rows of an arm, by day.

use ethnum::I256;
use journey::{Day, Definition, Metric, MetricKind};

use super::{Count, Direction, Sums};
use crate::contribution::{Assignment, Trace};
use crate::moments::{Layout, State, micro_days};

/// What an assigned person enters on each day.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) days: Vec<(Day, Sums)>,
}

impl Entries {
    pub(super) fn of(definition: &Definition, assignment: &Assignment) -> Self {
        let mut entries = Self::default();
        entries.on(assignment.day).counts[Count::Persons as usize] = 1;
        if let Some(day) = assignment.matured {
            entries.on(day).counts[Count::Matured as usize] = 1;
        }
        if let Some(day) = assignment.crossed {
            entries.on(day).counts[Count::Crossovers as usize] = 1;
        }
        entries.count_foreign(assignment, Direction::Add);
        let mut entry = Entry::default();
        for ((metric, offset), trace) in slots(definition).zip(&assignment.traces) {
            entry.enter(metric, assignment, trace, Direction::Add);
            entries.take(&mut entry, offset);
        }
        entries.moving()
    }

    /// What `after` enters beyond `before`, both at the same place.
    pub(super) fn difference(definition: &Definition, before: &Assignment, after: &Assignment) -> Self {
        let mut entries = Self::default();
        if before.foreign != after.foreign {
            entries.count_foreign(before, Direction::Remove);
            entries.count_foreign(after, Direction::Add);
        }
        let mut entry = Entry::default();
        let traces = before.traces.iter().zip(&after.traces);
        for ((metric, offset), (old, new)) in slots(definition).zip(traces).filter(|(_, (old, new))| old != new) {
            entry.enter(metric, before, old, Direction::Remove);
            entry.enter(metric, after, new, Direction::Add);
            entries.take(&mut entry, offset);
        }
        entries.moving()
    }

    /// Without days on which nothing is entered.
    fn moving(mut self) -> Self {
        self.days.retain(|(_, sums)| !sums.is_zero());
        self
    }

    fn count_foreign(&mut self, assignment: &Assignment, direction: Direction) {
        let sign = if direction == Direction::Add { 1 } else { -1 };
        for (day, events) in &assignment.foreign {
            self.on(*day).counts[Count::Foreign as usize] += sign * i64::from(*events);
        }
    }

    /// Takes over what one metric enters, whose slots begin at `offset`, behind those of the metrics before it.
    fn take(&mut self, entry: &mut Entry, offset: usize) {
        for (day, live, matured) in entry.days.drain(..) {
            let sums = self.on(day);
            live.into_iter().enumerate().for_each(|(slot, sum)| sums.live.push(offset + slot, sum));
            matured.into_iter().enumerate().for_each(|(slot, sum)| sums.matured.push(offset + slot, sum));
        }
    }

    fn on(&mut self, day: Day) -> &mut Sums {
        let known = self.days.iter().position(|(d, _)| *d == day);
        let at = known.unwrap_or_else(|| {
            self.days.push((day, Sums::default()));
            self.days.len() - 1
        });
        &mut self.days[at].1
    }
}

/// What one metric enters on each day: its live slots and its matured ones.
#[derive(Default)]
struct Entry {
    days: Vec<(Day, Vec<I256>, Vec<I256>)>,
}

impl Entry {
    fn enter(&mut self, metric: &Metric, assignment: &Assignment, trace: &Trace, direction: Direction) {
        let layout = Layout::of(&metric.kind);
        let slots = layout.slots().len();
        let cap = metric.cap.map(|cap| i128::from(cap.units()));
        let add = direction == Direction::Add;
        let mut before = vec![I256::ZERO; slots];
        let mut after = Vec::with_capacity(slots);
        for (day, state) in states(&metric.kind, assignment, trace, cap) {
            state.moments(layout, &mut after);
            let (live, _) = self.on(day);
            live.resize(slots, I256::ZERO);
            for ((sum, new), old) in live.iter_mut().zip(&after).zip(&before) {
                let moved = *new - *old;
                *sum += if add { moved } else { -moved };
            }
            std::mem::swap(&mut before, &mut after);
        }
        if let Some(day) = trace.matured {
            // The last state is the one with the window closed.
            let (_, matured) = self.on(day);
            matured.resize(slots, I256::ZERO);
            for (sum, value) in matured.iter_mut().zip(&before) {
                *sum += if add { *value } else { -*value };
            }
        }
    }

    fn on(&mut self, day: Day) -> (&mut Vec<I256>, &mut Vec<I256>) {
        let known = self.days.iter().position(|(d, ..)| *d == day);
        let at = known.unwrap_or_else(|| {
            self.days.push((day, Vec::new(), Vec::new()));
            self.days.len() - 1
        });
        let (_, live, matured) = &mut self.days[at];
        (live, matured)
    }
}

/// The metrics, and where the slots of each begin.
fn slots(definition: &Definition) -> impl Iterator<Item = (&Metric, usize)> {
    definition.metrics.iter().scan(0, |next, metric| {
        let offset = *next;
        *next += Layout::of(&metric.kind).slots().len();
        Some((metric, offset))
    })
}

/// What the person amounts to on each day on which that changes, days ascending.
fn states(kind: &MetricKind, assignment: &Assignment, trace: &Trace, cap: Option<i128>) -> Vec<(Day, State)> {
    let observed = matches!(kind, MetricKind::Clv { .. });
    let mut days: Vec<Day> = trace.steps.iter().map(|step| step.day).collect();
    days.push(assignment.day);
    if observed {
        days.extend(trace.matured);
    }
    days.sort_unstable();
    days.dedup();
    let mut steps = trace.steps.iter().peekable();
    let (mut y, mut d, mut orders) = (0i128, 0i128, 0i64);
    days.into_iter()
        .map(|day| {
            while let Some(step) = steps.next_if(|step| step.day <= day) {
                y += step.y;
                d += step.d;
                orders += step.orders;
            }
            let mut state = State { y: cap.map_or(y, |cap| y.min(cap)), d, orders, x: trace.x, u: trace.u, open: None };
            if observed {
                let closed = trace.matured.filter(|matured| *matured <= day);
                match closed {
                    Some(_) => state.d = i128::from(trace.window_units),
                    None => state.open = Some(micro_days(assignment.at)),
                }
            }
            (day, state)
        })
        .collect()
}
