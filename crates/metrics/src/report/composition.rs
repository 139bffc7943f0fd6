//! Are the values of a dimension spread over the arms like their weights? Each dimension's own sample ratio.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey::{Day, Definition};

use super::check::{Check, weights};
use super::strata::Strata;
use crate::inference::{GroupedSampleRatio, Undefined};
use crate::reading::Through;
use crate::tally::{Count, Row, RowKey};

/// The p-value below which the sample ratios of an experiment's dimensions block, all dimensions together: each has its
/// share. With the three blocking checks of the whole experiment at most 0.5 % of experiments see a false alarm.
pub const COMPOSITION_ALARM: f64 = 0.002;

/// The persons who joined on each day, per value and arm.
pub(super) type Joined = BTreeMap<Day, BTreeMap<Arc<str>, Vec<i64>>>;

/// The values of something that is known before the arm can make a difference, followed from day to day.
pub(super) struct Followed {
    /// The anytime-valid p-value.
    pub(super) p_value: Result<f64, Undefined>,
    /// The value that was spread least like the weights, the persons of each arm with it, and the end of which day that was.
    pub(super) worst: (Arc<str>, Vec<i64>, Day),
}

/// Follows the values that joined up to the end of every day: the anytime-valid sample ratio of many groups
/// ([`GroupedSampleRatio`]), values in the order of their first person, those of one day by persons and then by name. The order
/// says nothing of what came later, so that the p-value stays valid however often it is read.
pub(super) fn follow(days: Joined, weights: Vec<f64>) -> Followed {
    let arms = weights.len();
    let mut numbers: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut spreads: Vec<(Arc<str>, Vec<i64>)> = Vec::new();
    let mut ratio = GroupedSampleRatio::new(weights);
    let mut failed = None;
    let mut worst = (Arc::from(""), vec![0; arms], Day::from_number(0));
    for (day, joined) in days {
        let mut joined: Vec<(Arc<str>, Vec<i64>)> = joined.into_iter().collect();
        joined.sort_by_key(|(_, persons)| std::cmp::Reverse(persons.iter().sum::<i64>()));
        for (value, persons) in joined {
            let number = *numbers.entry(value.clone()).or_insert_with(|| {
                spreads.push((value, vec![0; arms]));
                spreads.len() - 1
            });
            let spread = &mut spreads[number].1;
            spread.iter_mut().zip(persons).for_each(|(all, new)| *all += new);
            let counts: Vec<u64> = spread.iter().map(|count| u64::try_from(*count).unwrap_or(0)).collect();
            failed = failed.or(ratio.set(number, &counts).err());
        }
        if ratio.read()
            && let Some((value, persons)) = ratio.found().ok().and_then(|found| spreads.get(found.group))
        {
            worst = (value.clone(), persons.clone(), day);
        }
    }
    let found = failed.map_or_else(|| ratio.found(), Err);
    Followed { p_value: found.map(|found| found.p_value), worst }
}

/// Whether the arms are composed alike by a dimension (arm x value), at the end of every day up to `through`.
///
/// `rows`: of the dimension of index `dimension`, in any order. Blocking for what is told by that dimension, and for nothing
/// else. Crossovers stay in their first arm.
#[must_use]
pub fn check_composition<'a>(
    definition: &Definition,
    dimension: usize,
    rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    through: Day,
) -> Check {
    if let Some(strata) = definition.experiment.strata() {
        return composition_within(definition, (dimension, strata), rows, through);
    }
    let arms = definition.experiment.arms.len();
    let mut days = Joined::new();
    for (key, row) in rows.into_iter().filter(|(key, _)| key.day <= through) {
        let Some(arm) = usize::try_from(key.arm).ok().filter(|arm| *arm < arms) else { continue };
        let joined = row.all.counts[Count::Persons as usize];
        if joined != 0 {
            let of_day = days.entry(key.day).or_default();
            of_day.entry(key.value.clone()).or_insert_with(|| vec![0; arms])[arm] += joined;
        }
    }
    let Followed { p_value, worst: (value, persons, day) } = follow(days, weights(definition));
    let alarm = COMPOSITION_ALARM / definition.experiment.dimensions.len().max(1) as f64;
    let path = definition.experiment.dimensions[dimension].as_str();
    let check = Check::by_p_value(
        "sample_ratio_by_dimension",
        p_value,
        alarm,
        &format!("the values of {path} are spread over the arms like their weights"),
        |p| {
            let named = if value.is_empty() { "whose value is unknown".to_owned() } else { format!("with {value}") };
            format!(
                "the arms are composed differently by {path}: of the persons {named} they held {persons:?} on {day}, which \
                 their weights explain, on whatever day one looks, with a probability of at most {p:.2e}: look for exposures of these \
                 persons that one arm loses or sends late, and for a value that the arm itself sets; until then nothing \
                 by {path} can be compared"
            )
        },
    );
    let check = Check { dimension: Some(path.to_owned()), ..check };
    match p_value {
        Err(Undefined::NoPersons) => Check { message: "nobody was exposed yet".into(), ..check },
        _ => check,
    }
}

