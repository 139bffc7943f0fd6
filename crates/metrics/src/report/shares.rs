//! What do arms make of a share of everyone exposed that a lens counts? The report of a conversion, for counts from anywhere.

use journey::{Definition, Goal, Key, Metric, MetricDraft, MetricKind, MetricUse, Pattern, Role, Selector};

use super::{MetricReport, Question, report};
use crate::inference::Undefined;
use crate::lens::{ArmSights, Sights};
use crate::moments::{Layout, Moments};
use crate::reading::{ArmReading, Reading};

/// A share of everyone exposed: how many of the persons of each arm count.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// What it is called.
    pub key: Key,
    /// The direction in which it improves.
    pub goal: Goal,
    /// Per arm the persons who count: of everyone exposed, and of those whose window has closed.
    pub counted: Vec<(i64, Option<i64>)>,
}

impl Share {
    /// A share of what a lens shows: `count` picks it from a reading.
    #[must_use]
    pub fn of(key: Key, goal: Goal, arms: &[ArmSights], count: impl Fn(&Sights) -> i64) -> Self {
        let counted = arms.iter().map(|arm| (count(&arm.live), arm.matured.as_ref().map(&count))).collect();
        Self { key, goal, counted }
    }
}

/// The reports of some shares.
#[derive(Debug, Clone)]
pub struct SharesReport {
    /// The experiment with a conversion for each share in place of its metrics.
    pub definition: Definition,
    /// One per share, in their order.
    pub reports: Vec<MetricReport>,
}

impl SharesReport {
    /// The p-value and the difference of share `at` for an arm, in the main reading.
    #[must_use]
    pub fn difference(&self, at: usize, arm: usize) -> Option<(Result<f64, Undefined>, Option<f64>)> {
        let versus = self.reports.get(at)?.arms.get(arm)?.main.versus.as_ref()?;
        Some((versus.p_value, versus.difference.value.ok()))
    }
}

/// Reports shares of the persons that a lens shows, as conversions of a lens with this window: everything that
/// [`report()`] says of a conversion holds of them, because they are defined for everyone exposed.
///
/// # Panics
/// Never: a conversion of any event is valid.
#[must_use]
pub fn report_shares(
    question: &Question<'_>,
    arms: &[ArmSights],
    shares: &[Share],
    window_days: Option<u32>,
) -> SharesReport {
    let mut definition = question.definition.clone();
    definition.experiment.window_days = window_days;
    definition.metrics = shares.iter().filter_map(|share| conversion(share.key.clone(), share.goal)).collect();
    let as_used =
        |share: &Share| MetricUse { metric: share.key.clone(), role: Role::Secondary, max_harm: None, cuped: false };
    definition.experiment.metrics = shares.iter().map(as_used).collect();
    let sums = |persons: i64, counted: i64| Moments::read(Layout::Binary, &[persons.into(), counted.into()], 0);
    let read = |(at, arm): (usize, &ArmSights)| ArmReading {
        persons: arm.live.persons,
        matured_persons: arm.matured.as_ref().map_or(0, |matured| matured.persons),
        live: shares.iter().map(|share| sums(arm.live.persons, share.counted[at].0)).collect(),
        matured: shares.iter().map(|share| Some(sums(arm.matured.as_ref()?.persons, share.counted[at].1?))).collect(),
        ..ArmReading::default()
    };
    let reading = Reading { arms: arms.iter().enumerate().map(read).collect(), outside: 0, unknown_arm: 0 };
    let question = Question { definition: &definition, ..*question };
    let reports = report(&question, &reading);
    SharesReport { definition, reports }
}

fn conversion(key: Key, goal: Goal) -> Option<Metric> {
    let kind = MetricKind::Conversion(Selector { event: Pattern::Any, filters: Vec::new() });
    let (window_days, cap, unit, description) = (None, None, None, None);
    Metric::validate(MetricDraft { key, kind, window_days, cap, goal, unit, description }).ok()
}
