//! Persons who were shown an item against persons of the baseline who would have been shown it.
//!
//! Which item a person would be shown is known of both groups at the instant of the first exposure, before the arm can make a
//! difference to it, so it is a value known before the exposure like any dimension: each item is compared like a segment, with
//! Holm over items and arms, and with the sample ratio of its values as the check of whether both arms name items alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey::{Definition, Goal, Key, Metric, MetricDraft, MetricKind, MetricUse, Pattern, Role, Selector};

use super::{ItemSums, MOST_ITEMS, Question};
use crate::lens::{ArmSights, ItemKey, Sights, SightsByDay, item_key_of};
use crate::reading::{ArmReading, Group, Reading};
use crate::report::check::{Check, weights};
use crate::report::composition::{COMPOSITION_ALARM, Followed, Joined, follow};
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
    (arms, joined): (&[ArmSights], impl FnOnce() -> SightsByDay),
    window_days: Option<u32>,
) -> (Result<WouldHave, &'static str>, Option<Check>) {
    // An arm that shows nothing of its own is compared by what it would have shown.
    let shows = |arm: &ArmSights| arm.live.sums.keys().any(|key| named_at_exposure(key, false).is_some());
    let by_would_have: Vec<bool> =
        arms.iter().enumerate().map(|(at, arm)| at == question.baseline || !shows(arm)).collect();
    let named = |sights: &Sights, at: usize| -> ByItem {
        let keys = sights.sums.keys();
        keys.filter_map(|key| Some((named_at_exposure(key, by_would_have[at])?, ItemSums::of(sights, key)))).collect()
    };
    let live: Vec<ByItem> = arms.iter().enumerate().map(|(at, arm)| named(&arm.live, at)).collect();
    if live[question.baseline].is_empty() {
        return (Err(NAMELESS), None);
    }
    let matured: Vec<Option<ByItem>> =
        arms.iter().enumerate().map(|(at, arm)| arm.matured.as_ref().map(|matured| named(matured, at))).collect();
    let check = composition(question.definition, question.baseline, &joined());
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

/// The item that an exposure names, from a key of the lens: what it would have shown, or what it showed.
fn named_at_exposure(key: &str, by_would_have: bool) -> Option<Arc<str>> {
    match item_key_of(key)? {
        ItemKey::WouldHave(item) if by_would_have => Some(item),
        ItemKey::AtExposure(item) if !by_would_have => Some(item),
        _ => None,
    }
}

/// Whether items, and exposures that name none, are spread over the arms like their weights, at the end of every day.
///
/// Whether an arm is taken by what it showed or by what it would have shown is decided day by day, so that what comes later does not
/// change what was.
fn composition(definition: &Definition, baseline: usize, joined: &SightsByDay) -> Check {
    const NAME: &str = "sample_ratio_by_item";
    if definition.experiment.strata().is_some() {
        let message = "the weights of the arms changed, so how items are spread over them differs with the phases, and is not tested; \
                       nothing by item is an effect";
        let untested = Check::new(NAME, true, message.into());
        return Check { anytime: None, dimension: Some("item".to_owned()), ..untested };
    }
    let mut days = Joined::new();
    for (day, arms) in joined {
        let of_day = days.entry(*day).or_default();
        for (at, sights) in arms.iter().enumerate() {
            let shows = || sights.sums.keys().any(|key| named_at_exposure(key, false).is_some());
            let by_would_have = at == baseline || !shows();
            let mut nameless = sights.persons;
            let mut add = |item: Arc<str>, persons: i64| {
                if persons != 0 {
                    of_day.entry(item).or_insert_with(|| vec![0; arms.len()])[at] += persons;
                }
            };
            for key in sights.sums.keys() {
                if let Some(item) = named_at_exposure(key, by_would_have) {
                    let persons = ItemSums::of(sights, key).persons;
                    nameless -= persons;
                    add(item, persons);
                }
            }
            add("".into(), nameless);
        }
    }
    let Followed { p_value, worst: (item, persons, day) } = follow(days, weights(definition));
    let check = Check::by_p_value(
        NAME,
        p_value,
        COMPOSITION_ALARM,
        "the items that persons were or would have been shown are spread over the arms like their weights",
        |p| {
            let named =
                if item.is_empty() { "whose exposure names no item".to_owned() } else { format!("with {item}") };
            format!(
                "the arms name items differently: of the persons {named} they held {persons:?} on {day}, which their weights explain, \
                 on whatever day one looks, with a probability of at most {p:.2e}: have the same engine pick the item before the arm is \
                 known, and send it with every exposure of every arm; until then no item can be compared with what would have been"
            )
        },
    );
    Check { dimension: Some("item".to_owned()), ..check }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{conversion, definition_by};
    use journey::Day;

    /// Of each arm: persons, and of these those whose exposure names the item.
    fn day(control: (i64, i64), arm: (i64, i64)) -> Vec<Sights> {
        [('w', control), ('i', arm)]
            .map(|(kind, (persons, named))| {
                let sums = [(Arc::from(format!("{kind}shoes")), std::iter::once(named.into()).collect())];
                Sights { persons, sums: sums.into() }
            })
            .into()
    }

    fn check(days: &[Vec<Sights>]) -> Check {
        let definition = definition_by(&[1, 1], &[conversion(Role::Primary)], Some(14), &[]);
        let from = Day::parse("2026-10-01", "").unwrap().number();
        let joined = (from..).map(Day::from_number).zip(days.iter().cloned()).collect();
        composition(&definition, 0, &joined)
    }

    /// An arm that begins to show items of its own says nothing of the days before.
    #[test]
    fn each_day_is_taken_as_it_was() {
        let would = |(persons, named): (i64, i64)| {
            let mut all = day((persons, named), (persons, named));
            all[1] = all[0].clone();
            all
        };
        let first = would((500, 250));
        assert!(check(std::slice::from_ref(&first)).ok);
        assert!(check(&[first, day((500, 250), (500, 240))]).ok);
    }

    #[test]
    fn what_one_day_showed_stays_shown() {
        assert!(check(&[]).ok && check(&[day((500, 250), (500, 240))]).ok);
        let unlike = day((500, 400), (500, 100));
        let found = check(std::slice::from_ref(&unlike));
        assert!(
            !found.ok && found.blocking && found.message.contains("they held [100, 400] on 2026-10-01"),
            "{found:?}"
        );
        // The second day makes up for it, and the p-value is of all days.
        let mended = check(&[unlike, day((500, 100), (500, 400))]);
        assert!(!mended.ok && mended.p_value <= found.p_value, "{mended:?}");
        assert!(mended.message.contains("they held [100, 400] on 2026-10-01"), "{mended:?}");
    }
}
