//! The fold: a journey and an experiment in, the person's contribution out. Pure, and blind to the order of arrival.
//!
//! [`fold`] reads the whole journey, [`fold_since`] as much of it as matters to a first exposure. [`extend`] adds events to a
//! contribution, in whatever order they arrive, and amounts to the same as folding everything again from scratch; it says so where it
//! can't. A [`Widening`] makes a contribution to a version with more metrics of one to the version before.

mod facts;
mod known;
mod since;
mod widen;

use journey::{COVARIATE_DAYS, Day, Happening, Instant};

pub use self::since::fold_since;
pub use self::widen::Widening;
use crate::contribution::{Assignment, Contribution, Step, Stray, Trace};
use crate::lens::{Glass, Walk};
use crate::moments::MAX_VALUE;
use crate::plan::{Gauge, Plan, Rule, Span, Study, Take};

/// Folds a journey, sorted by [`Happening::position`], into the contribution to the study of index `study`.
///
/// Each happening carries its facts in the order of [`Plan::paths`]; a fact that is not there counts as
/// [`journey::Fact::None`].
///
/// # Panics
/// Where the plan has no study of that index.
#[must_use]
pub fn fold(plan: &Plan, study: usize, journey: &[Happening]) -> Contribution {
    let study = &plan.studies[study];
    let experiment = &study.definition.experiment;
    let first = journey.iter().enumerate().find_map(|(index, event)| {
        let exposure = event.exposure.as_ref().filter(|e| e.experiment == experiment.key)?;
        let arm = experiment.arm(exposure.arm.as_str()).filter(|_| experiment.is_inside(event.at))?;
        Some((index, arm, event.at))
    });
    let mut contribution = Contribution::default();
    let Some((index, arm, at)) = first else {
        for event in journey {
            note_exposure(plan, study, &mut contribution, event);
        }
        return contribution;
    };
    // Events of the exposure's own instant count, also those that sort before it.
    let start = journey.partition_point(|event| event.at < at);
    for event in &journey[..=index] {
        note_exposure(plan, study, &mut contribution, event);
    }
    #[expect(clippy::cast_possible_truncation, reason = "an experiment has at most Experiment::MAX_ARMS = 50 arms")]
    let number = arm as u16;
    let mut assignment = Assignment {
        arm: number,
        at,
        day: plan.day(at),
        matured: experiment.window_days.map(|days| plan.day(at.plus_days(days.into()))),
        crossed: None,
        values: known::values(plan, study, journey, known::First { index, arm }),
        foreign: Vec::new(),
        traces: study.metrics.iter().map(|gauge| start_trace(plan, gauge, &journey[..start], at)).collect(),
        walks: study.lenses.iter().map(|glass| start_walk(plan, glass, &journey[..start], at)).collect(),
    };
    for event in &journey[start..=index] {
        observe(plan, study, &mut assignment, event);
    }
    contribution.assignment = Some(assignment);
    for event in &journey[index + 1..] {
        advance(plan, study, &mut contribution, event);
    }
    contribution
}

/// Adds events that have not been folded yet, in any order, late ones among them.
///
/// What metrics make of what happens after the first exposure adds up by days, so its order does not matter to them. Returns `false`, with the
/// contribution as it was, where other events would be needed; then the journey is to be folded whole. That is so where
/// the person was in no arm yet and one of the events is an exposure to this experiment, and where an event lies at or
/// before the instant of the first exposure, so that the arm, a dimension or a covariate may change; and where one lies
/// before what a lens has looked at, because lenses look at the order.
///
/// # Panics
/// Where the plan has no study of that index.
#[must_use]
pub fn extend(plan: &Plan, study: usize, contribution: &mut Contribution, new: &[Happening]) -> bool {
    let study = &plan.studies[study];
    let experiment = &study.definition.experiment;
    let is_exposure = |event: &Happening| event.exposure.as_ref().is_some_and(|e| e.experiment == experiment.key);
    let Some(assignment) = &contribution.assignment else {
        return !new.iter().any(is_exposure);
    };
    if new.iter().any(|event| event.at <= assignment.at) {
        return false;
    }
    if study.lenses.is_empty() {
        for event in new {
            advance(plan, study, contribution, event);
        }
        return true;
    }
    let micros = |event: &Happening| event.at.micros() - assignment.at.micros();
    let mut walks = study.lenses.iter().zip(&assignment.walks);
    if walks.any(|(glass, walk)| new.iter().any(|event| walk.is_late(glass, event, micros(event)))) {
        return false;
    }
    // Lenses look at the order.
    let mut in_order: Vec<&Happening> = new.iter().collect();
    in_order.sort_unstable_by_key(|event| event.position());
    for event in in_order {
        advance(plan, study, contribution, event);
    }
    true
}

