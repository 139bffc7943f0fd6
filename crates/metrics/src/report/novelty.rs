//! Does the effect wear off? Later cohorts against earlier ones, among persons whose windows have closed.
//!
//! A daily tally dates what a person amounts to with the day on which the person's window closed, so the matured rows of a
//! day are a cohort by themselves: those whose windows closed that day, who were exposed a window's length before.

use std::collections::BTreeMap;

use ethnum::I256;
use journey::{Day, Definition, MetricKind};

use super::check::Check;
use super::gate::{CONTRIBUTORS, contributing_share};
use super::kpi::estimate;
use crate::inference::{Gap, Undefined, log_e_value, rho};
use crate::moments::{Layout, Moments};
use crate::reading::Through;
use crate::reading::spread::{self, Buckets};
use crate::tally::detail::{self, Detail};
use crate::tally::{Row, RowKey};

/// The p-value below which a changing effect is warned of, all metrics and arms together.
pub const NOVELTY_ALARM: f64 = 0.01;

/// The number of cohorts at which the test is most sensitive.
const PLANNED_COHORTS: f64 = 20.0;

/// A change of the effect over cohorts.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The index of the metric.
    pub metric: usize,
    /// The index of the arm.
    pub arm: usize,
    /// Cohorts that were compared; days are put together until there are enough contributors.
    pub cohorts: usize,
    /// The p-value of any change so far, at any time; of this metric and arm alone.
    pub p_value: f64,
    /// The earlier half of the cohorts, and the later one.
    pub halves: [Half; 2],
}

/// Half of the cohorts.
#[derive(Debug, Clone, PartialEq)]
pub struct Half {
    /// The days on which their windows closed, both included.
    pub closed: [Day; 2],
    /// The lift among them, where there is one.
    pub lift: Result<f64, Undefined>,
}

/// Persons whose windows closed within some days.
#[derive(Debug, Clone)]
struct Cohort {
    closed: [Day; 2],
    /// The sums per arm, in the slots of the metric.
    slots: Vec<Vec<I256>>,
    /// How values are distributed, per arm, where the metric asks for it.
    details: Vec<Option<Box<Detail>>>,
}

/// The metric that is looked at.
#[derive(Clone, Copy)]
struct Looked<'a> {
    definition: &'a Definition,
    metric: usize,
    /// The cap at a percentile, of all cohorts and arms together, where the metric is cut at one.
    cap: Option<i128>,
}

impl Looked<'_> {
    fn kind(&self) -> &MetricKind {
        &self.definition.metrics[self.metric].kind
    }

    /// What an arm of a cohort amounts to.
    fn moments(&self, cohort: &Cohort, arm: usize) -> Moments {
        // Windows are closed, so that no time under observation depends on when it is read.
        let mut moments = Moments::of(self.definition, self.metric, arm, &cohort.slots[arm], 0);
        let buckets = Buckets::of(cohort.details[arm].as_deref(), self.metric, true);
        spread::refine(self.definition, self.metric, &buckets, self.cap, &mut moments);
        moments
    }
}

impl Cohort {
    fn add(&mut self, other: &Self) {
        self.closed[1] = other.closed[1];
        for (detail, more) in self.details.iter_mut().zip(&other.details) {
            detail::add(detail, more.as_deref(), 1);
        }
        for (slots, more) in self.slots.iter_mut().zip(&other.slots) {
            slots.iter_mut().zip(more).for_each(|(sum, more)| *sum += *more);
        }
    }
}

