//! When persons did what a curve is about, and how often they bought, from every person's events.

use std::collections::BTreeMap;

use ethnum::I256;
use journey::{Day, MetricKind};

use super::{AsOf, BOUND, Model};
use crate::histogram::bucket_of;
use crate::laws::histories::Deed;
use crate::tally::detail::{CustomerKey, Customers, Detail, Series, SpanKey};

impl Model<'_> {
    /// The spans and the customers of each arm of one metric as of a day, crossovers in their first arm.
    pub(in crate::laws) fn detail(&self, people: &[Vec<Deed>], at: usize, as_of: AsOf) -> BTreeMap<usize, Detail> {
        let metric = &self.definition.metrics[at];
        let end = self.zone.end_of(as_of.live);
        let mut out: BTreeMap<usize, Detail> = BTreeMap::new();
        for person in people {
            let Some((exposure, arm)) = self.first_exposure(person, end) else { continue };
            let mut days: BTreeMap<Day, (i64, i128)> = BTreeMap::new();
            let watched = match metric.kind {
                MetricKind::Retention { .. } => self.definition.curve_days(at).map(i64::from),
                _ => self.window(at),
            };
            for deed in person.iter().filter(|deed| deed.at < end && self.is_in_window(watched, deed, exposure)) {
                if self.is_left_out(metric, deed) {
                    continue;
                }
                let (y, _, orders) = self.worth(metric, deed);
                let happens = if matches!(metric.kind, MetricKind::Clv { .. }) { orders } else { i64::from(y > 0) };
                let day = days.entry(self.zone.day_of(deed.at)).or_default();
                (day.0, day.1) = (day.0 + happens, day.1 + y);
            }
            let mut detail = Detail::default();
            if metric.keeps.customers {
                customer(&days, &mut detail);
            }
            if metric.keeps.curve {
                let exposed = self.zone.day_of(exposure.at);
                self.spans(at, exposed, &days, &mut detail);
            }
            out.entry(arm).or_default().add(&detail, 1);
        }
        out.retain(|_, detail| !detail.is_empty());
        out
    }

    fn spans(&self, at: usize, exposed: Day, days: &BTreeMap<Day, (i64, i128)>, detail: &mut Detail) {
        // One entry per event, in order of their days; none of them before that of the exposure.
        let mut events: Vec<i32> = Vec::new();
        for (day, (happened, _)) in days {
            events.extend((0..*happened).map(|_| day.number().max(exposed.number())));
        }
        let mut enter = |series, from: i32, to: i32| {
            detail.add_span(SpanKey { series, origin: from, days: (to - from).unsigned_abs() }, 1);
        };
        let from = exposed.number();
        let kind = &self.definition.metrics[at].kind;
        if let MetricKind::Retention { .. } = kind {
            let watched = self.definition.curve_days(at).map(i64::from);
            events.retain(|day| watched.is_none_or(|watched| i64::from(day - from) < watched));
            let last = events.last().copied();
            events.dedup();
            for day in &events {
                enter(Series::Active, from, *day);
            }
            if let Some(day) = last {
                enter(Series::Last, from, day);
            }
            return;
        }
        let Some(first) = events.first().copied() else { return };
        enter(Series::First, from, first);
        if matches!(kind, MetricKind::Conversion(_)) {
            return;
        }
        if let Some(second) = events.get(1) {
            enter(Series::Second, from, *second);
            enter(Series::Repeat, first, *second);
        }
    }
}

fn customer(days: &BTreeMap<Day, (i64, i128)>, detail: &mut Detail) {
    let bought: Vec<i32> = days.iter().filter(|(_, (orders, _))| *orders > 0).map(|(day, _)| day.number()).collect();
    let (Some(first), Some(last)) = (bought.first().copied(), bought.last().copied()) else { return };
    let spend: i128 = days.iter().filter(|(day, _)| day.number() > first).map(|(_, (_, y))| *y).sum();
    if spend.abs() > BOUND {
        return;
    }
    let key = CustomerKey {
        origin: first,
        frequency: u32::try_from(bought.len() - 1).unwrap(),
        recency: (last - first).unsigned_abs(),
        bucket: bucket_of(spend).unwrap(),
    };
    detail.add_customers(key, &Customers { n: 1, spend: I256::from(spend) }, 1);
}
