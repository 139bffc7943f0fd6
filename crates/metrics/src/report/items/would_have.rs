//! Persons who were shown an item against persons of the baseline who would have been shown it.
//!
//! Which item a person would be shown is known of both groups at the instant of the first exposure, before the arm can make a
//! difference to it, so it is a value known before the exposure like any dimension: each item is compared like a segment, with
//! Holm over items and arms, and with the sample ratio of its values as the check of whether both arms name items alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey::{Definition, Goal, Key, Metric, MetricDraft, MetricKind, MetricUse, Pattern, Role, Selector};

use super::{ItemSums, MOST_ITEMS, Question};
use crate::inference::GroupedSampleRatio;
use crate::lens::{ArmSights, ItemKey, Sights, item_key_of};
use crate::reading::{ArmReading, Group, Reading};
use crate::report::check::{Check, weights};
use crate::report::composition::COMPOSITION_ALARM;
use crate::report::segments::{SegmentsReport, segments};

const NAMELESS: &str = "the exposures of the baseline carry no properties.would_have (the item that would have been shown), so \
                        nobody is known who could be compared with those who were shown an item";

/// Items against what would have been.
#[derive(Debug, Clone)]
pub struct WouldHave {
    /// The experiment with a conversion and a sum in place of its metrics.
    pub definition: Definition,
    /// The items with the most persons, and each arm's in the order of the experiment.
    pub conversions: SegmentsReport,
    /// The same for the value per person.
    pub values: SegmentsReport,
    /// How many items lie beyond them.
    pub beyond: usize,
}

/// What the persons of an arm amount to by the item of the exposure.
type ByItem = BTreeMap<Arc<str>, ItemSums>;

pub(super) fn compare(
    question: &Question<'_>,
    arms: &[ArmSights],
    window_days: Option<u32>,
) -> (Result<WouldHave, &'static str>, Option<Check>) {
    let named = |sights: &Sights, at: usize| -> ByItem {
        let mut would = ByItem::new();
        let mut shown = ByItem::new();
        for key in sights.sums.keys() {
            match item_key_of(key) {
                Some(ItemKey::WouldHave(item)) => _ = would.insert(item, ItemSums::of(sights, key)),
                Some(ItemKey::AtExposure(item)) => _ = shown.insert(item, ItemSums::of(sights, key)),
                Some(ItemKey::Later(_) | ItemKey::Ever(_)) | None => {}
            }
        }
        // An arm that shows nothing of its own is compared by what it would have shown.
        if at == question.baseline || shown.is_empty() { would } else { shown }
    };
    let live: Vec<ByItem> = arms.iter().enumerate().map(|(at, arm)| named(&arm.live, at)).collect();
    if live[question.baseline].is_empty() {
        return (Err(NAMELESS), None);
    }
    let matured: Vec<Option<ByItem>> =
        arms.iter().enumerate().map(|(at, arm)| arm.matured.as_ref().map(|matured| named(matured, at))).collect();
    let check = composition(question.definition, arms, &live);
    let definition = definition(question.definition, window_days);
    let mut persons: BTreeMap<Arc<str>, i64> = BTreeMap::new();
    for (item, sums) in live.iter().flatten() {
        *persons.entry(item.clone()).or_default() += sums.persons;
    }
    let mut items: Vec<(Arc<str>, i64)> = persons.into_iter().collect();
    items.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let beyond = items.split_off(items.len().min(MOST_ITEMS)).len();
    let of = |by_item: &ByItem, item: &Arc<str>| by_item.get(item).copied().unwrap_or_default();
    let group = |(item, persons): &(Arc<str>, i64)| {
        let arm = |(live, matured): (&ByItem, &Option<ByItem>)| {
            let live = of(live, item);
            let matured = matured.as_ref().map(|matured| of(matured, item));
            ArmReading {
                persons: live.persons,
                matured_persons: matured.map_or(0, |matured| matured.persons),
                live: vec![live.conversions(), live.values()],
                matured: vec![matured.map(|sums| sums.conversions()), matured.map(|sums| sums.values())],
                ..ArmReading::default()
            }
        };
        let reading = Reading { arms: live.iter().zip(&matured).map(arm).collect(), outside: 0, unknown_arm: 0 };
        Group { value: Some(item.clone()), persons: *persons, reading }
    };
    let groups: Vec<Group> = items.iter().map(group).collect();
    let question = Question { definition: &definition, ..*question };
    let [conversions, values] = [0, 1].map(|metric| segments(&question, metric, &groups, check.ok));
    (Ok(WouldHave { conversions, values, beyond, definition: definition.clone() }), Some(check))
}