/// Looks for a lift that changes from cohort to cohort, in every metric with a window and every arm against control.
///
/// Days are put together until 25 contributors are expected in the smallest arm. Each cohort `k` after the first is then held
/// against all before it: with `r` the lift of these and `m_T, m_C` the cohort's own KPIs, the recursive residual `m_T - m_C - r
/// |m_C|` has the variance of its parts, `v_T + (1 + r)^2 v_C + m_C^2 Var(r)`. If the lift is the same for all, the residuals in
/// units of their standard errors are independent and about standard normal, so their sum is a random walk (Brown, Durbin, Evans,
/// JRSS B 1975); a normal mixture judges it at every cohort together (Robbins 1970), tightest at 20 cohorts. A lift that wears
/// off makes all residuals negative, one that people grow into makes them positive.
///
/// A metric that is cut at a percentile is looked at as it is told, cut at one cap for all cohorts and arms, as of now.
///
/// `rows`: of everyone, in any order. Only closed windows: what a person does in a window that is still open is novel by
/// definition. Sorted as metrics and arms are.
#[must_use]
pub fn drifts<'a>(
    definition: &Definition,
    rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    through: Through,
) -> Vec<Drift> {
    let arms = definition.experiment.arms.len();
    let mut days: BTreeMap<Day, Vec<&'a Row>> = BTreeMap::new();
    let mut of_arm: BTreeMap<Day, Vec<usize>> = BTreeMap::new();
    for (key, row) in rows.into_iter().filter(|(key, _)| key.day <= through.matured && key.dimension == 0) {
        let Some(arm) = usize::try_from(key.arm).ok().filter(|arm| *arm < arms) else { continue };
        if !row.all.matured.is_zero() {
            days.entry(key.day).or_default().push(row);
            of_arm.entry(key.day).or_default().push(arm);
        }
    }
    let mut found = Vec::new();
    let mut offset = 0;
    for (metric, defined) in definition.metrics.iter().enumerate() {
        let layout = Layout::of(&defined.kind);
        let range = offset..offset + layout.slots().len();
        offset = range.end;
        // How long the persons of a day stay is not known from a day.
        if definition.window_days(metric).is_none() || defined.kind.inactive_days().is_some() {
            continue;
        }
        let is_spread = defined.kind.is_quantile() || defined.keeps.percentile_cap.is_some();
        let daily = days.iter().zip(of_arm.values()).map(|((day, rows), of)| {
            let mut slots = vec![vec![I256::ZERO; range.len()]; arms];
            let mut details = vec![None; arms];
            for (row, arm) in rows.iter().zip(of) {
                row.all.matured.within(range.clone()).for_each(|(slot, sum)| slots[*arm][slot - range.start] += sum);
                if is_spread {
                    detail::add(&mut details[*arm], row.all.detail.as_deref(), 1);
                }
            }
            Cohort { closed: [*day, *day], slots, details }
        });
        let daily: Vec<Cohort> = daily.collect();
        let details = daily.iter().flat_map(|cohort| &cohort.details);
        let every: Vec<Buckets> = details.map(|detail| Buckets::of(detail.as_deref(), metric, true)).collect();
        let looked = Looked { definition, metric, cap: spread::cap_of(definition, metric, &every) };
        let cohorts = put_together(&looked, daily);
        let control = definition.experiment.control;
        for arm in (0..arms).filter(|arm| *arm != control) {
            found.extend(drift(&looked, &cohorts, [control, arm]));
        }
    }
    found
}

/// Days until each cohort has enough contributors; those at the end that do not yet are left out.
fn put_together(looked: &Looked<'_>, daily: Vec<Cohort>) -> Vec<Cohort> {
    let kind = looked.kind();
    let (mut cohorts, mut open): (Vec<Cohort>, Option<Cohort>) = (Vec::new(), None);
    for day in daily {
        let cohort = match open.take() {
            Some(mut cohort) => {
                cohort.add(&day);
                cohort
            }
            None => day,
        };
        let sums: Vec<Moments> = (0..cohort.slots.len()).map(|arm| looked.moments(&cohort, arm)).collect();
        let smallest = sums.iter().map(|sums| sums.n).min().unwrap_or(0).max(0) as f64;
        if smallest >= CONTRIBUTORS
            && smallest * contributing_share(kind, &sums.iter().collect::<Vec<_>>()) >= CONTRIBUTORS
        {
            cohorts.push(cohort);
        } else {
            open = Some(cohort);
        }
    }
    cohorts
}

