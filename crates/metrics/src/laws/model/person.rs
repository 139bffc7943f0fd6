//! What a person amounts to as of an instant, from the events before it.

use journey::{Align, DAY_MICROS, Day, Instant, Metric, MetricKind};

use super::event::is_about_money;
use super::{BOUND, Model};
use crate::laws::histories::Deed;
use crate::laws::slip::Slip;

/// A person in an arm, as of an instant.
pub(super) struct Standing {
    pub(super) arm: usize,
    pub(super) excluded: bool,
    pub(super) crossed: bool,
    pub(super) closed: bool,
    pub(super) values: Vec<String>,
    pub(super) foreign: i64,
    pub(super) metrics: Vec<Amounts>,
}

/// What a person amounts to in one metric, in units of 1e-6.
#[derive(Default)]
pub(super) struct Amounts {
    pub(super) closed: bool,
    pub(super) y: i128,
    pub(super) d: i128,
    pub(super) orders: i64,
    pub(super) x: i128,
    pub(super) u: i128,
    /// The numbers of the days of the exposure and of the last purchase, which is not before it.
    pub(super) exposed: i32,
    pub(super) last: i32,
}

/// A person's exposures that put nobody anywhere, and the standing.
pub(super) struct Seen {
    pub(super) outside: i64,
    pub(super) unknown_arm: i64,
    pub(super) standing: Option<Standing>,
}