fn advance(plan: &Plan, study: &Study, contribution: &mut Contribution, event: &Happening) {
    note_exposure(plan, study, contribution, event);
    if let Some(assignment) = &mut contribution.assignment {
        observe(plan, study, assignment, event);
    }
}

/// Counts an exposure that does not count, or sees that the person crosses over.
fn note_exposure(plan: &Plan, study: &Study, contribution: &mut Contribution, event: &Happening) {
    let experiment = &study.definition.experiment;
    let Some(exposure) = event.exposure.as_ref().filter(|e| e.experiment == experiment.key) else {
        return;
    };
    let inside = experiment.is_inside(event.at);
    let arm = experiment.arm(exposure.arm.as_str());
    if inside && let Some(arm) = arm {
        if let Some(assignment) = &mut contribution.assignment
            && usize::from(assignment.arm) != arm
        {
            let day = plan.day(event.at);
            assignment.crossed = Some(assignment.crossed.map_or(day, |crossed| crossed.min(day)));
        }
        return;
    }
    let day = plan.day(event.at);
    let at = contribution.strays.partition_point(|stray| stray.day < day);
    if contribution.strays.get(at).is_none_or(|stray| stray.day != day) {
        contribution.strays.insert(at, Stray { day, outside: 0, unknown_arm: 0 });
    }
    let stray = &mut contribution.strays[at];
    let counter = if inside { &mut stray.unknown_arm } else { &mut stray.outside };
    *counter = counter.saturating_add(1);
}

fn start_trace(plan: &Plan, gauge: &Gauge, before: &[Happening], exposed_at: Instant) -> Trace {
    let from = before.partition_point(|event| event.at < exposed_at.plus_days(-COVARIATE_DAYS));
    let (mut x, mut u) = (0i128, 0i128);
    for event in &before[from..] {
        if gauge.money && event.foreign {
            continue;
        }
        if let Some(answer) = gauge.kind.answer(event) {
            // The latest one stands, and who answered has answered once.
            (x, u) = (answer, if gauge.kind.is_rating() { i128::from(journey::UNIT) } else { 0 });
            continue;
        }
        let (dx, du, _) = gauge.kind.adds(event, None);
        (x, u) = (x + dx, u + du);
    }
    if let Some(enough) = gauge.kind.enough() {
        x = i128::from(x >= enough);
    }
    if let Some(cap) = gauge.cap {
        // The same metric as after the exposure, so under the same cap.
        x = x.min(cap);
    }
    #[expect(clippy::cast_possible_truncation, reason = "MAX_VALUE fits 64 bits")]
    let kept = |sum: i128| sum.clamp(-MAX_VALUE, MAX_VALUE) as i64;
    let matured = gauge.window_micros.map(|micros| plan.day(exposed_at.plus_micros(micros)));
    let window_units = gauge.window_micros.map_or(0, |micros| micros / (journey::DAY_MICROS / journey::UNIT));
    Trace { matured, window_units, x: kept(x), u: kept(u), steps: Vec::new() }
}

fn start_walk(plan: &Plan, glass: &Glass, before: &[Happening], exposed_at: Instant) -> Walk {
    let matured = glass.window_micros.map(|micros| plan.day(exposed_at.plus_micros(micros)));
    Walk::new(glass, matured, (exposed_at, plan.day(exposed_at)), before)
}