fn drift(looked: &Looked<'_>, cohorts: &[Cohort], [control, arm]: [usize; 2]) -> Option<Drift> {
    let metric = looked.metric;
    let gap = |cohort: &Cohort| {
        let of = |arm: usize| estimate(looked.kind(), &looked.moments(cohort, arm), 1.0 - NOVELTY_ALARM);
        Gap::between(&of(control)?, &of(arm)?)
    };
    let rho = rho(PLANNED_COHORTS, NOVELTY_ALARM).ok()?;
    let mut cohorts_seen = cohorts.iter();
    let mut past = cohorts_seen.next()?.clone();
    let (mut walk, mut steps, mut largest) = (0.0, 0u32, f64::NEG_INFINITY);
    for cohort in cohorts_seen {
        let step = gap(&past).and_then(|past| {
            let (lift, error) = (past.lift()?, past.lift_standard_error()?);
            let now = gap(cohort)?;
            let variance = now.residual_variance(lift) + (now.base * error).powi(2);
            if variance > 0.0 { Ok(now.residual(lift) / variance.sqrt()) } else { Err(Undefined::NoVariance) }
        });
        if let Ok(step) = step.and_then(crate::inference::finite) {
            walk += step;
            steps += 1;
            let time = f64::from(steps);
            largest = largest.max(log_e_value(walk / time.sqrt(), time, rho));
        }
        past.add(cohort);
    }
    if steps == 0 {
        return None;
    }
    let half = |some: &[Cohort]| {
        let (first, rest) = some.split_first()?;
        let mut whole = first.clone();
        for cohort in rest {
            whole.add(cohort);
        }
        Some(Half { closed: whole.closed, lift: gap(&whole).and_then(|gap| gap.lift()) })
    };
    let (earlier, later) = cohorts.split_at(cohorts.len() / 2);
    Some(Drift {
        metric,
        arm,
        cohorts: cohorts.len(),
        p_value: (-largest).exp().clamp(f64::MIN_POSITIVE, 1.0),
        halves: [half(earlier)?, half(later)?],
    })
}

/// Whether any lift changes over the cohorts. A warning: the effect is one, but what it will be is not what it was.
pub(super) fn check_novelty(definition: &Definition, drifts: &[Drift]) -> Check {
    let windowed = (0..definition.metrics.len()).filter(|metric| definition.window_days(*metric).is_some()).count();
    let comparisons = windowed * definition.experiment.arms.len().saturating_sub(1);
    let worst = drifts.iter().min_by(|a, b| a.p_value.total_cmp(&b.p_value));
    let p_value = worst.map(|drift| (drift.p_value * comparisons as f64).min(1.0));
    let told = worst.map(|drift| tell(definition, drift));
    let check = Check::by_p_value(
        "novelty",
        p_value.ok_or(Undefined::NoPersons),
        NOVELTY_ALARM,
        "the lift is the same for earlier and later persons, as far as chance allows",
        |p| {
            format!(
                "the lift changes with the time at which persons come (by chance with a probability of at most {p:.2e}): {}; judge \
                 it by later persons, let the experiment run until the lift is steady, and look for a change of the arm or of \
                 the traffic between the two",
                told.unwrap_or_default()
            )
        },
    );
    let check = Check { blocking: false, ..check };
    match worst {
        Some(_) => check,
        None => Check {
            message: "fewer than two cohorts with closed windows have 25 expected contributors in every arm".into(),
            ..check
        },
    }
}

/// Exactly what was compared.
fn tell(definition: &Definition, drift: &Drift) -> String {
    let percent = |lift: &Result<f64, Undefined>| {
        lift.as_ref().map_or_else(|_| "no lift".to_owned(), |lift| format!("{:+.1} %", 100.0 * lift))
    };
    let [earlier, later] = &drift.halves;
    let days = definition.window_days(drift.metric).unwrap_or(0);
    format!(
        "{} of arm {}, {} over persons whose windows of {days} days closed from {} to {}, and {} over those whose windows closed \
         from {} to {}",
        definition.metrics[drift.metric].key.as_str(),
        definition.experiment.arms[drift.arm].key.as_str(),
        percent(&earlier.lift),
        earlier.closed[0],
        earlier.closed[1],
        percent(&later.lift),
        later.closed[0],
        later.closed[1],
    )
}

#[cfg(test)]
mod tests;