/// The same where the weights changed: each stratum has its own, and by any other dimension the arms differ with the phases.
fn composition_within<'a>(
    definition: &Definition,
    (dimension, strata): (usize, usize),
    rows: impl IntoIterator<Item = (&'a RowKey, &'a Row)>,
    through: Day,
) -> Check {
    const NAME: &str = "sample_ratio_by_dimension";
    let path = definition.experiment.dimensions[dimension].as_str();
    let check = if dimension == strata {
        let rows: Vec<_> = rows.into_iter().collect();
        // Who came when is all that it looks at, and that needs no instant.
        let through = Through { live: through, matured: through, end: journey::Instant::from_micros(0) };
        let strata = Strata::of(definition, rows, through, journey::CrossoverPolicy::First);
        strata.check_sizes(NAME, COMPOSITION_ALARM / definition.experiment.dimensions.len().max(1) as f64)
    } else {
        let message = format!(
            "the weights of the arms changed, so their composition by {path} differs with the phases, and is not tested; nothing by \
             {path} is an effect: compare by {}",
            definition.experiment.dimensions[strata]
        );
        Check { anytime: None, ..Check::new(NAME, true, message) }
    };
    Check { dimension: Some(path.to_owned()), p_value_chi_square: None, ..check }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{conversion, definition_by};
    use journey::Role;

    fn day(text: &str) -> Day {
        Day::parse(text, "").unwrap()
    }

    fn row(value: &str, arm: i16, on: &str, persons: i64) -> (RowKey, Row) {
        let mut row = Row::default();
        row.all.counts[Count::Persons as usize] = persons;
        (RowKey { dimension: 1, value: value.into(), arm, day: day(on) }, row)
    }

    fn check(rows: &[(RowKey, Row)], through: &str) -> Check {
        let x = definition_by(&[1, 1], &[conversion(Role::Primary)], Some(14), &["device"]);
        check_composition(&x, 0, rows.iter().map(|(key, row)| (key, row)), day(through))
    }

    #[test]
    fn arms_of_the_right_size_can_be_composed_differently() {
        // Both arms hold 1 000 persons.
        let rows = [
            row("ios", 0, "2026-10-01", 350),
            row("ios", 1, "2026-10-01", 200),
            row("", 0, "2026-10-02", 150),
            row("", 1, "2026-10-02", 300),
            row("web", 0, "2026-10-02", 500),
            row("web", 1, "2026-10-02", 500),
        ];
        let found = check(&rows, "2026-10-02");
        assert!(!found.ok && found.blocking && found.anytime == Some(true), "{found:?}");
        assert_eq!(found.dimension.as_deref(), Some("device"));
        assert!(
            found.message.contains("whose value is unknown they held [150, 300] on 2026-10-02"),
            "{}",
            found.message
        );
        assert!(found.p_value.unwrap() < found.threshold.unwrap());
        // As of the first day only that day is known; what it showed stays.
        let before = check(&rows, "2026-10-01");
        assert!(
            !before.ok && before.message.contains("with ios they held [350, 200] on 2026-10-01"),
            "{}",
            before.message
        );
        let mended = [&rows[..], &[row("", 0, "2026-10-03", 150)]].concat();
        assert!(!check(&mended, "2026-10-03").ok);
    }

    #[test]
    fn like_arms_and_nobody_pass() {
        let rows = [
            row("ios", 0, "2026-10-01", 262),
            row("ios", 1, "2026-10-01", 240),
            row("web", 0, "2026-10-01", 10),
            row("web", 1, "2026-10-01", 21),
        ];
        let found = check(&rows, "2026-10-02");
        assert!(found.ok && found.p_value.is_some(), "{found:?}");
        let nobody = check(&[], "2026-10-02");
        assert!(nobody.ok && nobody.p_value.is_none());
    }
}