/// Adds an event at or after the exposure to every lens and every metric whose window it falls in.
fn observe(plan: &Plan, study: &Study, assignment: &mut Assignment, event: &Happening) {
    let offset = event.at.micros() - assignment.at.micros();
    let mut day = None;
    let mut foreign = false;
    for (glass, walk) in study.lenses.iter().zip(&mut assignment.walks) {
        walk.go_on(glass, event, offset, || *day.get_or_insert_with(|| plan.day(event.at)));
    }
    let shown = exposes(study, assignment.arm, event);
    for (gauge, trace) in study.metrics.iter().zip(&mut assignment.traces) {
        let is_open = gauge.window_micros.is_none_or(|window| offset < window) || gauge.kind.is_by_calendar();
        if !is_open && gauge.activity_micros.is_none() {
            continue;
        }
        let mut days = 0;
        if gauge.kind.needs_days() {
            let day = *day.get_or_insert_with(|| plan.day(event.at));
            days = i64::from(day.number()) - i64::from(assignment.day.number());
        }
        let since = Some((offset, days));
        if let (Some(limit), Rule::Retention { sieve, .. }) = (gauge.activity_micros, &gauge.kind) {
            let returned = is_open && gauge.kind.adds(event, since).0 > 0;
            if returned || (offset < limit && sieve.takes(event)) {
                let day = *day.get_or_insert_with(|| plan.day(event.at));
                note_activity(&mut trace.steps, day, returned);
            }
            continue;
        }
        let mut answer = gauge.kind.answer(event);
        let (mut y, mut d, mut orders) = gauge.kind.adds(event, since);
        if gauge.money && event.foreign && (answer.is_some() || (y, d, orders) != (0, 0, 0)) {
            foreign = true;
            (answer, y, d, orders) = (None, 0, 0, 0);
        }
        if shown && matches!(gauge.kind, Rule::Net { .. }) {
            orders += 1;
        }
        if answer.is_none() && (y, d, orders) == (0, 0, 0) {
            continue;
        }
        let day = *day.get_or_insert_with(|| plan.day(event.at));
        if let Some(y) = answer {
            note_answer(&mut trace.steps, Step { day, y, d: i128::from_be_bytes(event.id.bytes()), orders: offset });
            continue;
        }
        if gauge.kind.enough() == Some(1) {
            // A person counts once, on the first day, which a late event may move.
            if trace.steps.first().is_some_and(|step| step.day <= day) {
                continue;
            }
            trace.steps.clear();
        }
        add_step(&mut trace.steps, Step { day, y, d, orders });
    }
    if foreign {
        let day = day.unwrap_or_else(|| plan.day(event.at));
        count_on(&mut assignment.foreign, day);
    }
}

/// Whether the event is an exposure that counts, to the arm that the person belongs to.
fn exposes(study: &Study, arm: u16, event: &Happening) -> bool {
    let experiment = &study.definition.experiment;
    event.exposure.as_ref().is_some_and(|exposure| {
        exposure.experiment == experiment.key
            && experiment.arm(exposure.arm.as_str()) == Some(arm.into())
            && experiment.is_inside(event.at)
    })
}

/// A day on which the person was active, which may be a return too: both count once.
fn note_activity(steps: &mut Vec<Step>, day: Day, returned: bool) {
    let at = steps.partition_point(|step| step.day < day);
    if steps.get(at).is_none_or(|step| step.day != day) {
        steps.insert(at, Step { day, y: 0, d: 0, orders: 1 });
    }
    steps[at].y = steps[at].y.max(i128::from(returned));
}

/// The latest answer of a day stands for it, in whatever order they arrive. A step of an answer holds in `orders` its
/// microseconds since the exposure and in `d` the bytes of its id, which order answers of one instant.
fn note_answer(steps: &mut Vec<Step>, step: Step) {
    let at = steps.partition_point(|s| s.day < step.day);
    let position = |step: &Step| (step.orders, step.d.to_be_bytes());
    match steps.get_mut(at).filter(|s| s.day == step.day) {
        Some(known) if position(known) < position(&step) => *known = step,
        Some(_) => {}
        None => steps.insert(at, step),
    }
}