impl Model<'_> {
    /// Rule 5: the metric's own window, else the experiment's; a bounded retention closes with its span.
    pub(super) fn window(&self, metric: usize) -> Option<i64> {
        let metric = &self.definition.metrics[metric];
        let span = match &metric.kind {
            MetricKind::Retention { to_day, .. } => *to_day,
            _ => None,
        };
        metric.window_days.or(span).or(self.definition.experiment.window_days).map(i64::from)
    }

    /// The person as of `end`: only events before it exist.
    pub(super) fn look(&self, deeds: &[Deed], end: Instant) -> Seen {
        let all = deeds;
        let experiment = &self.definition.experiment;
        let mut deeds: Vec<&Deed> = deeds.iter().filter(|deed| deed.at < end).collect();
        deeds.sort_by_key(|deed| (deed.at, deed.id));
        let mut seen = Seen { outside: 0, unknown_arm: 0, standing: None };
        let mut first: Option<(&Deed, usize)> = None;
        let mut crossed_at: Option<Instant> = None;
        for deed in deeds.iter().copied() {
            let Some((_, arm)) = deed.exposure.filter(|(key, _)| *key == experiment.key.as_str()) else {
                continue;
            };
            let begun = experiment
                .starts_at
                .is_none_or(|start| deed.at > start || (deed.at == start && !self.slips(Slip::StartExcluded)));
            let over = experiment
                .ends_at
                .is_some_and(|stop| deed.at > stop || (deed.at == stop && !self.slips(Slip::EndIncluded)));
            let arm = experiment.arms.iter().position(|known| known.key.as_str() == arm);
            if !begun || over {
                seen.outside += 1;
                if self.slips(Slip::CrossesOutside)
                    && let (Some((_, own)), Some(arm)) = (first, arm)
                    && own != arm
                {
                    crossed_at = crossed_at.or(Some(deed.at));
                }
                continue;
            }
            let Some(arm) = arm else {
                seen.unknown_arm += 1;
                continue;
            };
            match first {
                None => first = Some((deed, arm)),
                Some((own, _)) if self.slips(Slip::LastIdFirst) && own.at == deed.at => first = Some((deed, arm)),
                Some((_, own)) if own != arm => crossed_at = crossed_at.or(Some(deed.at)),
                Some(_) => {}
            }
        }
        if let Some((exposure, arm)) = first {
            let dimension_source: Vec<&Deed> = if self.slips(Slip::DimensionOfTheFuture) {
                let mut all: Vec<&Deed> = all.iter().collect();
                all.sort_by_key(|deed| (deed.at, deed.id));
                all
            } else {
                deeds.iter().copied().filter(|deed| self.is_known(deed, exposure)).collect()
            };
            let values =
                experiment.dimensions.iter().map(|path| self.known(path, &dimension_source, exposure)).collect();
            let metrics: Vec<Amounts> =
                (0..self.definition.metrics.len()).map(|at| self.amounts(at, &deeds, exposure, end)).collect();
            let until = experiment.window_days.map(|days| self.window_end(exposure.at, days.into()));
            let late = |crossed: Instant| until.is_some_and(|until| crossed >= until);
            seen.standing = Some(Standing {
                arm,
                excluded: crossed_at
                    .is_some_and(|crossed| !(self.slips(Slip::CrossingAfterMaturityKept) && late(crossed))),
                crossed: crossed_at.is_some(),
                closed: until.is_some_and(|until| self.is_closed(until, end)),
                values,
                foreign: self.foreign(&deeds, exposure),
                metrics,
            });
        }
        seen
    }

    /// The exposure that puts a person into an arm, among the events before `end`.
    pub(super) fn first_exposure<'a>(&self, deeds: &'a [Deed], end: Instant) -> Option<(&'a Deed, usize)> {
        let experiment = &self.definition.experiment;
        let mut exposures: Vec<(&Deed, usize)> = deeds
            .iter()
            .filter(|deed| deed.at < end && experiment.starts_at.is_none_or(|start| deed.at >= start))
            .filter(|deed| experiment.ends_at.is_none_or(|stop| deed.at < stop))
            .filter_map(|deed| {
                let (_, arm) = deed.exposure.filter(|(key, _)| *key == experiment.key.as_str())?;
                Some((deed, experiment.arms.iter().position(|known| known.key.as_str() == arm)?))
            })
            .collect();
        exposures.sort_by_key(|(deed, _)| (deed.at, deed.id));
        exposures.first().copied()
    }

    fn is_known(&self, deed: &Deed, exposure: &Deed) -> bool {
        match self.slip {
            Some(Slip::DimensionBeforeInstant) => deed.at < exposure.at,
            Some(Slip::DimensionBeforeExposure) => (deed.at, deed.id) <= (exposure.at, exposure.id),
            _ => deed.at <= exposure.at,
        }
    }

    /// Rule 3: days after an exposure are days of 24 hours.
    fn window_end(&self, exposed: Instant, days: i64) -> Instant {
        let end = Instant::from_micros(exposed.micros() + days * DAY_MICROS);
        if !self.slips(Slip::WindowByCalendar) {
            return end;
        }
        let day = self.zone.day_of(exposed);
        let then = Day::from_number(day.number() + i32::try_from(days).unwrap());
        let into_day = exposed.micros() - self.zone.end_of(day.previous()).micros();
        Instant::from_micros(self.zone.end_of(then.previous()).micros() + into_day)
    }

    /// Whether a window that ends at `until` has closed when events up to `end` are known.
    fn is_closed(&self, until: Instant, end: Instant) -> bool {
        match self.slip {
            Some(Slip::MaturedLate) => until.plus_days(1) < end,
            Some(Slip::MaturedAtMidnight) => until <= end,
            Some(Slip::MaturedTooSoon) => true,
            _ => until < end,
        }
    }

    /// Whether the event lies at or after the exposure and inside a window of so many days.
    pub(super) fn is_in_window(&self, window: Option<i64>, deed: &Deed, exposure: &Deed) -> bool {
        if deed.at < exposure.at {
            return false;
        }
        if self.slips(Slip::InstantCutById) && (deed.at, deed.id) < (exposure.at, exposure.id) {
            return false;
        }
        window.is_none_or(|days| {
            let end = self.window_end(exposure.at, days);
            deed.at < end || (self.slips(Slip::WindowEndIncluded) && deed.at == end)
        })
    }

    fn amounts(&self, metric: usize, deeds: &[&Deed], exposure: &Deed, end: Instant) -> Amounts {
        let window = self.window(metric);
        let metric = &self.definition.metrics[metric];
        let exposed = self.zone.day_of(exposure.at).number();
        let mut sums = Amounts { exposed, last: exposed, ..Amounts::default() };
        let (mut after, mut before) = (Vec::new(), Vec::new());
        let from = exposure.at.micros() - 14 * DAY_MICROS;
        for deed in deeds.iter().copied() {
            if matches!(metric.kind, MetricKind::Net { .. })
                && self.is_in_window(window, deed, exposure)
                && self.is_shown(deed, exposure)
            {
                sums.orders += 1;
            }
            if self.is_left_out(metric, deed) {
                continue;
            }
            // Days of the calendar have nothing to do with a window of hours.
            let within = if is_by_calendar(&metric.kind) { None } else { window };
            if self.is_in_window(within, deed, exposure) && self.is_return(metric, deed, exposure) {
                let (y, d, orders) = self.worth(metric, deed);
                sums.y += y;
                sums.d += d;
                sums.orders += orders;
                if orders > 0 {
                    sums.last = sums.last.max(self.zone.day_of(deed.at).number());
                }
                after.extend(self.answer(metric, deed));
            }
            let at = deed.at.micros();
            let begun = if self.slips(Slip::CovariateStartExcluded) { at > from } else { at >= from };
            let takes_instant = self.slips(Slip::CovariateTakesInstant) && deed.at == exposure.at;
            if begun && (deed.at < exposure.at || takes_instant) {
                let (x, u, _) = self.worth(metric, deed);
                sums.x += x;
                sums.u += u;
                before.extend(self.answer(metric, deed));
            }
        }
        if let MetricKind::Latest(_) | MetricKind::Rating { .. } = metric.kind {
            // Events come in order here, so the last answer is the latest one.
            let pick = |answers: &[i128]| {
                if self.slips(Slip::FirstAnswerStands) { answers.first().copied() } else { answers.last().copied() }
            };
            let (after, before) = (pick(&after), pick(&before));
            (sums.y, sums.x) = (after.unwrap_or(0), before.unwrap_or(0));
            if let MetricKind::Rating { .. } = metric.kind {
                let answered = |answer: Option<i128>| if answer.is_some() { 1_000_000 } else { 0 };
                (sums.d, sums.u) = (answered(after), answered(before));
                if self.slips(Slip::SilenceIsAnAnswer) {
                    sums.d = 1_000_000;
                }
            }
        }
        if let MetricKind::Repeat { at_least, .. } = metric.kind {
            let wanted = i128::from(at_least) - i128::from(self.slips(Slip::OneFewerIsEnough));
            let one = |sum: i128| if sum >= wanted * 1_000_000 { 1_000_000 } else { 0 };
            (sums.y, sums.x) = (one(sums.y), one(sums.x));
        }
        if matches!(metric.kind, MetricKind::Conversion(_) | MetricKind::Retention { .. }) {
            let one = |sum: i128| if sum > 0 { 1_000_000 } else { 0 };
            (sums.y, sums.x) = (one(sums.y), one(sums.x));
        }
        if let Some(cap) = metric.cap {
            if !self.slips(Slip::CapForgotten) {
                sums.y = sums.y.min(cap.units().into());
            }
            if !self.slips(Slip::CapOfCovariateForgotten) {
                sums.x = sums.x.min(cap.units().into());
            }
        }
        if !self.slips(Slip::LargeCovariateKept) {
            (sums.x, sums.u) = (sums.x.clamp(-BOUND, BOUND), sums.u.clamp(-BOUND, BOUND));
        }
        let until = window.map(|days| self.window_end(exposure.at, days));
        sums.closed = until.is_some_and(|until| self.is_closed(until, end));
        if let MetricKind::Clv { .. } | MetricKind::PerTime { .. } = metric.kind {
            // Millionths of a day under observation: from the exposure to the end, at most the window.
            let millionths = |at: Instant| i128::from(at.micros().div_euclid(86_400));
            let observed = millionths(end) - millionths(exposure.at);
            let whole = window.map(|days| i128::from(days) * 1_000_000);
            sums.d = match whole {
                Some(whole) if self.slips(Slip::WholeWindowObserved) => whole,
                _ => observed.min(whole.unwrap_or(observed)),
            };
        }
        sums
    }

    /// Whether the person is shown their own arm once more, inside the dates.
    fn is_shown(&self, deed: &Deed, exposure: &Deed) -> bool {
        let experiment = &self.definition.experiment;
        let inside = experiment.starts_at.is_none_or(|start| deed.at >= start)
            && experiment.ends_at.is_none_or(|stop| deed.at < stop);
        let same = deed.exposure == exposure.exposure;
        inside && deed.exposure.is_some() && (same || self.slips(Slip::EveryExposureCosts))
    }

    /// Foreign amounts are no amounts of the tenant's currency.
    pub(super) fn is_left_out(&self, metric: &Metric, deed: &Deed) -> bool {
        deed.foreign && is_about_money(&metric.kind) && !self.slips(Slip::ForeignTaken)
    }

    fn is_return(&self, metric: &Metric, deed: &Deed, exposure: &Deed) -> bool {
        let MetricKind::Retention { from_day, to_day, align, .. } = &metric.kind else { return true };
        if *align == Align::Calendar {
            let days = self.days_after(exposure.at, deed.at);
            return days >= i64::from(*from_day) && to_day.is_none_or(|to| days < i64::from(to));
        }
        let since = deed.at.micros() - exposure.at.micros();
        let (from, to) = (i64::from(*from_day) * DAY_MICROS, to_day.map(|to| i64::from(to) * DAY_MICROS));
        match self.slip {
            Some(Slip::RetentionFromExcluded) => since > from && to.is_none_or(|to| since < to),
            Some(Slip::RetentionToIncluded) => since >= from && to.is_none_or(|to| since <= to),
            _ => since >= from && to.is_none_or(|to| since < to),
        }
    }

    /// The local days between two instants.
    pub(super) fn days_after(&self, from: Instant, at: Instant) -> i64 {
        i64::from(self.zone.day_of(at).number()) - i64::from(self.zone.day_of(from).number())
    }

    /// How many events a money metric would have taken if their currency were the tenant's.
    fn foreign(&self, deeds: &[&Deed], exposure: &Deed) -> i64 {
        let matters = |deed: &Deed| {
            self.definition.metrics.iter().enumerate().any(|(at, metric)| {
                is_about_money(&metric.kind)
                    && self.is_in_window(self.window(at), deed, exposure)
                    && (self.worth(metric, deed) != (0, 0, 0) || self.answer(metric, deed).is_some())
            })
        };
        deeds.iter().map(|deed| i64::from(deed.foreign && matters(deed))).sum()
    }
}

fn is_by_calendar(kind: &MetricKind) -> bool {
    matches!(kind, MetricKind::Retention { align: Align::Calendar, to_day: Some(_), .. })
}
