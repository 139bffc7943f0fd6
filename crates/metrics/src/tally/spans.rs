//! When did a person do what a curve is about, and how often did they buy? What each day enters into the details.

use ethnum::I256;
use journey::{Day, MetricKind, UNIT};

use super::detail::{CustomerKey, Customers, Series, SpanKey};
use crate::contribution::{Assignment, Step, Trace};
use crate::histogram::bucket_of;

/// What a person enters into the spans of a metric: the day, the key, and how many persons come (or go, where the last
/// event so far is no longer the last). `watched`: a person is watched for so many whole days.
pub(super) fn spans(
    kind: &MetricKind,
    assignment: &Assignment,
    trace: &Trace,
    watched: Option<u32>,
) -> Vec<(Day, SpanKey, i64)> {
    let mut happened: Vec<(Day, i64)> = Vec::new();
    for step in &trace.steps {
        let events = events(kind, step);
        // Where the clocks go back over midnight, what follows the exposure can have an earlier date.
        let day = step.day.max(assignment.day);
        match happened.last_mut().filter(|(last, _)| *last == day) {
            _ if events <= 0 => {}
            Some((_, sum)) => *sum += events,
            None => happened.push((day, events)),
        }
    }
    let exposed = assignment.day.number();
    let after = |series, origin: i32, day: Day| {
        let days = day.number().saturating_sub(origin);
        SpanKey { series, origin, days: u32::try_from(days).unwrap_or(0) }
    };
    let mut entries = Vec::new();
    if let MetricKind::Retention { .. } = kind {
        let mut last = None;
        // A window ends within a day. Who comes back on that part of it has stayed no longer than was watched.
        let within = |key: SpanKey| watched.is_none_or(|watched| key.days < watched);
        for (day, _) in happened.iter().filter(|(day, _)| within(after(Series::Active, exposed, *day))) {
            entries.push((*day, after(Series::Active, exposed, *day), 1));
            if let Some(last) = last.replace(*day) {
                entries.push((*day, after(Series::Last, exposed, last), -1));
            }
            entries.push((*day, after(Series::Last, exposed, *day), 1));
        }
        return entries;
    }
    let mut count = 0i64;
    let mut first = None;
    for (day, events) in happened {
        let before = count;
        count = count.saturating_add(events);
        if before == 0 {
            first = Some(day);
            entries.push((day, after(Series::First, exposed, day), 1));
        }
        if before < 2
            && count >= 2
            && let Some(first) = first
        {
            entries.push((day, after(Series::Second, exposed, day), 1));
            entries.push((day, after(Series::Repeat, first.number(), day), 1));
        }
    }
    entries
}

/// How many events of the metric a step stands for.
fn events(kind: &MetricKind, step: &Step) -> i64 {
    match kind {
        MetricKind::Conversion(_) => i64::from(step.y > 0),
        MetricKind::Count(_) => i64::try_from(step.y / i128::from(UNIT)).unwrap_or(i64::MAX),
        MetricKind::Retention { .. } | MetricKind::Clv { .. } => step.orders,
        // The others keep no curve.
        _ => 0,
    }
}

/// What a person enters into the customers of a CLV: the day, the cell, and 1 where the person comes into it or -1 where
/// they leave it for another.
pub(super) fn customers(trace: &Trace) -> Vec<(Day, CustomerKey, Customers, i64)> {
    let mut entries = Vec::new();
    let mut steps = trace.steps.iter().skip_while(|step| step.orders <= 0);
    let Some(first) = steps.next() else { return entries };
    let origin = first.day.number();
    let cell = |frequency: u32, recency: u32, spend: i128| {
        // A person beyond the bound of all sums is left out here, too.
        let bucket = bucket_of(spend)?;
        let customers = Customers { n: 1, spend: I256::from(spend) };
        Some((CustomerKey { origin, frequency, recency, bucket }, customers))
    };
    let (mut frequency, mut recency, mut spend) = (0u32, 0u32, 0i128);
    let mut now = cell(0, 0, 0);
    entries.extend(now.map(|(key, customers)| (first.day, key, customers, 1)));
    for step in steps {
        if step.orders > 0 {
            frequency = frequency.saturating_add(1);
            recency = u32::try_from(step.day.number().saturating_sub(origin)).unwrap_or(0);
        }
        spend += step.y;
        let next = cell(frequency, recency, spend);
        if next != now {
            entries.extend(now.map(|(key, customers)| (step.day, key, customers, -1)));
            entries.extend(next.map(|(key, customers)| (step.day, key, customers, 1)));
            now = next;
        }
    }
    entries
}