fn add_step(steps: &mut Vec<Step>, step: Step) {
    let at = steps.partition_point(|s| s.day < step.day);
    match steps.get_mut(at).filter(|s| s.day == step.day) {
        Some(same) => {
            same.y += step.y;
            same.d += step.d;
            same.orders += step.orders;
        }
        None => steps.insert(at, step),
    }
}

fn count_on(days: &mut Vec<(Day, u32)>, day: Day) {
    let at = days.partition_point(|(d, _)| *d < day);
    match days.get_mut(at).filter(|(d, _)| *d == day) {
        Some((_, count)) => *count = count.saturating_add(1),
        None => days.insert(at, (day, 1)),
    }
}

impl Rule {
    /// For a metric in which a person counts 0 or 1: so many events make it 1.
    fn enough(&self) -> Option<i128> {
        match self {
            Self::Conversion(_) | Self::Retention { .. } => Some(1),
            Self::Repeat { at_least, .. } => Some(i128::from(*at_least)),
            _ => None,
        }
    }

    /// Whether answers are scored, so that only those who answered count.
    fn is_rating(&self) -> bool {
        matches!(self, Self::Latest { scale: Some(_), .. })
    }

    /// The answer that the event gives, for a metric of the latest one.
    fn answer(&self, event: &Happening) -> Option<i128> {
        let Self::Latest { sieve, take, scale } = self else { return None };
        sieve.answer(*take, *scale, event)
    }

    /// Whether what counts is said in local days, so that a window of hours has no part in it.
    fn is_by_calendar(&self) -> bool {
        matches!(self, Self::Retention { span: Span::Days(_, Some(_)), .. })
    }

    /// Whether it looks at the local day of an event to see whether it counts.
    fn needs_days(&self) -> bool {
        matches!(self, Self::Retention { span: Span::Days(..), .. })
    }

    /// What the event adds to value, denominator (costs, for a net value) and purchases. `since` is its distance from the exposure in
    /// microseconds and in local days; without it, the event belongs to the covariate.
    fn adds(&self, event: &Happening, since: Option<(i64, i64)>) -> (i128, i128, i64) {
        match self {
            // A person counts once, so that 0 and 1 are in units of one.
            Self::Conversion(sieve) | Self::Repeat { sieve, .. } => (i128::from(sieve.takes(event)), 0, 0),
            Self::Retention { sieve, span } => {
                let returned = since.is_none_or(|(micros, days)| span.holds(micros, days)) && sieve.takes(event);
                (i128::from(returned), 0, 0)
            }
            Self::Count(sieve) => (sieve.measure(Take::Count, event).unwrap_or(0), 0, 0),
            Self::Sum(sieve) => (sieve.value(event).unwrap_or(0), 0, 0),
            Self::Total(sieve, take) => (sieve.measure(*take, event).unwrap_or(0), 0, 0),
            // Answers stand for each other, and don't add up.
            Self::Latest { .. } => (0, 0, 0),
            Self::Ratio { numerator, denominator } => (
                numerator.0.measure(numerator.1, event).unwrap_or(0),
                denominator.0.measure(denominator.1, event).unwrap_or(0),
                0,
            ),
            Self::Score(parts) => {
                let points =
                    parts.iter().filter(|(sieve, _)| sieve.takes(event)).map(|(_, weight)| i128::from(*weight));
                (points.sum(), 0, 0)
            }
            Self::Clv(sieve) => (sieve.value(event).unwrap_or(0), 0, i64::from(sieve.takes(event))),
            Self::Net { value, costs, properties } => {
                let of_event = costs.as_ref().filter(|costs| costs.takes(event)).and(event.value);
                let cost = match of_event {
                    Some(cost) => i128::from(cost.units()),
                    None => properties.iter().filter_map(|property| property.number(event)).sum(),
                };
                (value.value(event).unwrap_or(0), cost, 0)
            }
        }
    }
}