/// The experiment with the two metrics of items.
fn definition(of: &Definition, window_days: Option<u32>) -> Definition {
    let mut definition = of.clone();
    definition.experiment.window_days = window_days;
    let any = || Selector { event: Pattern::Any, filters: Vec::new() };
    let kinds = [("converted", MetricKind::Conversion(any())), ("value", MetricKind::Sum(any()))];
    let metrics = kinds.into_iter().filter_map(|(key, kind)| {
        let key = Key::parse(key, "").ok()?;
        let (window_days, cap, unit, description) = (None, None, None, None);
        Metric::validate(MetricDraft { key, kind, window_days, cap, goal: Goal::Increase, unit, description }).ok()
    });
    definition.metrics = metrics.collect();
    let as_used =
        |metric: &Metric| MetricUse { metric: metric.key.clone(), role: Role::Secondary, max_harm: None, cuped: false };
    definition.experiment.metrics = definition.metrics.iter().map(as_used).collect();
    definition
}

/// Whether items, and exposures that name none, are spread over the arms like their weights.
fn composition(definition: &Definition, arms: &[ArmSights], live: &[ByItem]) -> Check {
    let mut groups: BTreeMap<Arc<str>, Vec<u64>> = BTreeMap::new();
    for (at, (by_item, sights)) in live.iter().zip(arms).enumerate() {
        let mut nameless = sights.live.persons;
        for (item, sums) in by_item {
            nameless -= sums.persons;
            groups.entry(item.clone()).or_insert_with(|| vec![0; live.len()])[at] += super::whole(sums.persons);
        }
        groups.entry("".into()).or_insert_with(|| vec![0; live.len()])[at] += super::whole(nameless);
    }
    let mut groups: Vec<(Arc<str>, Vec<u64>)> = groups.into_iter().collect();
    groups.retain(|(_, persons)| persons.iter().any(|persons| *persons > 0));
    groups.sort_by_key(|(_, persons)| std::cmp::Reverse(persons.iter().sum::<u64>()));
    let mut ratio = GroupedSampleRatio::new(weights(definition));
    let failed = groups.iter().enumerate().find_map(|(at, (_, persons))| ratio.set(at, persons).err());
    ratio.read();
    let found = failed.map_or_else(|| ratio.found(), Err);
    let check = Check::by_p_value(
        "sample_ratio_by_item",
        found.map(|found| found.p_value),
        COMPOSITION_ALARM,
        "the items that persons were or would have been shown are spread over the arms like their weights",
        |p| {
            let worst = found.ok().and_then(|found| groups.get(found.group));
            let (item, persons) = worst.map_or(("", &[][..]), |(item, persons)| (&**item, persons.as_slice()));
            let named =
                if item.is_empty() { "whose exposure names no item".to_owned() } else { format!("with {item}") };
            format!(
                "the arms name items differently: of the persons {named} they hold {persons:?}, which their weights explain \
                 with a probability of at most {p:.2e}: have the same engine pick the item before the arm is known, and \
                 send it with every exposure of every arm; until then no item can be compared with what would have been"
            )
        },
    );
    Check { dimension: Some("item".to_owned()), ..check }
}
